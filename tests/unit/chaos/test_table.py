"""The table holds what was seen, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.chaos.experiments import BY_NAME
from tests.chaos.table import BEGIN, END, put, row, table


def result(**changes: Any) -> dict[str, Any]:
    """One that held."""
    return {
        "name": "power_cut", "seed": 1, "date": "2026-03-01T03:00:00Z", "ok": True, "wrong": [], "write_gap_s": 4.0,
        "acknowledged": 900, "lost": 0, "duplicated": 0, "served_by_two": [], "two_writable": [], **changes,
    }  # fmt: skip


def test_an_experiment_that_was_not_seen_has_no_figures() -> None:
    """And says so."""
    assert "not seen yet" in row(BY_NAME["power_cut"], [])


def test_failed_ones_count_and_are_told() -> None:
    """One of two held; the gap is that of both."""
    two = [result(), result(seed=2, ok=False, wrong=["2 acknowledged orders lost"], lost=2, write_gap_s=6.0)]
    made = table(two)
    assert "| `power_cut` | 1 of 2 | 4.00 / 5.00 / 6.00 | 1800 | 2 | 0 | 0 | - | 2026-03-01, seed 1, 2 |" in made
    assert "- `power_cut`, seed 2: 2 acknowledged orders lost" in made


def test_what_is_not_known_is_no_zero() -> None:
    """A run without an audit knows nothing of losses."""
    assert "| not known | not known |" in row(BY_NAME["power_cut"], [result(lost=None, duplicated=None)])


def test_bytes_lost_stand_beside_those_quoted() -> None:
    """Without synchronous replication."""
    one = result(name="throttled_standbys", lost=30, loss={"wal_bytes": 900, "quoted_bytes": 1000})
    assert "30 (900 of 1000 bytes quoted)" in row(BY_NAME["throttled_standbys"], [one])


def test_the_table_replaces_the_one_before() -> None:
    """What stands around it stays."""
    once = put(f"a\n{BEGIN}\nold\n{END}\nb", BEGIN, "new")
    assert once == f"a\n{BEGIN}\nnew\n{END}\nb"
    assert put(once, BEGIN, "new") == once
