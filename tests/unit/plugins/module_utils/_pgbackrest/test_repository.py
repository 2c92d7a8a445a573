"""What the repositories have together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command, repository
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import merged, parse_info

from .test_info import answer, second

FILE = {"type": "file", "time": 100}
SUM = "0" * 40


def segments(*numbers: int) -> dict[str, Any]:
    """A listing with these segments of timeline 1."""
    return {f"0000000100000000/00000001{0:08X}{number:08X}-{SUM}.zst": FILE for number in numbers}


class Host:
    """Listings by repository; a history lies in the second one alone."""

    def __init__(self, listings: dict[int, Any]) -> None:
        self.listings = listings

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        """See Runner."""
        key = next(int(word[7:]) for word in argv if word.startswith("--repo="))
        if "repo-get" in argv:
            assert key == 2
            return Completed(0, "1\t0/5000000\tno recovery target specified\n", "")
        found = self.listings[key]
        return Completed(1, "", "ERROR: [103]: away") if found is None else Completed(0, json.dumps(found), "")


def look(listings: dict[int, Any], silent: dict[int, str] | None = None) -> Any:
    """Of a stanza with two repositories."""
    answers = {key: text for key, text in {1: answer(), 2: second()}.items() if key not in (silent or {})}
    told = merged("orders", answers, silent or {})
    return repository.look(Host(listings), "orders", told, parse_info(told, "orders"))


def test_what_one_lacks_is_in_another() -> None:
    found = look({1: segments(1, 2, 5), 2: {**segments(2, 3, 4), "00000002.history": FILE}})
    assert [(run.first, run.last) for run in found.runs] == [(1, 5)]
    assert list(found.histories) == [2]


def test_one_that_is_away_is_not_asked() -> None:
    assert [(run.first, run.last) for run in look({1: segments(1, 2)}, {2: "away"}).runs] == [(1, 2)]


def test_one_that_fails_is_named() -> None:
    with pytest.raises(command.PgbackrestFailed, match="repository 2: repo-ls archive/orders/17-1: away"):
        look({1: segments(1), 2: None})
