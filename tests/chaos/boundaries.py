"""Where a run can be killed: before each of its tasks, and at moments inside the longest one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """One task of a run that nobody interrupted."""

    number: int
    name: str
    seconds: float


@dataclass(frozen=True)
class Point:
    """Before the task of that number begins, or, with ``inside``, that many seconds after it began."""

    number: int
    task: str
    inside: float | None = None

    def __str__(self) -> str:
        where = "before" if self.inside is None else f"{self.inside:.2f} s inside"
        return f"{where} {self.number} {self.task!r}"


def events(path: Path) -> list[dict[str, object]]:
    """What the callback has noted so far; a line that is being written does not count."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def tasks_of(noted: Iterable[dict[str, object]]) -> list[Task]:
    """The tasks of a whole run, with how long each took."""
    begun = [event for event in noted if "task" in event]
    return [
        Task(int(str(one["number"])), str(one["task"]), float(str(after["at"])) - float(str(one["at"])))
        for one, after in zip(begun, begun[1:])
    ]


def points(tasks: Sequence[Task], inside: int, chance: random.Random) -> list[Point]:
    """Before every task, and at ``inside`` moments spread evenly over the longest one."""
    longest = max(tasks, key=lambda task: task.seconds)
    spread = [longest.seconds * (number + chance.random()) / inside for number in range(inside)]
    found = []
    for task in tasks:
        found.append(Point(task.number, task.name))
        if task is longest:
            found += [Point(task.number, task.name, moment) for moment in spread]
    return found


def chosen(every: Sequence[Point], trials: int) -> list[Point]:
    """``trials`` of them, evenly over the run; all when there are not more or ``trials`` is 0."""
    if not trials or trials >= len(every):
        return list(every)
    return [every[(2 * number + 1) * len(every) // (2 * trials)] for number in range(trials)]
