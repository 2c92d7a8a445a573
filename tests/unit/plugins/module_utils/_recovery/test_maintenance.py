"""Maintenance: its tables, one test a row, and what everybody else makes of a host that is out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.candidate import choose, unseen_standbys
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.completion import leftovers
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance import (
    Asked,
    Plan,
    Seen,
    plan_maintenance,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.provision import host_from_node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.provision import plan as provision
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.status import report_of, status_lines
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import Last as LastSwitchover
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import Seen as SeenSwitchover
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import Wish, plan_switchover

from tests.unit.plugins.module_utils._recovery.estates import (
    BALANCERS,
    DATABASES,
    balancer,
    fenced,
    orphan,
    out,
    out_balancer,
    primary,
    silent,
    standby,
    stopped,
)

HEALTHY = (primary("pg1"), standby("pg2"), standby("pg3"))
PG3_OUT = (primary("pg1"), standby("pg2"), out("pg3"))
BOTH = (balancer("lb1"), balancer("lb2"))
BOTH_MAINT = (balancer("lb1", maint=("pg3",)), balancer("lb2", maint=("pg3",)))
DRAINED = (primary("pg1"), standby("pg2"), standby("pg3", maintenance={"by": "anna"}))
PG3_FENCED = (primary("pg1"), standby("pg2"), fenced("pg3"))
PG3_SILENT = (primary("pg1"), standby("pg2"), silent("pg3"))
LOST = (stopped("pg1", "in production"), orphan("pg2"), orphan("pg3"))
SAYS = "out for maintenance since 2026-03-01T03:12:09Z by anna: new disk"
BLOCK = Refusal("pg1", "without pg3 no synchronous standby is left (sync_remaining)", "a second", "bring one back")
BACK = "ansible-playbook playbooks/maintenance.yml -e maintenance_host=pg3 -e maintenance_state=in"


def plan(
    nodes: tuple[dict[str, Any], ...] = HEALTHY,
    balancers: tuple[dict[str, Any], ...] = BOTH,
    *,
    host: str = "pg3",
    state: str = "out",
    stop: bool = True,
    blocks: tuple[Refusal, ...] = (),
    candidate: str | None = None,
) -> Plan:
    """The decision."""
    seen = Seen(nodes_from(nodes, DATABASES), balancers_from(balancers, BALANCERS), blocks, candidate)
    return plan_maintenance(seen, Asked(host, state, stop))


@pytest.mark.parametrize(
    ("action", "says", "more"),
    [
        ("refuse", "there is no pg9", {"host": "pg9"}),
        ("refuse", "pg3 does not answer", {"nodes": PG3_SILENT}),
        ("refuse", "lb9", {"host": "lb9"}),
        ("refuse", "taken out by a failover", {"nodes": PG3_FENCED}),
        ("none", SAYS, {"nodes": PG3_OUT, "balancers": BOTH_MAINT}),
        ("none", "out for maintenance", {"host": "lb2", "balancers": (balancer("lb1"), out_balancer("lb2"))}),
        ("out", "pg3 goes out of service", {"nodes": PG3_OUT}),
        ("out", "pg3", {"nodes": (*PG3_OUT[:2], out("pg3", service={})), "balancers": BOTH_MAINT}),
        ("out", "pg3", {"nodes": (*PG3_OUT[:2], standby("pg3", maintenance={"by": "anna"})), "balancers": BOTH_MAINT}),
        ("refuse", "pg3 goes on running", {"nodes": DRAINED, "balancers": BOTH_MAINT, "blocks": (BLOCK,)}),
        ("none", "out for maintenance", {"nodes": DRAINED, "balancers": BOTH_MAINT, "blocks": (BLOCK,), "stop": False}),
        ("out", "pg3", {"nodes": PG3_OUT, "blocks": (BLOCK,)}),
        ("refuse", "not one primary (no primary)", {"nodes": LOST}),
        ("refuse", "not one primary (split brain)", {"nodes": (primary("pg1"), primary("pg2"), standby("pg3"))}),
        ("refuse", "out of order already", {"nodes": (primary("pg1"), standby("pg2"), stopped("pg3"))}),
        ("refuse", "out of order already", {"nodes": (primary("pg1"), standby("pg2"), orphan("pg3"))}),
        ("refuse", "pg3 stays in service", {"blocks": (BLOCK,)}),
        ("refuse", "pg1 stays in service", {"host": "pg1"}),
        ("out", "pg1 goes out of service", {"host": "pg1", "candidate": "pg2"}),
        ("out", "pg3 goes out of service", {}),
        ("out", "lb1 goes out of service", {"host": "lb1"}),
        ("refuse", "pg3 does not answer", {"nodes": PG3_SILENT, "state": "in"}),
        ("refuse", "taken out by a failover", {"nodes": PG3_FENCED, "state": "in"}),
        ("none", "pg3 is not out for maintenance", {"state": "in"}),
        ("none", "lb2 is not out for maintenance", {"state": "in", "host": "lb2"}),
        ("refuse", "not one primary", {"nodes": (stopped("pg1"), orphan("pg2"), out("pg3")), "state": "in"}),
        ("in", "pg3 comes back into service", {"nodes": PG3_OUT, "balancers": BOTH_MAINT, "state": "in"}),
        ("in", "lb2 comes back", {"state": "in", "host": "lb2", "balancers": (balancer("lb1"), out_balancer("lb2"))}),
    ],
)  # fmt: skip
def test_the_tables(action: str, says: str, more: dict[str, Any]) -> None:
    """One row each."""
    found = plan(**more)
    text = "\n".join(found.as_dict()["lines"])
    assert (found.action, found.acts) == (action, action in {"out", "in"})
    assert says in text
    assert all(one.line in text for one in found.refusals)


def test_a_primary_hands_over_first_and_is_a_standby_then() -> None:
    """The plan names the next primary, and takes it as the one to prove coverage and to write through."""
    found = plan(host="pg1", candidate="pg2")
    assert (found.switchover_to, found.primary, found.verify_from) == ("pg2", "pg2", "pg2")
    assert found.load_balancers == ("lb1", "lb2")


def test_a_holder_of_the_virtual_ip_gives_it_to_one_that_can_hold_it() -> None:
    """The other needs Keepalived and HAProxy; a load balancer without the virtual IP has nothing to give."""
    dead = balancer("lb2", keepalived={"running": False, "holds_vip": False})
    assert plan(host="lb1").vip_to == ("lb2",)
    assert plan(host="lb2").vip_to == ()
    assert plan(host="lb1", balancers=(balancer("lb1"), dead)).vip_to == ()


def test_one_that_only_left_the_load_balancers_is_out_when_asked_so() -> None:
    """maintenance_stop=false: it runs, and that is all that was asked for."""
    nodes = (primary("pg1"), standby("pg2"), standby("pg3", maintenance={"by": "anna"}))
    assert plan(nodes, BOTH_MAINT, stop=False).action == "none"
    assert plan(nodes, BOTH, stop=False).begun


def test_status_is_yellow_and_names_the_way_back() -> None:
    """Neither stopped nor without reads: out for maintenance."""
    report = report_of(nodes_from(PG3_OUT), balancers_from(BOTH_MAINT), cluster="orders", vip="192.0.2.100")
    assert (report.verdict, [reason.host for reason in report.reasons]) == ("yellow", ["pg3"])
    text = "\n".join(status_lines(report, {}))
    assert "pg3: out for maintenance since 2026-03-01T03:12:09Z by anna: new disk" in text
    assert f"next: {BACK}" in text


def test_status_names_a_load_balancer_that_is_out_and_one_that_still_sends_sessions() -> None:
    """The first is yellow whatever of it does not run; the second is unfinished work."""
    seen = balancers_from([balancer("lb1"), out_balancer("lb2")])
    report = report_of(nodes_from(PG3_OUT), seen, cluster="orders", vip="192.0.2.100")
    assert report.verdict == "yellow"
    told = {(reason.host, reason.observed.split(" since")[0]) for reason in report.reasons}
    assert told == {
        ("pg3", "out for maintenance"),
        ("lb2", "out for maintenance"),
        ("lb1", "pg3 is out for maintenance but not in maintenance here"),
    }


def test_one_that_is_out_is_never_promoted_nor_keeps_others_from_it() -> None:
    """What it had, others had when it stopped: nobody has to waive it. Unless that was not seen."""
    nodes = nodes_from((silent("pg1"), orphan("pg2"), out("pg3")))
    assert choose(nodes, "7001")[0] == nodes[1]
    assert unseen_standbys(nodes, ("pg1",), "pg2") == ()
    nodes = nodes_from((silent("pg1"), orphan("pg2"), out("pg3", maintenance={"covered": False})))
    assert unseen_standbys(nodes, ("pg1",), "pg2") == (("pg3", "Postgres is stopped"),)
    drained = nodes_from(
        (silent("pg1"), orphan("pg2", received="0/4000000"), orphan("pg3", maintenance={"by": "anna"}))
    )
    assert choose(drained, "7001")[0] == drained[1]


def test_a_failover_does_not_take_it_for_one_of_its_own() -> None:
    """Maintenance at the load balancers is what a failover leaves, too."""
    nodes = nodes_from(PG3_OUT)
    assert leftovers(nodes[0], (), nodes, balancers_from(BOTH_MAINT), synchronous=True).gone == ()


def test_site_leaves_it_alone() -> None:
    """A stopped standby is started otherwise."""
    hosts = [host_from_node(str(node["host"]), node, {}) for node in PG3_OUT]
    step = provision(hosts, "pg1").steps["pg3"]
    assert step.action == "leave"
    assert BACK in step.reason


def test_a_switchover_does_not_start_a_former_primary_that_is_out() -> None:
    """It completes what is left of a switchover, and this is not."""
    nodes = nodes_from((out("pg1"), primary("pg2", timeline=2), standby("pg3", "pg2", timeline=2)))
    begun = LastSwitchover("20260301T031209Z-switchover", "failed", "pg1", "pg2", 5.0)
    seen = SeenSwitchover(nodes, balancers_from(BOTH), {}, None, (), begun)
    assert not plan_switchover(seen, Wish()).start_old
