"""The order in which a host leaves and comes back, and what is taken back when a step fails."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import Done
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance_run import Estate, Maintenance

from tests.unit.plugins.module_utils._recovery.calls import Hosts

VALUES: dict[str, dict[str, Any]] = {
    "maintenance_position": {"lsn": "0/6000028", "changed": False},
    "maintenance_covered": {"covered": True, "changed": False},
    "services_has_vip": {"holds": True},
    "client_check": {"server_address": "192.0.2.21", "changed": False},
}
DATABASE: dict[str, Any] = {
    "action": "out",
    "host": "pg3",
    "kind": "database",
    "stop": True,
    "primary": "pg1",
    "load_balancers": ["lb1", "lb2"],
    "vip_to": [],
    "verify_from": "pg2",
    "begun": False,
}
BALANCER = {**DATABASE, "host": "lb1", "kind": "load_balancer", "vip_to": ["lb2"], "load_balancers": []}
ADDRESSES = {"pg1": "192.0.2.21", "pg3": "192.0.2.23", "lb1": "192.0.2.11"}
STOPPED = ["maintenance_note", "drain_leave", "maintenance_stop"]
BACK = ["maintenance_allow", "follow", "drain_enter", "maintenance_unnote"]


def run(hosts: Hosts, plan: dict[str, Any] = DATABASE, **changes: Any) -> Done:
    """One run over one host."""
    estate = Estate(ADDRESSES, "192.0.2.100", 5432, "anna", "new disk", "2026-03-01T03:12:09Z")
    return Maintenance(hosts, {**plan, **changes}, estate).run()


def test_a_standby_leaves_without_an_error_and_writes_down_that_nothing_is_lost_with_it() -> None:
    """The note comes first: a host that loses its power half-way must not be started by anybody else."""
    hosts = Hosts(VALUES)
    outcome = run(hosts)
    assert hosts.asked == [*STOPPED, "maintenance_covered", "maintenance_note", "client_check"]
    assert hosts.args["maintenance_note"]["update"] == {"covered": True}
    assert hosts.args["maintenance_note"]["note"]["reason"] == "new disk"
    assert (outcome.problems, outcome.changed) == ([], True)
    assert outcome.verified == {"address": "192.0.2.100:5432", "server_address": "192.0.2.21"}


def test_nothing_is_written_down_that_was_not_seen() -> None:
    """The last standby went out under a waiver: what it has, nobody else has."""
    hosts = Hosts({**VALUES, "maintenance_covered": {"covered": False}})
    run(hosts)
    assert hosts.asked == [*STOPPED, "maintenance_covered", "client_check"]


def test_one_that_is_only_drained_goes_on_running() -> None:
    """maintenance_stop=false."""
    hosts = Hosts(VALUES)
    run(hosts, stop=False)
    assert hosts.asked == ["maintenance_note", "drain_leave", "client_check"]


@pytest.mark.parametrize(
    ("fails", "asked"),
    [
        ("maintenance_note", ["maintenance_note", "maintenance_unnote"]),
        ("drain_leave", [*STOPPED[:2], "drain_enter", "maintenance_unnote"]),
        ("maintenance_stop", [*STOPPED, *BACK]),
    ],
)
def test_a_host_that_could_not_be_taken_out_is_put_back(fails: str, asked: list[str]) -> None:
    """Newest first; the note goes last."""
    hosts = Hosts(VALUES, fails)
    outcome = run(hosts)
    assert hosts.asked == asked
    assert outcome.restored
    assert "it broke" in outcome.problems[0]


def test_one_that_was_out_before_is_not_put_back() -> None:
    """A rerun that fails leaves the host out: somebody works on it."""
    hosts = Hosts(VALUES, "maintenance_stop")
    outcome = run(hosts, begun=True)
    assert (hosts.asked, outcome.restored) == (STOPPED, False)


def test_once_it_is_stopped_a_failure_is_told() -> None:
    """It is out; that clients are not served now has another reason, or the same, and both are told."""
    outcome = run(Hosts(VALUES, "maintenance_covered", "client_check"))
    assert (len(outcome.problems), outcome.restored) == (2, False)


def test_a_standby_comes_back_before_anybody_is_sent_there() -> None:
    """It streams and has caught up; the note goes last."""
    hosts = Hosts(VALUES)
    run(hosts, action="in")
    assert hosts.asked == [
        "maintenance_allow",
        "follow",
        "maintenance_position",
        "maintenance_caught_up",
        "drain_enter",
        "maintenance_unnote",
        "client_check",
    ]
    assert hosts.args["maintenance_caught_up"]["lsn"] == "0/6000028"
    assert hosts.args["follow"]["primary_address"] == "192.0.2.21"


@pytest.mark.parametrize("fails", ["follow", "maintenance_caught_up", "drain_enter"])
def test_one_that_does_not_come_back_stays_out(fails: str) -> None:
    """The note stays, and nothing behind the failure is tried."""
    hosts = Hosts(VALUES, fails)
    outcome = run(hosts, action="in")
    assert hosts.asked[-1] == fails
    assert (outcome.restored, len(outcome.problems)) == (False, 1)


def test_a_holder_gives_the_virtual_ip_away_before_it_stops_serving() -> None:
    """HAProxy goes down only when somebody else has the address."""
    hosts = Hosts(VALUES)
    run(hosts, BALANCER)
    assert hosts.asked == ["maintenance_note", "services_stop+services_has_vip", "services_stop", "client_check"]
    assert hosts.args["services_stop"] == {"everything": True}


def test_a_virtual_ip_that_nobody_takes_stays() -> None:
    """Its services are started again."""
    hosts = Hosts({**VALUES, "services_has_vip": {"holds": False}})
    outcome = run(hosts, BALANCER)
    assert hosts.asked[-2:] == ["services_start", "maintenance_unnote"]
    assert "lb2: nobody took the virtual IP over" in outcome.problems[0]


def test_one_without_the_virtual_ip_just_stops() -> None:
    """And comes back with all its services."""
    hosts = Hosts(VALUES)
    run(hosts, BALANCER, vip_to=[], stop=False)
    assert hosts.asked == ["maintenance_note", "services_stop", "client_check"]
    hosts = Hosts(VALUES)
    run(hosts, BALANCER, action="in")
    assert hosts.asked == ["services_start", "maintenance_unnote", "client_check"]
    assert hosts.args["services_start"]["address"] == "192.0.2.11"
