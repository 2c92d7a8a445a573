"""pg_rewind: what is left behind when it fails, when it is killed, and when it works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import rewind
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import Upstream
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout

PG2 = Upstream("pg2", "192.0.2.22", 5432, "replicator", "/p", "verify-full", "/ca", "pg1", "pg1")
UNREACHABLE = 'pg_rewind: error: connection to server at "pg2" (192.0.2.22), port 5432 failed: timeout expired'
NO_WAL = """pg_rewind: servers diverged at WAL location 0/5000000 on timeline 1
pg_rewind: error: could not find previous WAL record at 0/4000028"""
LOST = """pg_rewind: servers diverged at WAL location 0/5000000 on timeline 1
pg_rewind: rewinding from last common checkpoint at 0/4000028 on timeline 1
pg_rewind: error: could not fetch file list: connection to server was lost"""


class Says:
    """pg_rewind, as it answers."""

    def __init__(self, rc: int, stderr: str = "") -> None:
        self.answer = Completed(rc, "", stderr)

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Whatever is asked."""
        return self.answer


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A stopped, masked standby."""
    made = Layout("17", "main", str(tmp_path))
    made.data_directory().mkdir(parents=True)
    (made.data_directory() / "standby.signal").touch()
    made.replication_conf.parent.mkdir(parents=True)
    mask = tmp_path / "etc/systemd/system" / made.unit
    mask.parent.mkdir(parents=True)
    mask.symlink_to("/dev/null")
    return made


@pytest.mark.parametrize(
    ("rc", "stderr", "words", "next_run"),
    [
        (1, UNREACHABLE, "it has changed nothing", ""),
        (1, NO_WAL, "the next run takes a copy", "a rewind of it failed"),
        (1, LOST, "the next run takes a copy", "a rewind of it failed"),
        (124, "", "the next run takes a copy", "a rewind of it failed"),
    ],
    ids=["primary out of reach", "WAL is missing", "lost on the way", "too late"],
)
def test_a_failed_rewind_leads_to_a_copy_unless_it_changed_nothing(
    layout: Layout, rc: int, stderr: str, words: str, next_run: str
) -> None:
    """What would fail again must not be tried for ever, and what was not begun must not cost a copy of everything."""
    with pytest.raises(rewind.RewindFailed, match=words):
        rewind.rewind(Says(rc, stderr), layout, PG2, {"host": "pg1"}, timeout=5)
    assert rewind.interrupted(layout).startswith(next_run)
    assert bool(rewind.interrupted(layout)) is bool(next_run)
    assert (layout.data_directory() / "standby.signal").exists() is not bool(next_run)


def test_after_a_rewind_it_is_a_standby_and_no_note_is_left(layout: Layout) -> None:
    """Whatever starts it then, it follows."""
    rewind.rewind(Says(0, "pg_rewind: Done!"), layout, PG2, {"host": "pg1"}, timeout=5)
    assert rewind.interrupted(layout) == ""
    assert (layout.data_directory() / "standby.signal").exists()
    assert "pg2" in layout.replication_conf.read_text()


def test_a_server_that_may_start_is_not_rewound(layout: Layout, tmp_path: Path) -> None:
    """Its unit has to be masked."""
    (tmp_path / "etc/systemd/system" / layout.unit).unlink()
    with pytest.raises(rewind.RewindFailed, match="may start; expected a stopped server"):
        rewind.rewind(Says(0), layout, PG2, {}, timeout=5)


def test_the_rewind_of_a_run_that_was_killed_is_ended_first(layout: Layout, tmp_path: Path) -> None:
    """It would write into the copy that takes its place."""
    program = tmp_path / "pg_rewind"
    program.symlink_to(sys.executable)
    code = "import time; time.sleep(60)"
    orphan = subprocess.Popen([str(program), "-c", code, f"--target-pgdata={layout.data_directory()}"])
    other = subprocess.Popen([str(program), "-c", code, "--target-pgdata=/srv/other"])
    try:
        while not rewind.running_rewinds(layout.data_directory()):
            assert orphan.poll() is None
        assert rewind.running_rewinds(layout.data_directory()) == (orphan.pid,)
        with pytest.raises(rewind.RewindFailed, match=f"process {orphan.pid}"):
            rewind.end_rewinds(layout, within=-1)
        # Its parent here does not reap it before the test does; a zombie has no command line.
        rewind.must_be_down(layout)
        assert orphan.wait(5) != 0
        assert other.poll() is None
    finally:
        for one in (orphan, other):
            one.kill()
            one.wait()


@pytest.mark.parametrize(
    ("names", "size", "oldest"),
    [
        (["000000010000000000000005", "000000020000000000000005", "000000020000000000000006"], 16 << 20, "0/5000000"),
        (["000000010000000100000001", "archive_status", "00000002.history"], 16 << 20, "1/1000000"),
        (["000000010000000000000003"], 1 << 30, "0/C0000000"),
        ([], 16 << 20, None),
    ],
)
def test_where_the_wal_begins(tmp_path: Path, names: list[str], size: int, oldest: str | None) -> None:
    """Of whatever timeline, at whatever size of segments."""
    (tmp_path / "pg_wal").mkdir()
    for name in names:
        (tmp_path / "pg_wal" / name).touch()
    assert rewind.oldest_wal(tmp_path, size) == oldest
