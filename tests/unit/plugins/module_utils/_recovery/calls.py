"""Sessions with hosts that write down what was asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer


class Hosts:
    """``values``: what each call answers; ``fails`` names calls that do not work."""

    def __init__(self, values: Mapping[str, Mapping[str, Any]], *fails: str) -> None:
        self.values = values
        self.fails = fails
        self.asked: list[str] = []
        self.args: dict[str, Mapping[str, Any]] = {}

    def call_all(self, questions: Mapping[str, Any], timeout: float = 5.0) -> dict[str, dict[str, Answer]]:
        """Every call once, however many hosts it goes to."""
        words: list[str] = []
        answers: dict[str, dict[str, Answer]] = {}
        for host, calls in questions.items():
            for call, args in calls.items():
                words += [call] if call not in words else []
                self.args[call] = args
                bad = call in self.fails
                answers.setdefault(host, {})[call] = Answer(
                    not bad, {} if bad else self.values.get(call, {}), "it broke" if bad else "", 0.1
                )
        self.asked.append("+".join(words))
        return answers
