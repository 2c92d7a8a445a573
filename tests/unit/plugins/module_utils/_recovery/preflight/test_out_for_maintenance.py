"""A host that is out for maintenance is no failure; what others lack for it is."""

from __future__ import annotations

import pytest

from tests.unit.plugins.module_utils._recovery.estates import out, out_balancer
from tests.unit.plugins.module_utils._recovery.preflight.sound import both, judged, put, setting

BOTH_OUT = both(
    put("nodes", pg3=out("pg3")),
    both(put("balancers", lb2=out_balancer("lb2")), put("pools.lb2", read_write="stopped", read_only="stopped")),
)


@pytest.mark.parametrize(
    ("check", "host"), [("siblings_stream", "pg3"), ("balancer_running", "lb2"), ("keepalived_running", "lb2")]
)
def test_what_does_not_run_there_is_fine(check: str, host: str) -> None:
    """And the verdict says why."""
    (found,) = [one for one in judged(BOTH_OUT, named="pg2").verdicts if (one.check, one.host) == (check, host)]
    assert (found.level, found.observed[:19]) == ("ok", "out for maintenance")


def test_nobody_asks_for_its_pools() -> None:
    """The other load balancer's count."""
    assert {one.host for one in judged(BOTH_OUT).verdicts if one.check == "pools_ready"} == {"lb1"}


def test_it_is_neither_a_candidate_nor_a_spare() -> None:
    """Another standby or load balancer cannot leave now."""
    found = judged(BOTH_OUT, named="pg3").verdicts
    (candidate,) = [one for one in found if (one.check, one.host) == ("candidate_standby", "pg3")]
    assert (candidate.level, candidate.observed[:19]) == ("block", "out for maintenance")
    (spare,) = [one for one in judged(BOTH_OUT, "maintenance", target="lb1").verdicts if one.check == "spare_balancer"]
    assert (spare.level, spare.observed[:24]) == ("block", "lb2: out for maintenance")


@pytest.mark.parametrize(
    ("purpose", "host", "pending", "level"),
    [
        ("rolling", "pg1", ["max_connections"], "warn"),
        ("rolling", "pg2", ["max_connections"], "warn"),
        ("rolling", "pg1", [], "block"),
        ("switchover", "pg1", ["max_connections"], "block"),
    ],
)
def test_a_primary_in_the_middle_of_a_rolling_restart(purpose: str, host: str, pending: list[str], level: str) -> None:
    """It has less than its standbys, and either it or they wait for the restart that goes on."""
    spoil = both(setting("pg2", "max_connections", "213"), put(f"facts.{host}.sql", pending_restart=pending))
    found = judged(spoil, purpose, named="pg2").verdicts
    (primary,) = [one for one in found if (one.check, one.host) == ("standby_settings", "pg1")]
    assert primary.level == level
