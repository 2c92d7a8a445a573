"""No promotion without proven fences, and what came of a run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.ladder import missing_proofs, unfenced_hosts
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_failover import next_step, steps_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.result import problems_of, summary_of

PLAN: dict[str, Any] = {
    "action": "failover",
    "headline": "pg2 becomes primary in place of pg1",
    "old_primary": "pg1",
    "candidate": "pg2",
    "fence_load_balancers": ["lb1", "lb2"],
    "skipped_load_balancers": [],
    "fence_servers": ["pg1"],
    "fence_hosts": ["pg1"],
    "follow": ["pg3"],
    "promote": True,
    "degrade_sync": False,
    "verify_from": "pg3",
    "waived": ["unseen_standby"],
    "loss": {"text": "no acknowledged commit"},
    "topology": {"timeline": 1},
    "signs": [{"host": "pg2", "about": "pg1", "saw": "no answer"}],
    "standings": [{"host": "pg2", "eligible": True, "why": "timeline 1"}],
    "refusals": [],
}


def lb(**states: str) -> dict[str, Any]:
    """haproxy_server's answer."""
    return {
        "changed": True,
        "servers": [
            {"backend": backend, "server": name, "state": state}
            for name, state in states.items()
            for backend in ("postgresql_primary", "postgresql_replicas")
        ],
    }


FENCED = {"changed": True, "fenced": True, "seconds": 0.2}
GOOD: dict[str, dict[str, Any]] = {
    "lb1": {"balancer": lb(pg1="maint")},
    "lb2": {"balancer": lb(pg1="maint")},
    "pg1": {"fence": FENCED},
    "pg2": {
        "promote": {"changed": True, "timeline": 2, "writable_s": 0.13, "lsn": "0/5000100", "received_lsn": "0/5000000"}
    },
    "pg3": {
        "follow": {"changed": True, "waited_s": 0.4},
        "verify": {"server_address": "192.0.2.22", "timeline": 2, "tries": 1, "seconds": 0.5, "read_seconds": 0.6},
    },
}
HALF = lb(pg1="maint")
HALF["servers"][1]["state"] = "ready"
FAILED = {"failed": True, "msg": "no answer within 2 s"}


@pytest.mark.parametrize(
    ("missing", "changes"),
    [
        ([], {}),
        (["lb2: did not say that its servers are in maintenance"], {"lb2": {}}),
        (["lb2: no answer within 2 s"], {"lb2": {"balancer": FAILED}}),
        (["lb2: gone"], {"lb2": {"balancer": {"unreachable": True, "msg": "gone"}}}),
        (["lb2: pg1 is not proven to be in maintenance"], {"lb2": {"balancer": lb(pg1="drain")}}),
        (["lb2: pg1 is not proven to be in maintenance"], {"lb2": {"balancer": lb(pg9="maint")}}),
        (["lb2: pg1 is not proven to be in maintenance"], {"lb2": {"balancer": HALF}}),
        ([], {"pg1": {"fence": FAILED}}),
    ],
)
def test_what_is_missing(missing: list[str], changes: dict[str, Any]) -> None:
    """Load balancers have to be proven; a stuck old primary is then out of everybody's way."""
    assert missing_proofs(PLAN, GOOD | changes) == missing


def test_a_stuck_host_blocks_when_a_load_balancer_was_skipped() -> None:
    """Then nobody keeps writes away from it."""
    plan = PLAN | {"skipped_load_balancers": ["lb2"], "fence_load_balancers": ["lb1"]}
    assert missing_proofs(plan, GOOD | {"pg1": {"fence": FAILED}}) == ["pg1: no answer within 2 s"]
    assert missing_proofs(plan, GOOD) == []


def test_a_stuck_host_is_told_even_when_it_does_not_block() -> None:
    """The record and the screen say so."""
    answers = GOOD | {"pg1": {"fence": FAILED}}
    assert unfenced_hosts(PLAN, answers) == ["pg1: no answer within 2 s"]
    assert "warning: pg1: no answer within 2 s" in summary_of(PLAN, answers)


@pytest.mark.parametrize(
    ("says", "changes"),
    [
        (None, {}),
        ("no answer within 2 s", {"pg2": {"promote": FAILED}}),
        ("pg2 was not promoted: it gave no answer", {"pg2": {}}),
        ("pg3 did not write through the virtual IP", {"pg3": {"follow": {"changed": True}}}),
        ("pg3 does not follow pg2: no answer within 2 s", {"pg3": GOOD["pg3"] | {"follow": FAILED}}),
        ("pg3 does not follow pg2: gave no answer", {"pg3": {"verify": GOOD["pg3"]["verify"]}}),
    ],
)
def test_problems(says: str | None, changes: dict[str, Any]) -> None:
    """What did not work is told; what worked is not."""
    problems = problems_of(PLAN, GOOD | changes)
    assert (problems == []) if says is None else (problems and problems[0] == says)


def test_the_end_of_a_good_run() -> None:
    """The write through the virtual IP, and what comes next."""
    lines = summary_of(PLAN, GOOD)
    assert "pg2 (192.0.2.22, timeline 2) acknowledged a write through the virtual IP 0.50 s after it was asked" in lines
    assert lines[-1] == "next: ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg1"


def test_steps_with_their_durations() -> None:
    """A step that nobody answered was not run."""
    steps = {(one["name"], one["host"]): one for one in steps_of(PLAN, GOOD | {"lb2": {}})}
    assert steps[("promote", "pg2")]["seconds"] == 0.13
    assert steps[("fence on the host", "pg1")]["result"] == "changed"
    assert steps[("fence on the load balancer", "lb2")]["detail"] == "not run"
    assert "lb2: fence on the load balancer: not run" in summary_of(PLAN, GOOD | {"lb2": {}})


@pytest.mark.parametrize(
    ("status", "plan", "command"),
    [
        ("done", PLAN, "playbooks/rejoin.yml -e rejoin_host=pg1"),
        ("failed", PLAN, "playbooks/failover.yml"),
        ("refused", PLAN | {"refusals": [{"next": "do this"}]}, "do this"),
        ("refused", PLAN, "playbooks/status.yml"),
    ],
)
def test_next_step(status: str, plan: dict[str, Any], command: str) -> None:
    """Every end has a next command."""
    assert command in next_step(plan, status)
