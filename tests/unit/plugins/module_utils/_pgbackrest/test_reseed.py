"""Where a new copy comes from, one test a row; and what is done with the data directory until it is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.filter.seed_source import FilterModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import reseed_run, restore, restore_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.reseed import Line, Policy, choose
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_files import RestoreFailed, Wanted
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import rewind
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import (
    read_note,
    restored_label,
    streams,
    write_note,
)

GIB = 1 << 30
LINE = Line("7001", 2, ((1, "0/6000200"),))


def backup(label: str, ended_at: int, timeline: int, segment: int, **more: Any) -> Backup:
    """A full one of 20 GiB, in one segment, at its byte 0x100."""
    wal = f"{timeline:08X}00000000{segment:08X}"
    told = {"lsn_start": f"0/{segment:X}000028", "lsn_stop": f"0/{segment:X}000100", "system_identifier": "7001"}
    return Backup(label, "full", 1, ended_at - 5, ended_at, False, 20 * GIB, 50, wal, wal, {}, **{**told, **more})


OLD = backup("OLD", 1000, 1, 4)
NEW = backup("NEW", 2000, 2, 8)
# Made of the old primary after the new one had gone its own way.
ASTRAY = backup("ASTRAY", 3000, 1, 7)
LAST_SEGMENT = backup("LAST", 1500, 1, 6)
ON, SMALL = Policy(on=True), Policy(on=True, above_bytes=21 * GIB)


def seen(*backups: Backup, **more: Any) -> dict[str, Any]:
    """What the host says of the backups."""
    return {"installed": True, "error": "", "backups": [{**asdict(one), "new_key": 1} for one in backups], **more}


ROWS = [
    ("asked for the primary", replace(ON, asked="basebackup"), seen(NEW), "", "basebackup", "was asked for", ""),
    ("no pgBackRest here", Policy(), seen(NEW), "", "basebackup", "no backups are taken with pgBackRest here", ""),
    ("no answer", ON, None, "", "basebackup", "nobody said", ""),
    ("an error", ON, seen(error="unable to connect"), "", "basebackup", "looked at (unable to connect)", ""),
    ("not installed", ON, seen(installed=False), "", "basebackup", "is not installed there", ""),
    ("no backup", ON, seen(), "", "basebackup", "there is no backup", ""),
    ("another cluster's", ON, seen(replace(NEW, system_identifier="7002")), "", "basebackup", "system 7002", ""),
    (
        "the newest is another cluster's",
        ON,
        seen(OLD, backup("OTHER", 4000, 2, 9, system_identifier="7002")),
        "",
        "backup",
        "backup OLD",
        "OLD",
    ),
    ("damaged", ON, seen(replace(NEW, faulty=True)), "", "basebackup", "no undamaged backup leads to timeline 2", ""),
    ("astray", ON, seen(ASTRAY), "", "basebackup", "no undamaged backup leads to timeline 2", ""),
    ("tried", ON, seen(OLD, NEW), "NEW", "basebackup", "backup NEW was restored there, and its WAL is gone", ""),
    ("too small", SMALL, seen(NEW), "", "basebackup", "has 20.0 GiB, and backups are used from 21.0 GiB on", ""),
    ("asked for, though small", replace(SMALL, asked="backup"), seen(NEW), "", "backup", "was asked for", "NEW"),
    ("asked for, and none", replace(ON, asked="backup"), seen(), "", "refuse", "there is no backup", ""),
    ("asked for, no pgBackRest", Policy(asked="backup"), None, "", "refuse", "no backups are taken", ""),
    ("the newest", ON, seen(NEW, OLD), "", "backup", "1970-01-01 00:33:20+00, has its 20.0 GiB", "NEW"),
    ("exactly the limit", replace(ON, above_bytes=20 * GIB), seen(NEW), "", "backup", "spares the primary", "NEW"),
    ("the newest on the way", ON, seen(OLD, ASTRAY), "", "backup", "spares the primary", "OLD"),
    ("the newest undamaged", ON, seen(OLD, replace(NEW, faulty=True)), "", "backup", "backup OLD", "OLD"),
    ("before they part, in its segment", ON, seen(LAST_SEGMENT), "", "backup", "backup LAST", "LAST"),
    ("a newer one than the one tried", ON, seen(OLD, NEW), "OLD", "backup", "backup NEW", "NEW"),
    ("the one tried has expired", ON, seen(NEW), "OLD", "backup", "backup NEW", "NEW"),
]


@pytest.mark.parametrize(
    ("policy", "said", "tried", "source", "why", "label"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_where_the_copy_comes_from(
    policy: Policy, said: dict[str, Any] | None, tried: str, source: str, why: str, label: str
) -> None:
    """Each row of the table, and the reason that people read."""
    made = choose(policy, said, LINE, tried=tried)
    assert (made.source, made.backup.label if made.backup else "") == (source, label), made
    assert why in made.why


def test_the_filter_reads_the_history_as_the_primary_keeps_it() -> None:
    """For site.yml; a history that cannot be read leads nowhere."""
    seed_source = FilterModule().filters()["seed_source"]
    history = "1\t0/6000200\tno recovery target specified\n"
    made = seed_source(seen(OLD, ASTRAY), "7001", 2, history=history, above_mb=0)
    assert (made["source"], made["label"], made["repository"]) == ("backup", "OLD", 1)
    assert seed_source(seen(OLD), "7001", 2, above_mb=0)["source"] == "basebackup"
    assert seed_source({}, "7001", 1)["why"] == "nobody said which backups there are"


WANTED = Wanted("orders", 1, "NEW", 1)
EMPTY = {"state": "absent", "is_mount": False, "label": "", "restoring": False, "copying": False}
FULL = {**EMPTY, "state": "initialized"}
STEPS = [
    ("empty", EMPTY, "refuse", False, "start"),
    ("restored from it", {**FULL, "label": "NEW"}, "refuse", False, "done"),
    ("restored from it, and kept aside", {**FULL, "label": "NEW"}, "aside", False, "done"),
    ("restored from it, once more", {**FULL, "label": "NEW"}, "aside", True, "start"),
    ("under way", {**EMPTY, "restoring": True}, "refuse", False, "wait"),
    ("other data, to be kept", FULL, "aside", False, "start"),
    ("other data, to be used again", {**FULL, "label": "OLD"}, "reuse", False, "start"),
    ("other data", FULL, "refuse", False, "is not empty; expected nothing there"),
    ("something else", {**EMPTY, "state": "foreign"}, "refuse", False, "is not empty; expected nothing there"),
    ("a mount point", {**EMPTY, "is_mount": True}, "refuse", False, "is a mount point"),
    ("a copy is under way", {**EMPTY, "copying": True}, "refuse", False, "a copy of the primary is under way"),
]


@pytest.mark.parametrize(("there", "old", "again", "step"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_what_is_done_with_a_data_directory(there: dict[str, Any], old: str, again: bool, step: str) -> None:
    """Nothing is overwritten unasked; what is restored already is left alone."""
    if " " in step:
        with pytest.raises(RestoreFailed, match=step):
            reseed_run.plan_restore(there, "/data", WANTED, old, again)
    else:
        assert reseed_run.plan_restore(there, "/data", WANTED, old, again) == step


def complete(directory: Path) -> None:
    """What makes a directory a cluster's."""
    (directory / "global").mkdir(parents=True)
    (directory / "global" / "pg_control").touch()
    (directory / "PG_VERSION").write_text("17\n")


class Host:
    """A host on which a restore ends at once, well or not."""

    def __init__(self, target: Path, works: bool = True) -> None:
        self.target, self.works = target, works
        self.started: list[str] = []
        self.found: set[str] = set()

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Answer one command."""
        staging = Path(f"{self.target}.seeding")
        if argv[0] == "systemd-run":
            self.started = list(argv)
            self.found = {one.name for one in staging.iterdir()}
            if self.works:
                if not (staging / "global").exists():
                    complete(staging)
                staging.rename(self.target)
        return Completed(0, "ActiveState=inactive\nJob=\n", "")


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A host without data, whose server is stopped and masked."""
    monkeypatch.setattr(rewind, "must_be_down", lambda layout: None)
    monkeypatch.setattr(restore, "LOG", str(tmp_path / "log"))
    made = Layout("17", "main", str(tmp_path))
    made.data_directory().parent.mkdir(parents=True)
    return made


def begin(host: Host, layout: Layout, old: str = "refuse") -> dict[str, Any]:
    """Restore it."""
    return reseed_run.run(host, layout, WANTED, old=old, begin=True, wait=0.1, again=True)


def test_the_files_are_a_standbys_before_they_are_in_their_place(layout: Layout) -> None:
    """Until then the data directory is empty, and afterwards the note tells what it is."""
    host = Host(layout.data_directory())
    done = begin(host, layout)
    words = " ".join(host.started)
    assert (done["finished"], done["aside"]) == (True, "")
    assert words.index("main.seeding/standby.signal") < words.index("mv -T") < words.index("--set=NEW")
    assert f"--pg1-path={layout.data_directory()}.seeding" in host.started
    assert restored_label(layout) == restored_label(layout, catching_up=True) == "NEW"
    streams(layout)
    assert (restored_label(layout), restored_label(layout, catching_up=True)) == ("NEW", "")


def test_a_restore_that_does_not_work_leaves_the_data_directory_empty(layout: Layout) -> None:
    """And says what pgBackRest said; what it fetched is used by the next run."""
    Path(restore.LOG).write_text("P00  ERROR: [041]: unable to open file\n")
    host = Host(layout.data_directory(), works=False)
    with pytest.raises(RestoreFailed, match="the restore failed: unable to open file"):
        begin(host, layout)
    assert (layout.data_directory().exists(), restored_label(layout)) == (False, "")
    (Path(f"{layout.data_directory()}.seeding") / "backup.manifest").touch()
    again = Host(layout.data_directory())
    begin(again, layout)
    assert again.found == {"backup.manifest"}


@pytest.mark.parametrize(("old", "found", "kept"), [("aside", set(), True), ("reuse", {"global", "PG_VERSION"}, False)])
def test_old_data_is_kept_or_used_again(layout: Layout, old: str, found: set[str], kept: bool) -> None:
    """As the plan says; a crash's pid file would keep pgBackRest from writing over it."""
    complete(layout.data_directory())
    (layout.data_directory() / "postmaster.pid").touch()
    host = Host(layout.data_directory())
    done = begin(host, layout, old)
    assert host.found == found
    assert bool(done["aside"]) is kept
    assert [one.name.startswith("main.before-") for one in layout.data_directory().parent.iterdir()].count(True) == kept


def test_half_a_copy_of_the_primary_is_not_taken_for_a_servers_files(layout: Layout) -> None:
    """pgBackRest would refuse to write over them."""
    half = Path(f"{layout.data_directory()}.seeding")
    half.mkdir()
    (half / "base").touch()
    host = Host(layout.data_directory())
    begin(host, layout)
    assert host.found == set()


def test_data_that_came_otherwise_is_not_what_the_note_tells_of(layout: Layout) -> None:
    """The note names the directory itself, not its place."""
    directory = layout.data_directory()
    complete(directory)
    write_note(layout, {"label": "NEW", "inode": directory.stat().st_ino + 1, "streamed": False})
    assert restored_label(layout) == ""
    write_note(layout, {**read_note(layout), "inode": directory.stat().st_ino})
    assert restored_label(layout) == "NEW"


def test_what_pgbackrest_is_asked_to_run_afterwards_comes_in_order() -> None:
    """The restore of a whole cluster leaves a stamp, that of a standby more."""
    argv = restore.start_argv(
        stanza="orders", repository=2, label="X", data_directory="/d", process_max=2, afterwards=[["a", "b"], ["c"]]
    )
    after = [one.removeprefix("--property=ExecStartPost=") for one in argv if "ExecStartPost" in one]
    assert after == ["a b", "c"]
    assert restore_files.wanted_from({"stanza": "s", "label": "l", "process_max": 3}) == Wanted("s", 1, "l", 3)
