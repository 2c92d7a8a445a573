# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a plan over open sessions: step by step, on all hosts of a step at once, with a list of what was done.

What fails is undone, newest first, or told, as the runbook says. No I/O here but calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Questions = Mapping[str, Mapping[str, Mapping[str, Any]]]


class AnswerLike(Protocol):
    """What came of a call."""

    ok: bool
    value: Any
    error: str
    seconds: float


class Calls(Protocol):
    """Sessions with many hosts."""

    def call_all(self, questions: Questions, timeout: float = 5.0) -> Mapping[str, Mapping[str, AnswerLike]]:
        """All at once."""


class StepFailed(Exception):
    """A step did not work on some host; the message names host and reason."""


def _result(answer: AnswerLike) -> str:
    """A step counts as a change unless its call says otherwise."""
    if not answer.ok:
        return "failed"
    return "changed" if (answer.value or {}).get("changed", True) else "ok"


@dataclass
class Done:
    """What was done. ``restored``: a failure was undone."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    restored: bool = False
    verified: dict[str, Any] | None = None
    changed: bool = False


class Conductor:
    """One run. ``began``: by ``clock``, what steps count their seconds from; ``say``: who is told what is under way."""

    outcome: Done

    def __init__(
        self,
        calls: Calls,
        *,
        clock: Callable[[], float] = time.monotonic,
        began: float | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.calls = calls
        self.clock, self.began, self.say = clock, clock() if began is None else began, say
        self._undo: list[tuple[str, Callable[[], None]]] = []

    def _step(
        self,
        name: str,
        questions: Questions,
        timeout: float,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Ask, write down, and raise StepFailed when anybody failed. Returns {host: values of its calls}.

        ``names``: calls that are steps of their own name.
        """
        if not questions:
            return {}
        self.say(name)
        began = self.clock()
        answers = self.calls.call_all(questions, timeout)
        failed = []
        values: dict[str, dict[str, Any]] = {}
        for host, calls in answers.items():
            for call, answer in calls.items():
                title = (names or {}).get(call, name)
                self.outcome.steps.append(
                    {
                        "name": title,
                        "host": host,
                        "started_s": round(began - self.began, 3),
                        "seconds": round(answer.seconds, 3),
                        "result": _result(answer),
                        "detail": answer.error,
                    }
                )
                if not answer.ok:
                    failed.append(f"{host}: {title}: {answer.error}")
                values.setdefault(host, {}).update(answer.value or {})
        if failed:
            raise StepFailed("; ".join(failed))
        return values

    def _forward(
        self,
        name: str,
        questions: Questions,
        timeout: float,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, dict[str, Any]]:
        """A step after the point of no return: a failure is told, and the rest is done all the same."""
        try:
            return self._step(name, questions, timeout, names)
        except StepFailed as failure:
            self.outcome.problems.append(str(failure))
            return {}

    def _back(self, questions: Questions, timeout: float) -> None:
        self._step("Take it back", questions, timeout)

    def _take_back(self) -> None:
        """Undo, newest first; one that fails does not keep the others from being tried."""
        self.outcome.restored = True
        for name, action in reversed(self._undo):
            try:
                action()
            except StepFailed as failure:
                self.outcome.restored = False
                self.outcome.problems.append(f"{name}: {failure}")

    def _verified(self, values: Mapping[str, Any], address: str) -> None:
        """Keep the answer of client_check for the record."""
        if values.get("server_address"):
            keys = ("server_address", "timeline", "tries", "seconds", "read_seconds")
            self.outcome.verified = {"address": address, **{key: values.get(key) for key in keys if key in values}}
