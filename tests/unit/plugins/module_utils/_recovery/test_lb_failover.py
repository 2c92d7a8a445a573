"""Who shall hold the virtual IP, one test a row, and what is taken back when nobody takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.lb_failover import Plan, plan_lb_failover
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.lb_failover_run import LbFailover, Outcome
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import Last
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer

from tests.unit.plugins.module_utils._recovery.estates import balancer, gone_balancer

PAIR = [balancer("lb1"), balancer("lb2")]
BLOCK = Refusal("lb2", "HAProxy is down (haproxy_running)", "running", "ansible-playbook playbooks/site.yml")
DONE = Last("20260301T031209Z-lb_failover", "done", "lb2", "lb1", 60.0)


def plan(balancers: list[dict[str, Any]], **more: Any) -> Plan:
    """The decision."""
    given = {"to": None, "blocks": (), "last": Last(), "verify_from": "pg1", **more}
    return plan_lb_failover(balancers_from(balancers), **given)


@pytest.mark.parametrize(
    ("action", "says", "balancers", "more"),
    [
        ("move", "lb2 takes the virtual IP over from lb1", PAIR, {}),
        ("move", "lb2 takes the virtual IP over from lb1", PAIR, {"to": "lb2"}),
        ("move", "lb2 takes the virtual IP over from lb1", PAIR, {"to": "lb2", "last": DONE}),
        ("none", "nothing to do: lb1 holds the virtual IP", PAIR, {"to": "lb1"}),
        ("none", "moved the virtual IP to lb1 1 min ago", PAIR, {"last": DONE}),
        ("refuse", "there is no pg1", PAIR, {"to": "pg1"}),
        ("refuse", "stays where it is", PAIR, {"blocks": (BLOCK,)}),
        ("refuse", "stays where it is", [balancer("lb1"), gone_balancer("lb2")], {}),
        ("refuse", "stays where it is", [balancer("lb1"), gone_balancer("lb2")], {"to": "lb2"}),
        ("refuse", "stays where it is", [balancer("lb1", vip=True), balancer("lb2", vip=True)], {}),
        ("refuse", "stays where it is", [balancer("lb1", vip=False), balancer("lb2", vip=False)], {"to": "lb2"}),
    ],
)
def test_the_table(action: str, says: str, balancers: list[dict[str, Any]], more: dict[str, Any]) -> None:
    """Each row; the words are those that the operator reads."""
    decided = plan(balancers, **more)
    assert (decided.action, says in decided.headline) == (action, True), decided.headline
    assert bool(decided.refusals) == (action == "refuse")
    assert decided.as_dict()["acts"] == (action == "move")


class Hosts:
    """Writes down what was asked; ``fails`` names calls that do not work, ``holds`` what the target says."""

    def __init__(self, *fails: str, holds: bool = True) -> None:
        self.fails, self.holds = fails, holds
        self.asked: list[str] = []

    def call_all(self, questions: Mapping[str, Any], timeout: float = 5.0) -> dict[str, dict[str, Answer]]:
        words = []
        answers: dict[str, dict[str, Answer]] = {}
        for host, calls in questions.items():
            for call in calls:
                words.append(f"{host} {call}")
                value = {"holds": self.holds, "seconds": 0.2, "server_address": "192.0.2.22"}
                bad = f"{host} {call}" in self.fails
                answers.setdefault(host, {})[call] = Answer(not bad, value, "it broke" if bad else "", 0.2)
        self.asked.append("+".join(words))
        return answers


def run(hosts: Hosts) -> Outcome:
    """One move from lb1 to lb2."""
    moving = {"holder": "lb1", "target": "lb2", "verify_from": "pg1"}
    addresses = {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}
    return LbFailover(hosts, moving, addresses, vip="192.0.2.100/24", port=5000, by="anna").run()


GIVE = "lb1 vip_release+lb2 services_has_vip"


def test_the_order() -> None:
    """The first holder comes back as backup before the proof, so that the proof is one of the whole."""
    hosts = Hosts()
    outcome = run(hosts)
    assert hosts.asked == [GIVE, "lb1 vip_standby", "pg1 client_check", "lb2 services_has_vip"]
    assert (outcome.problems, outcome.taken_s, outcome.changed) == ([], 0.2, True)
    assert outcome.verified is not None
    assert outcome.verified["address"] == "192.0.2.100:5000"


@pytest.mark.parametrize("hosts", [Hosts(holds=False), Hosts("lb1 vip_release"), Hosts("lb2 services_has_vip")])
def test_when_nobody_takes_it_the_holder_serves_again(hosts: Hosts) -> None:
    """And the problem is told."""
    outcome = run(hosts)
    assert hosts.asked == [GIVE, "lb1 vip_standby"]
    assert outcome.restored
    assert outcome.problems


def test_what_fails_after_the_move_is_told() -> None:
    """The rest is done all the same."""
    hosts = Hosts("lb1 vip_standby", "pg1 client_check")
    outcome = run(hosts)
    assert len(hosts.asked) == 4
    assert len(outcome.problems) == 2
