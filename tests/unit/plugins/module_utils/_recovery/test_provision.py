"""Who is initialised, seeded, followed, left alone: the whole table."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.filter.provision_plan import provision_plan
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.node import blank_node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.provision import ACTIONS, Host, Plan, plan

EMPTY = Host("", wanted_version="17", data_directory="/d")
DATA = replace(EMPTY, data_state="initialized", version="17", system_identifier="700", timeline=1)
PRIMARY = replace(DATA, role="primary")
STANDBY = replace(DATA, role="standby", streaming=True, upstream="pg1", standby_signal=True)
STOPPED = replace(DATA, role="stopped", control_state="shut down")
STOPPED_STANDBY = replace(STOPPED, control_state="shut down in recovery")
CRASHED_PRIMARY = replace(STOPPED, control_state="in production")
SEEDED = replace(STOPPED, control_state="in production", standby_signal=True)
FENCED = replace(STOPPED, fenced=True)
HUNG = replace(DATA, role="hung")
SILENT = Host("", reachable=False)
FOREIGN = replace(EMPTY, data_state="foreign")


def decide(*hosts: Host, bootstrap: str = "pg1") -> Plan:
    """The plan for pg1, pg2, pg3 in these states."""
    return plan([replace(host, name=f"pg{number}") for number, host in enumerate(hosts, 1)], bootstrap)


def actions(*hosts: Host, bootstrap: str = "pg1") -> str:
    """What happens on each host in turn."""
    made = decide(*hosts, bootstrap=bootstrap)
    assert not made.refusals
    return " ".join(made.steps[f"pg{number}"].action for number in range(1, len(hosts) + 1))


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        # A new estate, whole or interrupted
        ((EMPTY, EMPTY, EMPTY), "initialise seed seed"),
        ((STOPPED, EMPTY, EMPTY), "start seed seed"),
        ((CRASHED_PRIMARY, EMPTY, EMPTY), "start seed seed"),
        ((PRIMARY, EMPTY, EMPTY), "configure seed seed"),
        ((PRIMARY, SEEDED, STANDBY), "configure follow configure"),
        # A calm day
        ((PRIMARY, STANDBY, STANDBY), "configure configure configure"),
        # After a failover to pg2: the inventory's bootstrap primary means nothing any more
        ((FENCED, replace(PRIMARY, timeline=2), STANDBY), "leave configure configure"),
        ((SILENT, replace(PRIMARY, timeline=2), STANDBY), "unreachable configure configure"),
        ((CRASHED_PRIMARY, replace(PRIMARY, timeline=2), STANDBY), "leave configure configure"),
        ((STOPPED, replace(PRIMARY, timeline=2), STANDBY), "leave configure configure"),
        ((EMPTY, replace(PRIMARY, timeline=2), STANDBY), "seed configure configure"),
        # A fenced host is left alone whatever it holds
        ((replace(FENCED, data_state="foreign"), PRIMARY, STANDBY), "leave configure configure"),
        ((replace(FENCED, system_identifier="9"), PRIMARY, STANDBY), "leave configure configure"),
        ((replace(EMPTY, fenced=True), PRIMARY, STANDBY), "leave configure configure"),
        # Standbys in need
        ((PRIMARY, STOPPED_STANDBY, STANDBY), "configure follow configure"),
        ((PRIMARY, replace(STANDBY, streaming=False), STANDBY), "configure follow configure"),
        ((PRIMARY, replace(STANDBY, streaming=False, timeline=3), STANDBY), "configure leave configure"),
        ((PRIMARY, replace(STOPPED_STANDBY, timeline=3), STANDBY), "configure leave configure"),
        ((PRIMARY, HUNG, STANDBY), "configure leave configure"),
    ],
)
def test_actions(hosts: tuple[Host, ...], expected: str) -> None:
    """One row per situation that may go on."""
    assert actions(*hosts) == expected
    assert set(expected.split()) <= set(ACTIONS)


@pytest.mark.parametrize(
    ("hosts", "bootstrap", "named"),
    [
        # No new cluster beside data that may exist
        ((EMPTY, SILENT, EMPTY), "pg1", "pg2: does not answer"),
        ((EMPTY, STOPPED, EMPTY), "pg1", "pg2: stopped on timeline 1"),
        ((STOPPED, SILENT, EMPTY), "pg1", "pg1: stopped"),
        ((replace(STOPPED, timeline=2), EMPTY, EMPTY), "pg1", "pg1: stopped on timeline 2"),
        ((STOPPED_STANDBY, EMPTY, EMPTY), "pg1", "pg1: stopped"),
        ((FENCED, EMPTY, EMPTY), "pg1", "pg1: stopped.*fenced"),
        ((STOPPED, STOPPED_STANDBY, STOPPED_STANDBY), "pg1", "pg1: stopped"),
        ((HUNG, STANDBY, STANDBY), "pg1", "pg1: hung"),
        ((EMPTY, EMPTY, EMPTY), "lb1", "lb1: is not a database host; expected one of pg1, pg2, pg3"),
        ((EMPTY, EMPTY, EMPTY), "", "is not a database host"),
        # Two primaries
        ((PRIMARY, PRIMARY, STANDBY), "pg1", "pg1: runs as a primary.*pg2: runs as a primary"),
        # Data that is not ours
        ((FOREIGN, EMPTY, EMPTY), "pg1", "pg1: /d holds files.*nothing here overwrites it"),
        ((PRIMARY, FOREIGN, STANDBY), "pg1", "pg2: /d holds files"),
        ((PRIMARY, replace(STOPPED, system_identifier="701"), STANDBY), "pg1", "system identifier 700.*identifier 701"),
        (
            (PRIMARY, replace(EMPTY, others=("/x/15/main (Postgres 15)",)), STANDBY),
            "pg1",
            "pg2:.*Postgres 15.*Postgres 17",
        ),
        (
            (replace(PRIMARY, version="15"), STANDBY, STANDBY),
            "pg1",
            'pg1: data of Postgres 15.*postgresql_version: "15"',
        ),
        ((replace(EMPTY, wanted_version="15"), EMPTY, EMPTY), "pg1", "default is Postgres 15.*default is Postgres 17"),
    ],
)
def test_refusals(hosts: tuple[Host, ...], bootstrap: str, named: str) -> None:
    """One row per situation in which no host may be touched."""
    made = decide(*hosts, bootstrap=bootstrap)
    text = " | ".join(f"{item.host}: {item.observed}; expected {item.expected}. {item.next}" for item in made.refusals)
    assert re.search(named, text), text
    assert not made.steps
    assert all(item.next for item in made.refusals)


def node(name: str, **seen: Any) -> dict[str, Any]:
    """What postgresql_cluster_info returns for a host with data."""
    return blank_node(name, "192.0.2.1") | {
        "data_state": "initialized", "running": True, "system_identifier": "700", "timeline": 2, "installed": True,
    } | seen  # fmt: skip


def test_filter_reads_what_the_modules_return() -> None:
    """A running primary, a streaming standby, an empty host; a host without an answer counts as unreachable."""
    nodes = [
        node("pg2", role="primary"),
        node("pg3", role="standby", upstream="pg2", wal_receiver={"status": "streaming"}),
        blank_node("pg4", "192.0.2.4"),
    ]
    hosts = {name: {"version": "17", "data_version": "17"} for name in ("pg2", "pg3")}
    made = provision_plan(nodes, ["pg1", "pg2", "pg3", "pg4"], "pg1", hosts)
    assert made["primary"] == "pg2"
    assert not made["bootstrap"]
    assert {name: step["action"] for name, step in made["steps"].items()} == {
        "pg1": "unreachable", "pg2": "configure", "pg3": "configure", "pg4": "seed",
    }  # fmt: skip
    assert made["steps"]["pg4"]["source"] == "pg2"


def test_filter_refuses_beside_a_stale_primary() -> None:
    """A writable primary behind a newer timeline that another host has seen: nothing is done until it is fenced."""
    nodes = [node("pg1", role="primary", timeline=1), node("pg2", role="stopped", running=False, timeline=2)]
    made = provision_plan(nodes, ["pg1", "pg2"], "pg1", {})
    assert [item["host"] for item in made["refusals"]] == ["pg1"]
    assert made["steps"] == {}


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ((EMPTY, EMPTY, EMPTY), "prepare prepare prepare"),
        ((EMPTY, SILENT), "prepare unreachable"),
        ((STANDBY, EMPTY), "leave prepare"),
        ((replace(EMPTY, fenced=True), EMPTY), "leave prepare"),
        ((PRIMARY, EMPTY), "configure seed"),
    ],
)
def test_a_disaster_recovery_makes_no_cluster(hosts: tuple[Host, ...], expected: str) -> None:
    named = [replace(host, name=f"pg{number}") for number, host in enumerate(hosts, 1)]
    made = plan(named, "pg1", prepare=True)
    assert not made.refusals
    assert " ".join(made.steps[host.name].action for host in named) == expected
