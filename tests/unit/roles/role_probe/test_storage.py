"""Full and stuck disks."""

from __future__ import annotations

import pytest
from role_probe.storage import Space, Waiting, follow_flush, low_space, read_space, stalled
from role_probe_samples import NOW, primary, replica

FLOOR = 1000


@pytest.mark.parametrize(
    ("free", "inodes", "floor", "was_low", "is_low"),
    [
        pytest.param(1000, 10, FLOOR, False, False, id="just enough"),
        pytest.param(999, 10, FLOOR, False, True, id="too little"),
        pytest.param(1249, 10, FLOOR, True, True, id="not yet enough to be offered again"),
        pytest.param(1250, 10, FLOOR, True, False, id="enough again"),
        pytest.param(10**9, 0, FLOOR, False, True, id="no inodes"),
        pytest.param(10**9, None, FLOOR, False, False, id="no fixed number of inodes"),
        pytest.param(0, 0, 0, False, False, id="switched off"),
    ],
)
def test_low_space(free: int, inodes: int | None, floor: int, was_low: bool, is_low: bool) -> None:
    """The floor, with hysteresis."""
    assert bool(low_space(Space("/data", free, inodes), floor, was_low=was_low)) is is_low


def test_space_is_read_without_entering_the_directory(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The data directory is closed to the probe's user."""
    closed = tmp_path / "data"
    closed.mkdir(mode=0)
    assert read_space(str(closed)).free_bytes > 0


WAITING = {"insert_location": 6000, "flush_location": 5000, "wal_waiters": 1}


@pytest.mark.parametrize(
    ("first", "then", "after", "is_stalled"),
    [
        pytest.param(primary(**WAITING), primary(**WAITING), 1.6, True, id="somebody waits and nothing moves"),
        pytest.param(primary(**WAITING), primary(**WAITING), 1.5, False, id="not yet for long enough"),
        pytest.param(primary(**WAITING), primary(**{**WAITING, "flush_location": 5001}), 1.6, False, id="it moves"),
        pytest.param(
            primary(**{**WAITING, "wal_waiters": 0}),
            primary(**{**WAITING, "wal_waiters": 0}),
            60,
            False,
            id="an open transaction left WAL behind and nobody waits",
        ),
        pytest.param(primary(), primary(), 60, False, id="all flushed"),
        pytest.param(primary(**WAITING), replica(), 60, False, id="became a standby"),
    ],
)
def test_a_stuck_disk(first, then, after: float, is_stalled: bool) -> None:  # type: ignore[no-untyped-def]
    """Two looks, some time apart."""
    before = follow_flush(None, first, NOW)
    current = follow_flush(before, then, NOW + after)
    assert bool(stalled(current, NOW + after, 1.5)) is is_stalled


def test_the_clock_starts_with_the_waiting() -> None:
    """Quiet time before does not count against the disk."""
    quiet = follow_flush(None, primary(insert_location=6000, flush_location=5000), NOW)
    assert quiet is None
    assert follow_flush(quiet, primary(**WAITING), NOW + 60) == Waiting(5000, since=NOW + 60)
