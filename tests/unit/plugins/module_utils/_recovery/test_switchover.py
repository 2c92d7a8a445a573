"""The switchover's table, one test a row."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import (
    Last,
    Plan,
    Seen,
    Wish,
    plan_switchover,
)

from tests.unit.plugins.module_utils._recovery.estates import balancer, primary, standby, stopped

ACTIVE = {"read_write": "active", "read_only": "active"}
HEALTHY = (primary("pg1"), standby("pg2"), standby("pg3"))
SWITCHED = (stopped("pg1"), primary("pg2", timeline=2), standby("pg3", "pg2", timeline=2))
BEGUN = Last("20260301T031209Z-switchover", "started", "pg1", "pg2", 5.0)
DONE = Last("20260301T031209Z-switchover", "done", "pg2", "pg1", 60.0)
BLOCK = Refusal("pg2", "replay is paused (replay_paused)", "replaying", "SELECT pg_wal_replay_resume() on pg2")


def plan(nodes: tuple[dict[str, Any], ...] = HEALTHY, **more: Any) -> Plan:
    """The decision, from an estate with two load balancers whose pools run."""
    wish = Wish(more.pop("to", None))
    seen = {
        "nodes": nodes_from(nodes, ("pg1", "pg2", "pg3")),
        "balancers": balancers_from([balancer("lb1"), balancer("lb2")]),
        "pools": {"lb1": ACTIVE, "lb2": ACTIVE},
        "candidate": "pg2",
        "blocks": (),
        "last": Last(),
    }
    return plan_switchover(Seen(**{**seen, **more}), wish)


CLEAN = {"state": "shut down", "timeline": 1, "checkpoint_lsn": "0/6000028"}
PAUSED = {"lb1": {**ACTIVE, "read_write": "paused"}, "lb2": ACTIVE}


@pytest.mark.parametrize(
    ("action", "says", "more"),
    [
        ("switchover", "pg2 becomes primary in place of pg1", {}),
        ("switchover", "pg3 becomes primary in place of pg1", {"to": "pg3"}),
        ("switchover", "pg2 becomes primary", {"candidate": None, "last": BEGUN}),
        ("switchover", "pg2 becomes primary", {"last": Last("x", "done", "pg2", "pg1", 601.0)}),
        ("switchover", "pg2 becomes primary", {"last": DONE, "to": "pg2"}),
        ("none", "nothing to do: pg1 is primary on timeline 1", {"to": "pg1"}),
        ("none", "made pg1 primary 1 min ago", {"last": DONE}),
        ("refuse", "there is no pg9", {"to": "pg9"}),
        ("refuse", "pg1 stays primary", {"blocks": (BLOCK,)}),
        ("refuse", "pg1 stays primary", {"candidate": None}),
        ("refuse", "pg1 stays primary", {"nodes": (primary("pg1"), stopped("pg2"), standby("pg3")), "to": "pg2"}),
        ("refuse", "split brain", {"nodes": (primary("pg1"), primary("pg2"), standby("pg3"))}),
        ("refuse", "pg1 is a primary that was left behind", {"nodes": (primary("pg1"), *SWITCHED[1:])}),
        ("refuse", "there is no primary to switch over from", {"nodes": (stopped("pg1"), *HEALTHY[1:])}),
        (
            "refuse",
            "20260301T031209Z-switchover can not go on",
            {"nodes": (stopped("pg1", control={**CLEAN, "state": "in production"}), *HEALTHY[1:]), "last": BEGUN},
        ),
        (
            "resume",
            "20260301T031209Z-switchover goes on: pg2 becomes primary in place of pg1",
            {"nodes": (stopped("pg1", control=CLEAN), *HEALTHY[1:]), "last": BEGUN},
        ),
        ("complete", "20260301T031209Z-switchover is completed", {"nodes": SWITCHED, "last": BEGUN}),
        ("complete", "what is left is completed", {"pools": PAUSED, "to": "pg1"}),
        ("complete", "what is left", {"nodes": (primary("pg1"), standby("pg2"), standby("pg3", "pg2")), "to": "pg1"}),
    ],
)
def test_the_table(action: str, says: str, more: dict[str, Any]) -> None:
    """Each row; the words are those that the operator reads."""
    decided = plan(more.pop("nodes", HEALTHY), **more)
    assert (decided.action, says in decided.headline) == (action, True), decided.headline
    if action == "refuse":
        assert decided.refusals
        assert all(one.observed and one.expected and one.next for one in decided.refusals)


def test_what_is_done() -> None:
    """Everybody has a part; the read-write pools are the last to be held."""
    decided = plan()
    assert (decided.old, decided.new, decided.siblings) == ("pg1", "pg2", ("pg3",))
    assert decided.pools == {"lb1": ("read_only", "read_write"), "lb2": ("read_only", "read_write")}
    assert (decided.verify_from, decided.start_old) == ("pg3", True)


def test_a_rerun_after_the_stop_goes_on_from_the_shutdown_position() -> None:
    """It must not promote anything that has less."""
    decided = plan((stopped("pg1", control=CLEAN, received_lsn="0/6000028"), *HEALTHY[1:]), last=BEGUN)
    assert (decided.shutdown_lsn, decided.record) == ("0/6000028", BEGUN.name)


def test_a_complete_run_starts_the_old_primary_and_resumes_the_pools() -> None:
    """What a killed run left behind, and nothing else."""
    decided = plan(SWITCHED, last=BEGUN, pools=PAUSED)
    assert (decided.old, decided.start_old, decided.siblings) == ("pg1", True, ())
    assert decided.paused == {"lb1": ("read_write",)}
    fenced = stopped("pg1", fenced={"reason": "failover"})
    assert not plan((fenced, *SWITCHED[1:]), last=BEGUN).start_old


def test_without_a_pooler() -> None:
    """Pools that do not run are not paused, and the plan says what that means."""
    decided = plan(pools={"lb1": {"read_write": "stopped"}, "lb2": {}})
    assert decided.pools == {}
    assert "  lb1, lb2: no pooler; sessions on pg1 end" in decided.as_dict()["lines"]


def test_it_is_plain_data() -> None:
    """As the playbook and the record hold it."""
    plain = plan(blocks=(BLOCK,)).as_dict()
    assert plain["lines"][1] == (
        "  pg2: observed replay is paused (replay_paused); expected replaying. "
        "Next: SELECT pg_wal_replay_resume() on pg2"
    )
    assert not plain["acts"]
