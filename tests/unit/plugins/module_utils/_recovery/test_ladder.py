"""Each rung of the fencing ladder: proven, failed, waived or not tried."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.ladder import (
    missing_proofs,
    out_of_reach,
    refused,
    rungs_of,
    unfenced,
)

from tests.unit.plugins.module_utils._recovery.test_proof import FAILED, FENCED, lb

LBS = {"lb1": {"balancer": lb(pg1="maint")}, "lb2": {"balancer": lb(pg1="maint")}}
CUT_OFF = {
    "failed": True,
    "isolated": True,
    "msg": "pg1 is not fenced: processes 7 survive SIGKILL; its port is cut off",
}
PROVEN = {"proven": True, "detail": "the status command says that it is off"}
UNPROVEN = {"proven": False, "failed": True, "detail": "the command failed: exit status 1"}


def plan(*, lets_in: bool = True, skipped: bool = False, waived: bool = False, method: str = "none") -> dict[str, Any]:
    """pg1 is lost."""
    return {
        "fence_servers": ["pg1"],
        "fence_hosts": ["pg1"] if lets_in else [],
        "fence_load_balancers": ["lb1"] if skipped else ["lb1", "lb2"],
        "skipped_load_balancers": ["lb2"] if skipped else [],
        "waived": ["unfenced_load_balancer"] if waived else [],
        "fencing_methods": {} if method == "none" else {"pg1": method},
    }


def answers(**pg1: Any) -> dict[str, dict[str, Any]]:
    """Both load balancers did as they were told."""
    return {**LBS, "pg1": pg1}


@pytest.mark.parametrize(
    ("server", "network", "hook", "made", "told"),
    [
        ("proven", "not tried", "not tried", plan(), answers(fence=FENCED)),
        ("failed", "failed", "not tried", plan(), answers(fence=FAILED)),
        ("failed", "proven", "not tried", plan(), answers(fence=CUT_OFF)),
        ("not tried", "not tried", "not tried", plan(lets_in=False), answers()),
        ("not tried", "not tried", "proven", plan(lets_in=False, method="ipmi"), answers(hook=PROVEN)),
        ("not tried", "not tried", "failed", plan(lets_in=False, method="ipmi"), answers(hook=UNPROVEN)),
        ("failed", "failed", "proven", plan(method="ssh"), answers(fence=FAILED, hook=PROVEN)),
        ("proven", "not tried", "not tried", plan(method="ssh"), answers(fence=FENCED)),
        ("failed", "failed", "not tried", plan(), answers()),
    ],
)
def test_rungs_on_the_host_and_from_outside(
    server: str, network: str, hook: str, made: dict[str, Any], told: dict[str, Any]
) -> None:
    """What the record says of each."""
    states = {one.name: one.state for one in rungs_of(made, told) if one.host == "pg1"}
    assert states == {"server": server, "network": network, "hook": hook}
    assert all(one.why for one in rungs_of(made, told))


@pytest.mark.parametrize(
    ("name", "state", "made", "told"),
    [
        ("balancers", "proven", plan(), LBS),
        ("balancers", "failed", plan(), {**LBS, "lb2": {}}),
        ("balancers", "not tried", plan(skipped=True), LBS),
        ("waiver", "waived", plan(skipped=True, waived=True), LBS),
    ],
)
def test_rungs_on_a_load_balancer(name: str, state: str, made: dict[str, Any], told: dict[str, Any]) -> None:
    """A waiver takes the place of one that nobody reached, and of no other."""
    assert [(one.name, one.state) for one in rungs_of(made, told) if one.host == "lb2"] == [(name, state)]


@pytest.mark.parametrize(
    ("go", "made", "told"),
    [
        # Every load balancer is proven: that is enough, whatever the host says.
        (True, plan(), answers(fence=FENCED)),
        (True, plan(), answers(fence=FAILED)),
        (True, plan(lets_in=False), answers()),
        (True, plan(lets_in=False, method="ipmi"), answers(hook=UNPROVEN)),
        # One that nobody reached: the host must be stopped, cut off or switched off.
        (True, plan(skipped=True), answers(fence=FENCED)),
        (True, plan(skipped=True), answers(fence=CUT_OFF)),
        (False, plan(skipped=True), answers(fence=FAILED)),
        (True, plan(skipped=True, method="ssh"), answers(fence=FAILED, hook=PROVEN)),
        (True, plan(skipped=True, lets_in=False, method="ipmi"), answers(hook=PROVEN)),
        (False, plan(skipped=True, lets_in=False, method="ipmi"), answers(hook=UNPROVEN)),
        (False, plan(skipped=True, lets_in=False, method="ipmi"), answers()),
        (True, plan(skipped=True, lets_in=False, waived=True), answers()),
        (True, plan(skipped=True, lets_in=False, waived=True, method="ipmi"), answers(hook=UNPROVEN)),
        # One that was reached and did not do it.
        (False, plan(), {**answers(fence=FENCED), "lb1": {}}),
        (False, plan(lets_in=False, method="ipmi"), {**answers(hook=PROVEN), "lb1": {}}),
    ],
)
def test_when_a_promotion_is_safe(go: bool, made: dict[str, Any], told: dict[str, Any]) -> None:
    """Nothing is promoted on hope."""
    assert (missing_proofs(made, told) == []) is go


def test_who_is_left_for_the_hook_and_who_for_nobody() -> None:
    """A host that is stopped or cut off needs no switching off."""
    assert out_of_reach(plan(), answers(fence=FENCED)) == [] == out_of_reach(plan(), answers(fence=CUT_OFF))
    assert out_of_reach(plan(method="ssh"), answers(fence=FAILED, hook=PROVEN)) == ["pg1"]
    assert unfenced(plan(method="ssh"), answers(fence=FAILED, hook=PROVEN)) == []
    assert unfenced(plan(lets_in=False), answers()) == ["pg1"]


def test_a_stale_primary_that_is_in_maintenance_already_is_fenced_on_its_host() -> None:
    """No load balancer has to say it again."""
    made = plan() | {"fence_servers": []}
    assert {(one.name, one.host) for one in rungs_of(made, answers(fence=FENCED))} == {
        ("server", "pg1"), ("network", "pg1"), ("hook", "pg1"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("made", "says", "silent"),
    [
        (plan(), ["pg1 in maintenance on every load balancer, or pg1 stopped"], ["failover_waive", "not reachable"]),
        (
            plan(lets_in=False, skipped=True, method="ipmi"),
            [
                "seen of pg1",
                "lb2: not reachable, so it may send writes to pg1",
                "expected pg1 in maintenance on every load balancer, and, where one is not reachable, pg1 stopped, "
                "cut off or switched off, with proof",
                "restore lb2, then ansible-playbook playbooks/failover.yml; or, when you know that lb2 is off",
                "-e failover_waive=unfenced_load_balancer",
            ],
            [],
        ),
        (plan(skipped=True, waived=True), ["restore lb2"], ["failover_waive"]),
    ],
)
def test_nothing_is_promoted_for(made: dict[str, Any], says: list[str], silent: list[str]) -> None:
    """Host, seen, expected, the next command, and the waiver where there is one that was not given."""
    text = refused(made | {"candidate": "pg2"}, ["seen of pg1"])
    assert text.startswith("pg2 was not promoted")
    assert all(words in text for words in says)
    assert not any(words in text for words in silent)
