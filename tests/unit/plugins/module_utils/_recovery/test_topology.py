"""Every row of the situation table, and what is said about each host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import Topology, topology_of

from tests.unit.plugins.module_utils._recovery.estates import (
    DATABASES,
    empty,
    fenced,
    orphan,
    primary,
    silent,
    standby,
    stopped,
)


def judge(*raws: dict[str, Any]) -> Topology:
    """The topology of these nodes; missing ones of the three are unreachable."""
    return topology_of(nodes_from(raws, DATABASES))


HEALTHY = (primary(), standby("pg2"), standby("pg3"))


@pytest.mark.parametrize(
    ("situation", "who", "verdict", "nodes"),
    [
        ("one_primary", "pg1", "green", HEALTHY),
        ("one_primary", "pg1", "yellow", (primary(), standby("pg2"), silent("pg3"))),
        ("one_primary", "pg1", "yellow", (primary(), standby("pg2"), stopped("pg3"))),
        ("one_primary", "pg1", "yellow", (primary(), standby("pg2"), empty("pg3"))),
        (
            "one_primary",
            "pg2",
            "yellow",
            (fenced("pg1"), primary("pg2", timeline=2), standby("pg3", "pg2", timeline=2)),
        ),
        ("bootstrap", None, "red", (empty("pg1"), empty("pg2"), empty("pg3"))),
        ("unknown", None, "red", (empty("pg1"), empty("pg2"), silent("pg3"))),
        ("unknown", None, "red", (silent("pg1"), silent("pg2"), silent("pg3"))),
        ("no_primary", None, "red", (silent("pg1"), orphan("pg2"), orphan("pg3"))),
        ("no_primary", None, "red", (stopped("pg1"), stopped("pg2"), stopped("pg3"))),
        ("split_brain", None, "red", (primary("pg1", timeline=2), primary("pg2", timeline=2), standby("pg3"))),
        ("stale_primary", "pg2", "red", (primary("pg1"), primary("pg2", timeline=2), standby("pg3", timeline=2))),
        ("stale_primary", None, "red", (primary("pg1"), silent("pg2"), orphan("pg3", "pg2", timeline=2))),
        ("mixed_systems", None, "red", (primary(), standby("pg2", system_identifier="7002"), standby("pg3"))),
    ],
)
def test_situations(situation: str, who: str | None, verdict: str, nodes: tuple[dict[str, Any], ...]) -> None:
    """Situation, primary and verdict of each row."""
    seen = judge(*nodes)
    assert (seen.situation, seen.primary, seen.verdict) == (situation, who, verdict)


def test_order_of_the_inventory_does_not_matter() -> None:
    """The same hosts in another order are the same cluster."""
    assert judge(*HEALTHY) == judge(*reversed(HEALTHY))


def test_a_host_that_is_expected_and_was_not_observed_is_unreachable() -> None:
    """Nobody is forgotten because nobody mentioned it."""
    seen = judge(primary(), standby("pg2"))
    assert seen.unreachable == ("pg3",)


def test_groups_of_hosts() -> None:
    """Each host is in the list that it belongs to."""
    seen = judge(fenced("pg1"), primary("pg2", timeline=2), empty("pg3"))
    assert (seen.fenced, seen.empty, seen.standbys, seen.unreachable) == (("pg1",), ("pg3",), (), ())
    assert (seen.system_identifier, seen.timeline) == ("7001", 2)


@pytest.mark.parametrize(
    ("host", "observed", "after", "nodes"),
    [
        ("pg3", "not reachable", "status.yml", (primary(), standby("pg2"), silent("pg3"))),
        ("pg3", "no data", "site.yml", (primary(), standby("pg2"), empty("pg3"))),
        (
            "pg3",
            "Postgres is stopped (shut down in recovery)",
            "rejoin_host=pg3",
            (primary(), standby("pg2"), stopped("pg3")),
        ),
        (
            "pg3",
            "does not answer: no answer within 2 s",
            "failover.yml",
            (primary(), standby("pg2"), standby("pg3", role="hung", error="no answer within 2 s")),
        ),
        ("pg3", "follows pg2", "failover.yml", (primary(), standby("pg2"), standby("pg3", "pg2"))),
        ("pg3", "receives no WAL", "rejoin_host=pg3", (primary(), standby("pg2"), orphan("pg3"))),
        (
            "pg3",
            "on timeline 1",
            "rejoin_host=pg3",
            (primary(timeline=2), standby("pg2", timeline=2), standby("pg3", timeline=1)),
        ),
        (
            "pg3",
            "replay is paused",
            "pg_wal_replay_resume",
            (primary(), standby("pg2"), standby("pg3", replay_paused=True)),
        ),
        (
            "pg3",
            "holds files of something else",
            "site.yml",
            (primary(), standby("pg2"), stopped("pg3", data_state="foreign")),
        ),
        ("pg1", "fenced (failover to pg2)", "rejoin_host=pg1", (fenced("pg1"), primary("pg2"), standby("pg3", "pg2"))),
        ("pg1", "commits wait", "bring a standby back", (primary(replication=[]), stopped("pg2"), stopped("pg3"))),
        (
            "pg1",
            "synchronous replication is switched off",
            "rejoin.yml",
            (primary(sync_degraded=True, synchronous_standby_names="", replication=[]), silent("pg2"), silent("pg3")),
        ),
    ],
)
def test_reasons_name_the_host_and_the_next_command(
    host: str, observed: str, after: str, nodes: tuple[dict[str, Any], ...]
) -> None:
    """What a person reads next to the verdict."""
    found = [reason for reason in judge(*nodes).reasons if reason.host == host and observed in reason.observed]
    assert found, judge(*nodes).reasons
    assert after in found[0].next


def test_an_upstream_given_as_an_address_is_the_same_host() -> None:
    """primary_conninfo may carry either."""
    assert judge(primary(), standby("pg2", upstream="192.0.2.21"), standby("pg3")).verdict == "green"


HELD = {"verdict": "refused", "reason": "pg1 is primary on timeline 2, this server is on 1", "next": "rejoin.yml pg3"}


def test_a_host_that_its_boot_guard_holds_says_why_and_what_to_type() -> None:
    """Yellow beside a primary, with the guard's own words and command."""
    seen = topology_of(nodes_from((primary(), standby("pg2"), stopped("pg3", boot_guard=HELD)), ()))
    reason = next(one for one in seen.reasons if one.host == "pg3")
    assert seen.verdict == "yellow" and HELD["reason"] in reason.observed and reason.next == HELD["next"]
    allowed = {**HELD, "verdict": "allowed"}
    seen = topology_of(nodes_from((primary(), standby("pg2"), stopped("pg3", boot_guard=allowed)), ()))
    assert "boot guard" not in next(one for one in seen.reasons if one.host == "pg3").observed


def test_a_primary_that_was_started_past_its_boot_guard_is_red() -> None:
    """It was refused, and somebody started it by other means."""
    seen = topology_of(nodes_from((primary(boot_guard=HELD), standby("pg2"), standby("pg3")), ()))
    assert seen.verdict == "red" and "although its boot guard refused" in seen.reasons[0].observed
