"""Promotion: what is looked at once more, and what refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.node import blank_node
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote import (
    Expected,
    PromotePlan,
    PromoteRefused,
    plan_promote,
)

EXPECTED = Expected(1, "0/5000000")


def plan(
    *, degrade: bool | None = None, degraded: bool = False, expected: Expected = EXPECTED, **node: Any
) -> PromotePlan:
    """The plan for pg2, a standby as planned unless said otherwise."""
    seen = blank_node("pg2", "") | {"role": "standby", "timeline": 1, "received_lsn": "0/5000000"} | node
    return plan_promote(seen, expected, degrade_sync=degrade, degraded_now=degraded)


@pytest.mark.parametrize(
    ("made", "given"),
    [
        (PromotePlan(True, False, False), {}),
        (PromotePlan(True, False, False), {"received_lsn": "0/6000000"}),
        (PromotePlan(True, True, False), {"degrade": True}),
        (PromotePlan(True, False, False), {"degrade": True, "degraded": True}),
        (PromotePlan(True, False, True), {"degrade": False, "degraded": True}),
        (PromotePlan(False, False, False), {"role": "primary", "timeline": 2}),
        (PromotePlan(False, True, False), {"role": "primary", "timeline": 2, "degrade": True}),
        (PromotePlan(True, False, False), {"expected": Expected(None, None), "timeline": 9, "received_lsn": "0/1"}),
    ],
)
def test_steps(made: PromotePlan, given: dict[str, Any]) -> None:
    """A primary is left alone; it may have more WAL than planned, never less."""
    assert plan(**given) == made
    assert made.changed is (made != PromotePlan(False, False, False))


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("observed fenced .failover.", {"fenced": {"reason": "failover"}}),
        ("observed stopped", {"role": "stopped"}),
        ("observed hung .no answer within 2 s.", {"role": "hung", "error": "no answer within 2 s"}),
        ("observed timeline 2, expected timeline 1", {"timeline": 2}),
        ("observed WAL received up to 0/4000000, expected 0/5000000", {"received_lsn": "0/4000000"}),
        ("observed WAL received up to None", {"received_lsn": None}),
        ("observed replay paused", {"replay_paused": True}),
    ],
)
def test_refusals(words: str, given: dict[str, Any]) -> None:
    """The world went on between the plan and the promotion."""
    with pytest.raises(PromoteRefused, match=words) as refused:
        plan(**given)
    assert "pg2 was not promoted" in str(refused.value) and "Next: " in str(refused.value)
