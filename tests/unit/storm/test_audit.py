# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.storm.audit import IDS_SHOWN, AuditResult, audit_orders

NOTHING: dict[str, set[str]] = {
    "lost": set(),
    "duplicated": set(),
    "in_doubt_committed": set(),
    "in_doubt_absent": set(),
    "failed_committed": set(),
    "unexpected": set(),
}

# acknowledged, in doubt, failed, rows by id -> what is not empty in the verdict, clean
TABLE = {
    "nothing happened": ("", "", "", {}, {}, True),
    "all there": ("ab", "", "", {"a": 1, "b": 1}, {}, True),
    "acknowledged but absent is lost": ("ab", "", "", {"a": 1}, {"lost": {"b"}}, False),
    "two rows of one id are a duplicate": ("ab", "", "", {"a": 1, "b": 2}, {"duplicated": {"b"}}, False),
    "an order in doubt may be there": ("", "d", "", {"d": 1}, {"in_doubt_committed": {"d"}}, True),
    "an order in doubt may be absent": ("", "d", "", {}, {"in_doubt_absent": {"d"}}, True),
    "an order in doubt must not be there twice": (
        "",
        "d",
        "",
        {"d": 2},
        {"in_doubt_committed": {"d"}, "duplicated": {"d"}},
        False,
    ),
    "a failed order is absent": ("", "", "f", {}, {}, True),
    "a failed order that is there was committed by nobody": ("", "", "f", {"f": 1}, {"failed_committed": {"f"}}, True),
    "a row that the journal does not know": ("a", "", "", {"a": 1, "x": 1}, {"unexpected": {"x"}}, True),
    "an unknown row twice": ("", "", "", {"x": 2}, {"unexpected": {"x"}, "duplicated": {"x"}}, False),
    "everything lost": ("ab", "", "", {}, {"lost": {"a", "b"}}, False),
}


@pytest.mark.parametrize(("acknowledged", "in_doubt", "failed", "stored", "found", "clean"), TABLE.values(), ids=TABLE)
def test_verdict(
    acknowledged: str, in_doubt: str, failed: str, stored: dict[str, int], found: dict[str, set[str]], clean: bool
) -> None:
    result = audit_orders(acknowledged=set(acknowledged), in_doubt=set(in_doubt), failed=set(failed), stored=stored)
    assert result == AuditResult(**{kind: frozenset(ids) for kind, ids in {**NOTHING, **found}.items()})
    assert result.clean is clean


def test_counts_are_complete_and_ids_are_capped() -> None:
    many = {f"{number:04}" for number in range(IDS_SHOWN + 50)}
    shown = audit_orders(acknowledged=many, in_doubt=set(), failed=set(), stored={}).as_dict()
    assert shown["lost"] == IDS_SHOWN + 50
    assert shown["lost_ids"] == sorted(many)[:IDS_SHOWN]
    assert shown["clean"] is False
