"""Who may be promoted, and who of them is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.candidate import choose, unseen_standbys
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from

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

Raws = tuple[dict[str, Any], ...]


@pytest.mark.parametrize(
    ("chosen", "nodes"),
    [
        ("pg3", (orphan("pg2", timeline=1, received="0/9000000"), orphan("pg3", timeline=2, received="0/1000000"))),
        ("pg3", (orphan("pg2", received="0/5000000"), orphan("pg3", received="0/5000001"))),
        ("pg3", (orphan("pg2", received="0/FFFFFFFF"), orphan("pg3", received="1/0"))),
        ("pg3", (orphan("pg2", "pg3"), orphan("pg3"))),
        (
            "pg3",
            (
                orphan("pg2", synchronous_standby_names='ANY 1 ("pg3")'),
                orphan("pg3", synchronous_standby_names='ANY 1 ("pg3")'),
            ),
        ),
        ("pg2", (orphan("pg3"), orphan("pg2"))),
    ],
)
def test_the_one_that_has_the_most(chosen: str, nodes: Raws) -> None:
    """Timeline, position, followers, synchronous, name; never the order of the inventory."""
    for order in (nodes, nodes[::-1]):
        found, _standings = choose(nodes_from(order), "7001")
        assert found is not None and found.host == chosen


@pytest.mark.parametrize(
    ("chosen", "nodes", "priorities"),
    [
        ("pg3", (orphan("pg2"), orphan("pg3")), {"pg3": 1}),
        ("pg3", (orphan("pg2"), orphan("pg3")), {"pg2": -1}),
        ("pg2", (orphan("pg2", received="0/5000001"), orphan("pg3")), {"pg3": 100}),
        ("pg2", (orphan("pg2", timeline=2), orphan("pg3")), {"pg3": 100}),
        ("pg2", (orphan("pg2"), orphan("pg3", "pg2")), {"pg3": 100}),
        ("pg3", (orphan("pg2", synchronous_standby_names='ANY 1 ("pg2")'), orphan("pg3")), {"pg3": 1}),
    ],
)
def test_a_priority_decides_between_equals_only(chosen: str, nodes: Raws, priorities: dict[str, int]) -> None:
    """Never against WAL, nor against an interrupted failover."""
    for order in (nodes, nodes[::-1]):
        found, _standings = choose(nodes_from(order), "7001", priorities)
        assert found is not None and found.host == chosen


@pytest.mark.parametrize(
    ("why", "node"),
    [
        ("not reachable", silent("pg2")),
        ("fenced", fenced("pg2")),
        ("not a running standby (stopped)", stopped("pg2")),
        ("not a running standby (primary)", primary("pg2")),
        ("not a running standby (absent)", empty("pg2")),
        ("belongs to another system (7002)", orphan("pg2", system_identifier="7002")),
        ("its WAL position is not known", orphan("pg2", received_lsn=None)),
        (
            "3 MiB free where it writes WAL, expected 64: it would not survive its promotion",
            orphan("pg2", wal_free_bytes=3 << 20),
        ),
        ("its replay is paused with WAL pending", orphan("pg2", replay_paused=True, replayed_lsn="0/4000000")),
    ],
)
def test_who_may_not(why: str, node: dict[str, Any]) -> None:
    """Each reason by name."""
    found, standings = choose(nodes_from([node]), "7001")
    assert found is None
    assert (standings[0].eligible, standings[0].why) == (False, why)


def test_paused_replay_without_pending_wal_is_no_obstacle() -> None:
    """Nothing is missing there."""
    found, _standings = choose(nodes_from([orphan("pg2", replay_paused=True)]), "7001")
    assert found is not None


@pytest.mark.parametrize(
    ("unseen", "pg3"),
    [
        ((("pg3", "not reachable"),), silent("pg3")),
        ((("pg3", "Postgres is stopped"),), stopped("pg3")),
        ((("pg3", "Postgres is hung"),), standby("pg3", role="hung")),
        (
            (("pg3", "has 0/5000001 and may not be promoted, see above"),),
            orphan("pg3", received="0/5000001", wal_free_bytes=0),
        ),
        (
            (("pg3", "has 0/5000001 and may not be promoted, see above"),),
            orphan("pg3", received="0/5000001", replay_paused=True, replayed_lsn="0/4000000"),
        ),
        ((), orphan("pg3", wal_free_bytes=0)),
        ((), orphan("pg3")),
        ((), fenced("pg3")),
        ((), empty("pg3")),
    ],
)
def test_who_was_not_seen(unseen: tuple[tuple[str, str], ...], pg3: dict[str, Any]) -> None:
    """Only a host that may hold newer WAL counts."""
    nodes = nodes_from([silent("pg1"), orphan("pg2"), pg3], DATABASES)
    assert unseen_standbys(nodes, ("pg1",), "pg2") == unseen
