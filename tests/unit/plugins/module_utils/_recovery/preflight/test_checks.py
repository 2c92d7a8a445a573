"""Every check, a row for each way in which it is not fine: exactly that check, on that host, at that level."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.table import BY_NAME, CHECKS

from tests.unit.plugins.module_utils._recovery.estates import (
    empty,
    fenced,
    silent,
    stopped,
)
from tests.unit.plugins.module_utils._recovery.preflight import rows_cluster, rows_workload
from tests.unit.plugins.module_utils._recovery.preflight.sound import (
    Spoil,
    both,
    database,
    judged,
    logical,
    put,
    synced,
)

ROWS = [*rows_cluster.ROWS, *rows_workload.ROWS]


@pytest.mark.parametrize(
    ("check", "host", "level", "says", "spoil"), ROWS, ids=lambda value: str(value) if isinstance(value, str) else ""
)
def test_each_row(check: str, host: str, level: str, says: str, spoil: Spoil) -> None:
    """With pg2 named, so that the candidate stays who it is."""
    mine = [one for one in judged(spoil, named="pg2").verdicts if (one.check, one.host) == (check, host)]
    found = [one for one in mine if one.level != "ok"]
    assert [one.level for one in found] == [level], found
    assert says in found[0].observed
    assert found[0].expected and found[0].fix


def test_every_check_has_a_row() -> None:
    """And one that is not fine without a named candidate has a test of its own."""
    assert {row[0] for row in ROWS} | {"candidate_standby"} == set(BY_NAME)


def test_a_sound_estate_has_nothing_but_fine_verdicts() -> None:
    """Every check that applies says so."""
    found = judged()
    assert found.level == "ok", [one for one in found.verdicts if one.level != "ok"]
    applies = {check.name for check in CHECKS if "switchover" in check.levels}
    assert {one.check for one in found.verdicts} == applies


@pytest.mark.parametrize(
    ("says", "named", "spoil"),
    [
        ("it is the primary already", "pg1", put("nodes")),
        ("fenced", "pg2", put("nodes", pg2=fenced("pg2"))),
        ("not a running standby (stopped)", "pg2", put("nodes", pg2=stopped("pg2"))),
        ("not reachable", "pg2", put("nodes", pg2=silent("pg2"))),
        ("no host can become primary", None, put("nodes", pg2=stopped("pg2"), pg3=empty("pg3"))),
    ],
)
def test_who_cannot_be_the_candidate(says: str, named: str | None, spoil: Spoil) -> None:
    """Never waivable."""
    found = judged(spoil, named=named, waive="candidate_standby")
    (one,) = [one for one in found.verdicts if one.check == "candidate_standby"]
    assert (one.level, says in one.observed) == ("block", True), one


def test_a_logical_slot_with_a_synchronised_copy_is_not_lost() -> None:
    """PostgreSQL 17's failover slots."""
    found = judged(both(logical(failover=True), synced), named="pg2")
    assert {one.level for one in found.verdicts if one.check == "logical_slots"} == {"ok"}


def test_an_estate_without_poolers_lacks_none() -> None:
    """Stopped everywhere is not installed."""
    stopped_pools = {"read_write": "stopped", "read_only": "stopped"}
    found = judged(put("pools", lb1=stopped_pools, lb2=stopped_pools))
    assert not [one for one in found.verdicts if one.check == "pools_ready"]


def test_a_stopped_host_is_not_asked_for_sql() -> None:
    """Its missing answer is no fault of its own; that it is stopped is."""
    facts = database("pg3") | {"sql": None, "sql_error": "Postgres does not run"}
    found = judged(both(put("nodes", pg3=stopped("pg3")), put("facts", pg3=facts)))
    levels = {one.check: one.level for one in found.verdicts if one.host == "pg3"}
    assert (levels["facts"], levels["siblings_stream"]) == ("ok", "warn")
