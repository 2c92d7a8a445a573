"""A copy is started once, picked up again, and its failure is told in pg_basebackup's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import basebackup_apply
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import Upstream
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import read_note, write_note

PG1 = Upstream("pg1", "192.0.2.21", 5432, "replicator", "/p", "verify-full", "/ca", "pg2", "pg2")


class Host:
    """A host whose copy goes through these states of its unit, one per question; the last one stays."""

    def __init__(self, *states: str, identify: Completed | None = None) -> None:
        self.states = list(states)
        self.answer = identify or Completed(0, "7001|1|0/3000000|\n", "")
        self.commands: list[list[str]] = []
        self.ends: Mapping[str, Path] = {}

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Answer one command."""
        self.commands.append(list(argv))
        if "IDENTIFY_SYSTEM" in argv:
            assert env is not None
            assert env["HOME"] != "/root"
            return self.answer
        if argv[:2] == ["systemctl", "show"]:
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            if state == "inactive" and self.ends:
                self.ends["staging"].rename(self.ends["target"])
                self.ends = {}
            if state == "silent":
                return Completed(1, "", "Connection timed out")
            job = "77" if state == "queued" else ""
            return Completed(0, f"ActiveState={'inactive' if job else state}\nJob={job}\n", "")
        return Completed(0, "", "")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A host without data."""
    return Layout("17", "main", str(tmp_path))


def complete(directory: Path) -> None:
    """What makes a directory a cluster's."""
    (directory / "global").mkdir(parents=True)
    (directory / "global" / "pg_control").touch()
    (directory / "PG_VERSION").write_text("17\n")


def test_identify() -> None:
    """The identifier is the first column."""
    assert basebackup_apply.identify(Host("inactive"), Layout("17"), PG1) == "7001"


def test_identify_tells_all_that_the_server_said() -> None:
    """psql breaks the reason into lines; the last one alone would hide it."""
    host = Host("", identify=Completed(2, "", "FATAL: password authentication failed\npassword retrieved from file"))
    with pytest.raises(basebackup_apply.SeedFailed, match=r"pg1 \(192.0.2.21\).*authentication failed password retr"):
        basebackup_apply.identify(host, Layout("17"), PG1)


def test_start_removes_half_a_copy_and_nothing_else(layout: Layout, tmp_path: Path) -> None:
    """The data directory itself is not touched."""
    target = layout.data_directory()
    half = Path(f"{target}.seeding")
    half.mkdir(parents=True)
    (half / "base").touch()
    target.mkdir()
    write_note(layout, {"label": "20261126-150233F"})
    log = tmp_path / "run" / "log"
    log.parent.mkdir()
    log.write_text("99/100 kB (99%), 0/1 tablespace\n")
    host = Host("inactive")
    basebackup_apply.start(host, layout, PG1, log, "")
    assert not half.exists()
    assert target.exists()
    assert not log.exists()
    assert host.commands[-1][0] == "systemd-run"
    # What comes now is no restored backup, and a restore that goes on would write into it.
    assert read_note(layout) == {}
    assert not any(one[:2] == ["systemctl", "stop"] for one in host.commands)
    restoring = Host("active")
    basebackup_apply.start(restoring, layout, PG1, log, "")
    assert ["systemctl", "stop", "ha_recovery-restore.service"] in restoring.commands


def test_wait_returns_while_the_copy_goes_on(layout: Layout, tmp_path: Path) -> None:
    """With how far it is."""
    log = tmp_path / "log"
    log.write_text("50/100 kB (50%), 0/1 tablespace\n")
    finished, progress = basebackup_apply.wait(Host("activating"), layout, log, 0)
    assert (finished, progress.percent) == (False, 50)


def test_wait_ends_with_the_copy(layout: Layout, tmp_path: Path) -> None:
    """The directory has its name and is a cluster's. A start that is still queued is no end, nor is silence."""
    target = layout.data_directory()
    staging = Path(f"{target}.seeding")
    complete(staging)
    host = Host("queued", "silent", "activating", "inactive")
    host.ends = {"staging": staging, "target": target}
    assert basebackup_apply.wait(host, layout, tmp_path / "log", 30)[0]


def test_wait_tells_why_the_copy_failed(layout: Layout, tmp_path: Path) -> None:
    """In its own last words, without the figures."""
    log = tmp_path / "log"
    log.write_text("50/100 kB (50%), 0/1 tablespace\npg_basebackup: error: disk full\n")
    with pytest.raises(basebackup_apply.SeedFailed, match="the copy failed: pg_basebackup: error: disk full"):
        basebackup_apply.wait(Host("failed"), layout, log, 30)


def test_wait_without_words_names_the_journal(layout: Layout, tmp_path: Path) -> None:
    """The unit is named."""
    with pytest.raises(basebackup_apply.SeedFailed, match=r"journalctl -u ha_recovery-seed-17-main\.service"):
        basebackup_apply.wait(Host("failed"), layout, tmp_path / "log", 30)


def test_observe_target(layout: Layout) -> None:
    """An empty directory, and a copy under way."""
    seen = basebackup_apply.observe_target(Host("activating"), layout, "pg2")
    assert (seen.data_state, seen.unit_state, seen.system_identifier) == ("absent", "activating", None)
