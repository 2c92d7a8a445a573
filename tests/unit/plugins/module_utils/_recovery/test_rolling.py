"""Whose turn it is, one test a row of the table, and what a turn does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import Done
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance import Seen
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance_run import Estate
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rolling import (
    Due,
    Round,
    Turn,
    plan_turn,
    restart_due,
    update_due,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rolling_run import HostTurn, PrimaryRestart
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.due import installs

from tests.unit.plugins.module_utils._recovery.calls import Hosts
from tests.unit.plugins.module_utils._recovery.estates import (
    BALANCERS,
    DATABASES,
    balancer,
    orphan,
    out,
    out_balancer,
    primary,
    standby,
    stopped,
)

HEALTHY = (primary("pg1"), standby("pg2"), standby("pg3"))
LOST = (stopped("pg1", "in production"), orphan("pg2"), orphan("pg3"))
HALF_WAY = (primary("pg1"), standby("pg2"), out("pg3", maintenance={"reason": "rolling_restart"}))
SOMEBODY_ELSES = (primary("pg1"), standby("pg2"), out("pg3"))
BLOCK = Refusal("pg2", "replay is paused (replay_paused)", "replaying", "SELECT pg_wal_replay_resume() on pg2")
HIGHER = Due(("max_connections 100 -> 200",), raises=("max_connections",))
LOWER = Due(("max_connections 200 -> 100",), lowers=("max_connections",))
BOTH = Due(("max_connections", "max_wal_senders"), lowers=("max_connections",), raises=("max_wal_senders",))
ANY = Due(("shared_buffers 16384 -> 32768",))
EVERYBODY = {"pg1": HIGHER, "pg2": HIGHER, "pg3": HIGHER}


def turn(due: Mapping[str, Due], nodes: tuple[dict[str, Any], ...] = HEALTHY, **more: Any) -> Turn:
    """The decision."""
    balancers = more.pop("balancers", (balancer("lb1"), balancer("lb2")))
    blocks, candidate = more.pop("blocks", ()), more.pop("candidate", "pg2")
    seen = Seen(nodes_from(nodes, DATABASES), balancers_from(balancers, BALANCERS), blocks, candidate)
    return plan_turn(seen, Round("rolling_restart", due, hosts=(*DATABASES, *BALANCERS), **more))


@pytest.mark.parametrize(
    ("action", "host", "due", "more"),
    [
        ("refuse", None, EVERYBODY, {"nodes": LOST}),
        ("finish", "pg3", {}, {"nodes": HALF_WAY}),
        ("finish", "pg3", EVERYBODY, {"nodes": HALF_WAY, "blocks": (BLOCK,)}),
        ("none", None, {}, {}),
        ("none", None, {"pg1": Due()}, {}),
        ("none", None, {"pg3": ANY}, {"nodes": SOMEBODY_ELSES}),
        ("refuse", None, {}, {"unknown": {"pg2": "Postgres does not answer"}}),
        ("refuse", None, EVERYBODY, {"blocks": (BLOCK,)}),
        ("refuse", None, dict.fromkeys(DATABASES, BOTH), {}),
        ("restart_primary", "pg1", dict.fromkeys(DATABASES, LOWER), {}),
        ("turn", "pg2", {"pg2": LOWER, "pg3": LOWER}, {}),
        ("turn", "pg2", EVERYBODY, {}),
        ("turn", "pg3", {"pg1": ANY, "pg3": ANY, "lb1": ANY}, {}),
        ("switchover", "pg1", {"pg1": HIGHER, "lb1": ANY}, {}),
        ("refuse", None, {"pg1": HIGHER}, {"candidate": None}),
        ("turn", "lb2", {"lb1": ANY, "lb2": ANY}, {}),
        ("turn", "lb1", {"lb1": ANY}, {}),
        ("none", None, {"lb2": ANY}, {"balancers": (balancer("lb1"), out_balancer("lb2"))}),
    ],
)
def test_whose_turn_it_is(action: str, host: str | None, due: Mapping[str, Due], more: dict[str, Any]) -> None:
    """One row each."""
    found = turn(due, **more)
    assert (found.action, found.host) == (action, host)
    assert found.acts is (action not in {"refuse", "none"})
    assert all(one.line in found.as_dict()["lines"][1 + index] for index, one in enumerate(found.refusals))


def test_all_turns_are_told_beforehand() -> None:
    """Standbys, the primary, the load balancer without the virtual IP, the other."""
    lines = turn({**EVERYBODY, "lb1": ANY, "lb2": ANY}).order
    assert [line.split(":")[0] for line in lines] == ["pg2", "pg3", "pg1", "lb2", "lb1"]
    assert lines[2].endswith("max_connections 100 -> 200 (the primary)")


def test_a_holder_of_the_virtual_ip_gives_it_away_in_its_turn() -> None:
    """The plan by which it leaves says to whom."""
    found = turn({"lb1": ANY})
    assert found.maintenance is not None
    assert found.maintenance["vip_to"] == ("lb2",) or found.maintenance["vip_to"] == ["lb2"]


def test_what_waits_for_a_restart_and_in_which_direction() -> None:
    """A setting that went back to its default, one that standbys must not have lower, and a newer program."""
    settings = [
        {"name": "max_connections", "setting": "200", "pending": "100"},
        {"name": "max_wal_senders", "setting": "10", "pending": "20"},
        {"name": "shared_preload_libraries", "setting": "", "pending": None},
    ]
    found = restart_due({"settings": settings, "running": "17.5", "installed": "17.6"})
    assert found.lines == (
        "max_connections 200 -> 100",
        "max_wal_senders 10 -> 20",
        "shared_preload_libraries  -> its default",
        "Postgres 17.5 -> 17.6",
    )
    assert (found.lowers, found.raises) == (("max_connections",), ("max_wal_senders",))
    assert restart_due({"settings": [], "running": "17.6", "installed": "17.6"}) == restart_due(None) == Due()


def test_what_apt_would_bring_up_to_date() -> None:
    """Only what the collection runs, with both versions."""
    text = (
        "NOTE: This is only a simulation!\n"
        "Inst libssl3t64 [3.5.1-1] (3.5.1-2 Debian:13/stable [amd64])\n"
        "Inst postgresql-17 [17.5-1] (17.6-0+deb13u1 Debian:13.1/stable [amd64])\n"
        "Inst postgresql-17-cron [1.6-1] (1.6-2 Debian:13/stable [amd64])\n"
        "Inst haproxy [3.0.10-1] (3.0.11-1 Debian:13/stable [amd64]) []\n"
        "Conf postgresql-17 (17.6-0+deb13u1 Debian:13.1/stable [amd64])\n"
    )
    packages = installs(text)
    assert packages == [
        {"name": "postgresql-17", "installed": "17.5-1", "newer": "17.6-0+deb13u1"},
        {"name": "haproxy", "installed": "3.0.10-1", "newer": "3.0.11-1"},
    ]
    due = update_due({"packages": packages})
    assert (due.packages, due.lines[1]) == (("postgresql-17", "haproxy"), "haproxy 3.0.10-1 -> 3.0.11-1")


VALUES: dict[str, dict[str, Any]] = {
    "maintenance_position": {"lsn": "0/6000028"},
    "maintenance_covered": {"covered": True},
    "services_has_vip": {"holds": True},
    "client_check": {"server_address": "192.0.2.21"},
    "hand_over_stop": {"shutdown_lsn": "0/6000028"},
}
LEAVES = ["maintenance_note", "drain_leave", "maintenance_stop", "maintenance_covered", "maintenance_note"]
RETURNS = [
    "maintenance_allow",
    "follow",
    "maintenance_position",
    "maintenance_caught_up",
    "drain_enter",
    "maintenance_unnote",
]
ADDRESSES = {"pg1": "192.0.2.21", "pg2": "192.0.2.22", "pg3": "192.0.2.23", "lb2": "192.0.2.12"}


def take(hosts: Hosts, found: Turn) -> Done:
    """Carry a turn out."""
    assert found.maintenance is not None
    estate = Estate(ADDRESSES, "192.0.2.100", 5432, "anna", "rolling_restart", "2026-03-01T03:12:09Z")
    ours = HostTurn(hosts, found.maintenance, estate)
    ours.packages = found.packages
    return ours.run()


def test_a_turn_is_maintenance_in_one_go() -> None:
    """The note says by what, so that the next run recognises it."""
    hosts = Hosts(VALUES)
    outcome = take(hosts, turn({"pg2": ANY}))
    assert hosts.asked == [*LEAVES, *RETURNS, "client_check"]
    assert hosts.args["maintenance_note"]["note"]["reason"] == "rolling_restart"
    assert (outcome.problems, outcome.changed) == ([], True)


def test_packages_are_brought_up_to_date_while_it_is_out() -> None:
    """A load balancer's as well; nothing of it runs meanwhile."""
    hosts = Hosts(VALUES)
    take(hosts, turn({"pg2": Due(("x",), packages=("postgresql-17",))}))
    assert hosts.asked == [*LEAVES, "packages_update", *RETURNS, "client_check"]
    assert hosts.args["packages_update"]["packages"] == ["postgresql-17"]
    hosts = Hosts(VALUES)
    take(hosts, turn({"lb2": Due(("x",), packages=("haproxy",))}))
    stops = ["maintenance_note", "services_stop", "services_stop"]
    assert hosts.asked == [*stops, "packages_update", "services_start", "maintenance_unnote", "client_check"]


def test_an_interrupted_turn_goes_on() -> None:
    """It does not leave again; what is due is brought in, and it comes back."""
    hosts = Hosts(VALUES)
    take(hosts, turn({"pg3": Due(("x",), packages=("postgresql-17",))}, HALF_WAY))
    assert hosts.asked == ["packages_update", *RETURNS, "client_check"]


def test_a_host_that_does_not_come_back_stops_everything() -> None:
    """It stays out; one that could not leave is put back."""
    hosts = Hosts(VALUES, "follow")
    outcome = take(hosts, turn({"pg2": ANY}))
    assert (hosts.asked[-1], outcome.restored, len(outcome.problems)) == ("follow", False, 1)
    hosts = Hosts(VALUES, "drain_leave")
    outcome = take(hosts, turn({"pg2": ANY}))
    assert (hosts.asked[-1], outcome.restored) == ("maintenance_unnote", True)


RESTART = {
    "action": "restart",
    "old": "pg1",
    "new": "pg2",
    "siblings": [],
    "load_balancers": ["lb1", "lb2"],
    "pools": {"lb1": ["read_only", "read_write"]},
    "verify_from": "pg2",
}

STARTS = ["hand_over_start", "turn_back", "turn_to_promoted", "pgbouncer_resume", "pgbouncer_resume"]
AGAIN = ["hand_over_undo", "turn_back", "pgbouncer_resume", "pgbouncer_resume"]


@pytest.mark.parametrize(
    ("fails", "last", "restored"),
    [
        ("", ["hand_over_stop+turn_from_old", *STARTS], False),
        ("hand_over_stop", AGAIN, True),
        ("hand_over_start", ["hand_over_start", *AGAIN], True),
        ("turn_to_promoted", ["turn_to_promoted", *AGAIN], True),
        ("pgbouncer_pause", ["pgbouncer_pause", "pgbouncer_resume"], True),
    ],
)
def test_a_primary_is_restarted_while_the_pools_hold(fails: str, last: list[str], restored: bool) -> None:
    """Whatever fails, it runs and the pools go on."""
    hosts = Hosts(VALUES, fails)
    outcome = PrimaryRestart(hosts, RESTART, ADDRESSES, vip="192.0.2.100", port=5432, by="anna").run()
    asked = [one for one in hosts.asked if not one.startswith(("client_check", "follow"))]
    asked = [one for one in asked if one]
    assert asked[-len(last) :] == last
    assert (outcome.restored, bool(outcome.problems)) == (restored, bool(fails))
