"""Acknowledged writes around a run, read from a load's journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_writes import read_acks, writes_of

from tests.storm.journal import Journal
from tests.storm.model import Order
from tests.unit.plugins.module_utils._recovery.records import EPOCH, journal, writes


@pytest.mark.parametrize(
    ("acks", "gap"),
    [
        ((-1, 0.5, 2.0, 2.1, 5.0), (2.1, 5.0)),
        ((-30, -3, 1.0, 3.0, 4.1), (-3, 1.0)),
        ((-60, -5, 0.5, 3.9, 4.0), (-5, 0.5)),
        ((-60, -20, -1, 0.5, 3.0, 4.5), (0.5, 3.0)),
        ((-1, 3.0, 4.5, 60.0), (-1, 3.0)),
    ],
)
def test_the_longest_gap_that_touches_the_run(acks: tuple[float, ...], gap: tuple[float, float]) -> None:
    """What happened long before or after it is not its doing."""
    found = writes(*acks)["gap"]
    assert found == {"started_s": gap[0], "ended_s": gap[1], "seconds": pytest.approx(gap[1] - gap[0])}


def test_writes_that_never_came_back() -> None:
    """There is no end to name, and it is counted up to the run's."""
    assert writes(-1, 0.5)["gap"] == {"started_s": 0.5, "ended_s": None, "seconds": 3.5}


def test_no_write_at_all() -> None:
    """Nothing is claimed."""
    assert writes()["gap"] is None


def test_every_write_of_the_window_is_counted_once() -> None:
    """In its own tenth of a second."""
    acks = [number / 50 for number in range(-100, 300)]
    found = writes(*acks)
    assert sum(found["acknowledged"]) == len([ack for ack in acks if found["started_s"] <= ack <= 6.0])
    assert max(found["acknowledged"]) <= 6


def test_a_gap_that_began_long_ago_does_not_press_the_run_into_a_corner() -> None:
    """The picture begins as long before the run as the run is long, ten seconds at least."""
    assert writes(-600, -500, 2.0, 3.9)["started_s"] == -10.0


@pytest.mark.parametrize("lines", [[], ["nonsense"], ['{"e":"ack","m":1}'], ['{"e":"run"}'], ["[]"]])
def test_what_is_no_journal(lines: list[str]) -> None:
    """It is named as such."""
    with pytest.raises(ValueError, match="is no journal"):
        read_acks(lines)


def test_torn_and_unknown_lines_are_passed_over() -> None:
    """A load that still runs, or was killed."""
    lines = [*journal(1.0), '{"e":"news","about":"ack"}', '{"e":"ack","m":1']
    assert read_acks(lines) == [pytest.approx(EPOCH + 1.0)]


def test_the_storms_own_journal_is_read(tmp_path: Path) -> None:
    """The format that docs/storm.md promises."""
    book = Journal(tmp_path / "storm.jsonl")
    book.begin(run="r", table="t", target="host=x", writers=1, think_time=0.0, wall=EPOCH)
    orders: list[Any] = [Order(id=f"00000000-0000-0000-0000-00000000000{n}", writer=0, sequence=n) for n in range(3)]
    for number, order in enumerate(orders):
        book.intent(order, number + 0.4)
        book.acknowledged(order, number + 0.5)
    book.error(m=2.9, writer=0, phase="commit", error_class="57P01", message="ack", order=orders[0], in_doubt=True)
    book.end(m=3.0, stopped=3.0, reason="duration")
    book.close()
    with (tmp_path / "storm.jsonl").open() as lines:
        found = writes_of(lines, source="storm.jsonl", began=EPOCH, ended=EPOCH + 2)
    assert sum(found["acknowledged"]) == 3 and found["gap"]["seconds"] == 1.0
