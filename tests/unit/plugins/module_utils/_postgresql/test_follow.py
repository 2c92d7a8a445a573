"""Who may follow, and what is written for it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import (
    FollowPlan,
    FollowRefused,
    Upstream,
    conninfo,
    plan_follow,
    replication_conf,
    slot_name_for,
    streams_from,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.node import blank_node, parse_conninfo

PG2 = Upstream(
    "pg2", "192.0.2.22", 5432, "replicator", "/etc/pg.pass", "verify-full", "/etc/ca.crt", "pg_3", "pg-3"
)  # fmt: skip
CONF = replication_conf(PG2)


def plan(
    *, before: str | None = None, signal: bool = True, label: bool = False, start: bool = True, **node: Any
) -> FollowPlan:
    """The plan for pg3, a running standby unless said otherwise."""
    seen = blank_node("pg3", "192.0.2.23") | {"data_state": "initialized", "role": "standby", "running": True} | node
    return plan_follow(seen, upstream=PG2, before=before, signal=signal, backup_label=label, start=start)


STOPPED: dict[str, Any] = {"role": "stopped", "running": False}


@pytest.mark.parametrize(
    ("steps", "given"),
    [
        ((False, False, False, False), {"before": CONF}),
        ((True, False, True, False), {"before": "primary_conninfo = 'host=pg1'\n"}),
        ((True, False, True, False), {"before": None}),
        ((False, False, False, True), {"before": CONF, **STOPPED}),
        ((True, True, False, True), {"signal": False, "label": True, "control": {"state": "in production"}, **STOPPED}),
        ((True, True, False, True), {"signal": False, "control": {"state": "shut down"}, **STOPPED}),
        ((True, False, False, False), {"start": False, **STOPPED}),
        ((True, False, True, False), {"role": "hung"}),
    ],
)
def test_steps(steps: tuple[bool, bool, bool, bool], given: dict[str, Any]) -> None:
    """(configuration, standby.signal, reload, start) of each situation; changed is any of them."""
    made = plan(**given)
    assert (made.write_conf, made.write_signal, made.reload, made.start) == steps
    assert made.changed is any(steps)


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("pg3 runs as a writable primary on timeline 4", {"role": "primary", "timeline": 4}),
        ("pg3 is fenced .failover to pg2.", {"fenced": {"reason": "failover to pg2"}}),
        ("its data directory is absent", {"data_state": "absent", "role": "absent", "running": False}),
        ("its data directory is foreign", {"data_state": "foreign", **STOPPED}),
        (
            "did not stop cleanly .its control file says 'in production'.",
            {"signal": False, "control": {"state": "in production"}, **STOPPED},
        ),
    ],
)
def test_refusals(words: str, given: dict[str, Any]) -> None:
    """Each names the host, what was seen, and the next command."""
    with pytest.raises(FollowRefused, match=words) as refused:
        plan(**given)
    assert "Next: " in str(refused.value)


def test_nobody_follows_itself() -> None:
    """A slip in a variable must not stop replication."""
    with pytest.raises(FollowRefused, match="pg2 was told to follow itself"):
        plan(host="pg2")


def test_what_libpq_reads_is_what_was_meant() -> None:
    """Also with blanks and quotes in it."""
    odd = Upstream("pg2", "192.0.2.22", 5433, "o'brien x", "/a b", "require", "", "s", "n")
    pairs = parse_conninfo(conninfo(odd))
    assert (pairs["host"], pairs["hostaddr"], pairs["port"]) == ("pg2", "192.0.2.22", "5433")
    assert (pairs["user"], pairs["passfile"]) == ("o'brien x", "/a b")
    assert "sslrootcert" not in pairs and "password" not in pairs


def test_the_file_quotes_for_postgres_too() -> None:
    """A quote is doubled in postgresql.conf."""
    odd = Upstream("pg2", "192.0.2.22", 5432, "o'brien", "/p", "require", "", "s", "n")
    assert "user=''o\\''brien''" in replication_conf(odd)


@pytest.mark.parametrize(
    ("host", "slot"), [("pg1", "pg1"), ("PG-1.example.org", "pg_1_example_org"), ("x" * 70, "x" * 63)]
)
def test_slot_names(host: str, slot: str) -> None:
    """The characters that Postgres allows."""
    assert slot_name_for(host) == slot


RECEIVER = {"status": "streaming", "sender_host": "pg2", "sender_port": 5432, "slot_name": "pg_3"}


@pytest.mark.parametrize(
    ("streams", "role", "receiver"),
    [
        (True, "standby", RECEIVER),
        (True, "standby", RECEIVER | {"sender_host": "192.0.2.22"}),
        (False, "standby", RECEIVER | {"sender_host": "pg1"}),
        (False, "standby", RECEIVER | {"sender_port": 5433}),
        (False, "standby", RECEIVER | {"status": "waiting"}),
        (False, "standby", RECEIVER | {"slot_name": "pg_9"}),
        (False, "standby", None),
        (False, "primary", RECEIVER),
    ],
)
def test_streaming(streams: bool, role: str, receiver: dict[str, Any] | None) -> None:
    """From the right host, through the right slot, now."""
    assert streams_from({"role": role, "wal_receiver": receiver}, PG2) is streams
