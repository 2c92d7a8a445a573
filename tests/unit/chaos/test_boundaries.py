"""Where a run is killed."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tests.chaos.boundaries import Point, Task, chosen, events, points, tasks_of

RUN = [
    {"at": 10.0, "number": 1, "task": "look"},
    {"at": 11.0, "number": 2, "task": "act"},
    {"at": 15.0, "number": 3, "task": "write"},
    {"at": 15.5, "number": 4, "task": ""},
]
TASKS = [Task(1, "look", 1.0), Task(2, "act", 4.0), Task(3, "write", 0.5)]


def test_the_end_of_the_run_is_no_task() -> None:
    """It only tells how long the last one took. A stop says nothing about tasks."""
    assert tasks_of(RUN) == TASKS
    assert tasks_of([*RUN[:2], {"at": 11.0, "number": 2, "stopped": True}, *RUN[2:]]) == TASKS


def test_before_every_task_and_inside_the_longest() -> None:
    """In the order of the run; the moments inside are spread evenly."""
    found = points(TASKS, 2, random.Random(1))
    assert [(point.number, point.inside is None) for point in found] == [
        (1, True), (2, True), (2, False), (2, False), (3, True)
    ]  # fmt: skip
    first, second = (point.inside for point in found if point.inside is not None)
    assert 0 <= first <= 2 <= second <= 4


def test_a_few_are_spread_over_the_run() -> None:
    """Not the first ones."""
    every = [Point(number, "x") for number in range(10)]
    assert [point.number for point in chosen(every, 2)] == [2, 7]
    assert chosen(every, 0) == every
    assert chosen(every, 99) == every


def test_a_line_that_is_being_written_does_not_count(tmp_path: Path) -> None:
    """The callback writes while the test reads."""
    path = tmp_path / "events"
    assert events(path) == []
    path.write_text(json.dumps(RUN[0]) + "\n" + '{"at": 11')
    assert events(path) == [RUN[0]]
