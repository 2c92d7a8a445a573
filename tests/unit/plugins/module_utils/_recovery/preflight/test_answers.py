"""From what the hosts answered to verdicts, through the filter that playbooks use."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.filter.preflight_verdicts import preflight_verdicts
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.facts import skew_of

from tests.unit.plugins.module_utils._recovery.estates import BALANCERS, DATABASES
from tests.unit.plugins.module_utils._recovery.preflight.sound import DAY, estate

WHY = "no answer on port 22 within 1 s"


def answered(value: Any, now: float) -> dict[str, Any]:
    """One call's answer, sent a moment ago."""
    return {"ok": True, "value": value, "error": "", "seconds": 0.03, "sent_at": now}


def hosts(now: float, broken_pool: str = "") -> dict[str, Any]:
    """The sound estate as estate_info brings it."""
    made = copy.deepcopy(estate())
    found: dict[str, Any] = {"backup1": {"reach": {"ok": True}, "answers": {}}}
    for facts in (*made["facts"].values(), *made["balancer_facts"].values()):
        facts["clock"] = {"first": now + 0.01, "last": now + 0.02}
        for one in facts["certificates"]:
            one["expires_at"] = now + 300 * DAY
    for name in DATABASES:
        calls = {"cluster_info": made["nodes"][name], "preflight_facts": made["facts"][name]}
        found[name] = {"reach": {"ok": True}, "answers": {call: answered(value, now) for call, value in calls.items()}}
    for name in BALANCERS:
        whole = made["balancers"][name]
        calls = {
            "haproxy_info": whole["haproxy"],
            "keepalived_info": whole["keepalived"],
            "balancer_facts": made["balancer_facts"][name],
            "pgbouncer_info": {
                "pools": [{"pool": "read_write", "state": "unknown" if name == broken_pool else "active"}]
            },
        }
        found[name] = {"reach": {"ok": True}, "answers": {call: answered(value, now) for call, value in calls.items()}}
    return found


def judged(spoil: Any = None, **more: Any) -> dict[str, Any]:
    """The filter's answer."""
    found = hosts(time.time())
    if spoil is not None:
        spoil(found)
    return preflight_verdicts(found, DATABASES, BALANCERS, cluster="orders", **more)


def test_pools_are_among_the_answers() -> None:
    """As the load balancers' poolers tell of themselves."""
    seen = preflight_verdicts(hosts(time.time(), "lb2"), DATABASES, BALANCERS, purpose="switchover")
    assert [(one["check"], one["host"]) for one in seen["verdicts"] if one["level"] != "ok"] == [("pools_ready", "lb2")]


def test_a_sound_estate_is_clear() -> None:
    """Every fact finds its way."""
    seen = judged(purpose="switchover")
    assert seen["level"] == "ok", seen["lines"]
    assert (seen["primary"], seen["candidate"], seen["refusal_lines"]) == ("pg1", "pg2", [])
    assert seen["lines"][0] == "orders: switchover is clear   (primary pg1, candidate pg2)"


@pytest.mark.parametrize(
    ("check", "host", "level", "says", "spoil"),
    [
        ("hosts_reachable", "pg3", "block", WHY, lambda all_: all_.update(pg3={"reach": {"ok": False, "why": WHY}})),
        ("hosts_reachable", "lb2", "block", WHY, lambda all_: all_.update(lb2={"reach": {"ok": False, "why": WHY}})),
        (
            "hosts_reachable",
            "backup1",
            "warn",
            WHY,
            lambda all_: all_.update(backup1={"reach": {"ok": False, "why": WHY}}),
        ),
        ("hosts_reachable", "pg3", "block", "was not asked", lambda all_: all_.pop("pg3")),
        (
            "facts",
            "pg2",
            "block",
            "no answer within 5 s",
            lambda all_: all_["pg2"]["answers"].update(preflight_facts={"ok": False, "error": "no answer within 5 s"}),
        ),
        ("facts", "lb1", "warn", "gave no facts", lambda all_: all_["lb1"]["answers"].pop("balancer_facts")),
        (
            "clock_skew",
            "pg3",
            "warn",
            "not known",
            lambda all_: all_["pg3"]["answers"]["preflight_facts"].pop("sent_at"),
        ),
    ],
)
def test_silence_is_an_answer(check: str, host: str, level: str, says: str, spoil: Any) -> None:
    """With its reason, on its host."""
    seen = judged(spoil, purpose="switchover", candidate="pg2")
    (one,) = [one for one in seen["verdicts"] if (one["check"], one["host"]) == (check, host)]
    assert (one["level"], says in one["observed"]) == (level, True), one


@pytest.mark.parametrize(
    ("says", "wrong"),
    [
        ("no such check", {"waive": "nothing"}),
        ("preflight_for is 'x'", {"purpose": "x"}),
        ("preflight_limits has x", {"limits": {"x": 1}}),
        ("the candidate is 'x'", {"candidate": "x"}),
    ],
)
def test_what_was_typed_wrong_is_refused(says: str, wrong: dict[str, Any]) -> None:
    """In words, not with a traceback."""
    with pytest.raises(AnsibleFilterError, match=says):
        judged(**wrong)


@pytest.mark.parametrize(
    ("ahead", "uncertain", "clock", "asked"),
    [
        (0.0, 0.05, {"first": 10.05, "last": 10.05}, {"sent_at": 10.0, "received_at": 10.1}),
        (3.0, 0.01, {"first": 13.01, "last": 13.09}, {"sent_at": 10.0, "received_at": 10.1}),
        (-2.0, 0.0, {"first": 8.0, "last": 8.1}, {"sent_at": 10.0, "received_at": 10.1}),
    ],
)
def test_clocks_are_compared_by_the_middle(ahead: float, uncertain: float, clock: Any, asked: Any) -> None:
    """And what cannot be told is said."""
    skew = skew_of(clock, asked)
    assert skew is not None
    assert (skew.ahead_s, skew.uncertain_s) == (pytest.approx(ahead), pytest.approx(uncertain))
