"""When a primary that is told to stop counts as stopped."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import handover

# src/include/catalog/pg_control.h, enum DBState.
STATES = [
    "startup",
    "shutdowned",
    "shutdowned in recovery",
    "shutdowning",
    "crash recovery",
    "archive recovery",
    "production",
]


def control(directory: Path, state: int) -> Path:
    """A control file: system identifier, pg_control's version, the catalog's version, state, and more."""
    (directory / "global").mkdir(exist_ok=True)
    (directory / "global/pg_control").write_bytes(struct.pack("=QIIi", 7, 1700, 202406281, state) + bytes(200))
    return directory


@pytest.mark.parametrize(("state", "down"), [(number, number == 1) for number in range(len(STATES))], ids=STATES)
def test_only_a_clean_shutdown_of_a_primary_counts(state: int, down: bool, tmp_path: Path) -> None:
    """One that is still shutting down may write."""
    assert handover.is_shut_down(control(tmp_path, state)) is down


def test_no_control_file(tmp_path: Path) -> None:
    """What cannot be read proves nothing."""
    assert handover.is_shut_down(tmp_path) is False


@pytest.mark.parametrize(
    ("gone", "state", "processes", "ended"),
    [
        (False, 1, True, True),
        (True, 1, True, False),
        (False, 3, True, False),
        (True, 1, False, True),
        (False, 3, False, True),
    ],
)
def test_an_archiver_that_takes_its_time(
    gone: bool, state: int, processes: bool, ended: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hands over goes on when the checkpoint is on disk; whoever needs the host waits for the last process."""
    monkeypatch.setattr(handover, "server_processes", lambda _directory: (4711,) if processes else ())
    assert handover._ended(control(tmp_path, state), 0.02, gone) is ended
