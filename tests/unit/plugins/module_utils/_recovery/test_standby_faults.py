"""Slots and lag: one test a row of the table, and what must say nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.standby_faults import standby_reasons

from tests.unit.plugins.module_utils._recovery.estates import DATABASES, orphan, out, primary, silent, standby

MIB = 1 << 20


def slot(name: str = "pg3", status: str = "reserved", **changes: Any) -> dict[str, Any]:
    """A physical slot that nobody reads."""
    known = {"name": name, "type": "physical", "active": False, "wal_status": status, "retained_bytes": 300 * MIB}
    return {**known, "safe_bytes": None, **changes}


def said(*slots: dict[str, Any], third: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    """What is said about an estate whose primary pg1 has these slots."""
    nodes = nodes_from((primary(slots=list(slots), **changes), standby("pg2"), third or standby("pg3")), DATABASES)
    return [f"{one.host}: {one.observed} -> {one.next}" for one in standby_reasons(nodes[0], nodes)]


REJOIN = "ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg3"
DROP = "if nobody needs it, on pg1: SELECT pg_drop_replication_slot"
ROWS = [
    (slot(status="lost"), f"pg3: pg1 has no WAL for it any more (slot pg3 is lost) -> {REJOIN}"),
    (
        slot(status="unreserved"),
        f"pg3: pg1 holds 300 MiB of WAL for it, and gives it up at its next checkpoint -> {REJOIN}",
    ),
    (
        slot(status="extended", safe_bytes=50 * MIB),
        f"pg3: pg1 holds 300 MiB of WAL for it, and nobody reads it; 50 MiB more, and it is lost -> {REJOIN}",
    ),
    (
        slot("old", "extended"),
        f"pg1: the physical slot old of no host holds 300 MiB of WAL -> {DROP}('old')",
    ),
    (
        slot("feed", "unreserved", type="logical"),
        f"pg1: the logical slot feed of no host holds 300 MiB of WAL -> {DROP}('feed')",
    ),
    (slot("old", "lost"), f"pg1: the physical slot old has lost its WAL and is of no use -> {DROP}('old')"),
    (slot("pg1", "extended"), f"pg1: the physical slot pg1 of no host holds 300 MiB of WAL -> {DROP}('pg1')"),
]


@pytest.mark.parametrize(("one", "line"), ROWS)
@pytest.mark.parametrize("third", [orphan("pg3"), silent("pg3")], ids=["there", "silent"])
def test_a_slot_is_named_with_what_it_holds_and_what_to_type(one: dict[str, Any], line: str, third: Any) -> None:
    """Whether its host answers or not."""
    assert said(one, third=third) == [line]


@pytest.mark.parametrize(
    "one",
    [
        slot(),
        slot(status=""),
        slot(status="extended", active=True),
        slot("feed", "extended", type="logical", active=True),
        slot("old"),
    ],
)
def test_what_is_read_or_small_is_no_fault(one: dict[str, Any]) -> None:
    """A standby that is away for a minute, one that catches up, a subscriber at work."""
    assert said(one) == []


def row(lag: int) -> dict[str, Any]:
    """pg3 in pg_stat_replication."""
    return {"application_name": "pg3", "state": "streaming", "sync_state": "quorum", "lag_bytes": lag}


@pytest.mark.parametrize(
    ("lag", "third", "line"),
    [
        (65 * MIB, standby("pg3"), "pg3: 65 MiB behind pg1 -> its disk"),
        (0, standby("pg3", lag_bytes=65 * MIB, lag_seconds=7.0), "pg3: 65 MiB behind pg1, 7 s -> its disk"),
        (0, standby("pg3", lag_bytes=100, lag_seconds=61.0), "pg3: 100 B behind pg1, 61 s -> its disk"),
        (63 * MIB, standby("pg3"), ""),
        (0, standby("pg3", lag_bytes=0, lag_seconds=3600.0), ""),
        (65 * MIB, orphan("pg3"), ""),
        (65 * MIB, out("pg3"), ""),
    ],
    ids=["the line", "the replay", "late", "a little", "an idle primary", "not streaming", "out for maintenance"],
)
def test_a_standby_that_lags_is_named(lag: int, third: dict[str, Any], line: str) -> None:
    """By what the primary has sent, and by what it has replayed; one that does not stream has a line of its own."""
    seen = said(third=third, replication=[row(lag)])
    assert [one[: len(line)] for one in seen] == ([line] if line else [])
