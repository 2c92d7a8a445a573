"""A host's node, put together from what files and commands said."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.controldata import ControlData
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.node import (
    blank_node,
    describe,
    parse_conninfo,
    parse_marker,
    parse_service,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import Answer

CONTROL = ControlData("7001", "shut down", 2, "0/5000060", "0/5000028", None, True)
STANDBY = {
    "standby": True,
    "server_version_num": 170011,
    "system_identifier": "7001",
    "timeline": 1,
    "current_lsn": None,
    "received_lsn": "0/5000000",
    "replayed_lsn": "0/4FFFFF0",
    "lag_seconds": 0.5,
    "replay_paused": False,
    "wal_receiver": {"status": "streaming", "sender_host": "pg1", "latest_end_lsn": "0/5000100"},
    "primary_conninfo": "host=pg1 hostaddr=192.0.2.21 user=replicator",
    "replication": [],
    "slots": [],
    "synchronous_standby_names": "ANY 1 (pg2)",
    "last_commit_at": None,
    "pending_restart": [],
}
PRIMARY = STANDBY | {
    "standby": False, "current_lsn": "0/5000000", "received_lsn": None, "replayed_lsn": None,
    "wal_receiver": None, "primary_conninfo": "", "lag_seconds": None,
}  # fmt: skip


def node(answer: Answer | None = None, *, postmaster: bool = True, **given: Any) -> dict[str, Any]:
    """One node out of the given pieces."""
    base = blank_node("pg2", "192.0.2.22") | {"data_state": given.pop("data_state", "initialized")}
    known = {"control": None, "replication_conf": None, "degraded": False, "peers": {}} | given
    return describe(base, postmaster=postmaster, answer=answer, **known)


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("standby", node(Answer(True, STANDBY))),
        ("primary", node(Answer(True, PRIMARY))),
        ("hung", node(Answer(False, error="no answer within 2 s", timed_out=True), control=CONTROL)),
        ("hung", node(Answer(False, error="FATAL: the database system is starting up"), control=CONTROL)),
        ("hung", node(Answer(True, PRIMARY), stalled="disk stuck: processes have waited 3.0 s")),
        ("standby", node(Answer(True, STANDBY), stalled="disk stuck: processes have waited 3.0 s")),
        ("stopped", node(None, postmaster=False, control=CONTROL)),
        ("stopped", node(None, postmaster=False, data_state="foreign")),
        ("absent", node(None, postmaster=False, data_state="absent")),
    ],
)
def test_roles(role: str, seen: dict[str, Any]) -> None:
    """Only an answering server says what it is."""
    assert seen["role"] == role


def test_a_standby() -> None:
    """Upstream by name, and the lag against the newest position that anybody told it of."""
    seen = node(Answer(True, STANDBY))
    assert (seen["upstream"], seen["lag_bytes"], seen["lag_seconds"]) == ("pg1", 0x110, 0.5)


def test_a_primary_follows_nobody_and_lags_behind_nobody() -> None:
    """Even when a left-over primary_conninfo says otherwise."""
    seen = node(Answer(True, PRIMARY | {"primary_conninfo": "host=pg3"}))
    assert (seen["upstream"], seen["lag_bytes"], seen["current_lsn"]) == (None, None, "0/5000000")


def test_a_stopped_server_is_described_from_its_files() -> None:
    """Timeline, position and upstream without a server."""
    seen = node(None, postmaster=False, control=CONTROL, replication_conf="primary_conninfo = 'host=pg1 port=5432'\n")
    assert (seen["timeline"], seen["received_lsn"], seen["upstream"]) == (2, "0/5000060", "pg1")
    assert seen["control"]["state"] == "shut down"


def test_a_hung_server_says_why() -> None:
    """The error is kept for the reader."""
    assert node(Answer(False, error="no answer within 2 s"))["error"] == "no answer within 2 s"


def test_data_that_nobody_can_read_is_an_error_not_a_crash() -> None:
    """pg_controldata failed."""
    assert "pg_controldata" in node(None, postmaster=False)["error"]


@pytest.mark.parametrize(
    ("degraded", "answer", "file_there"),
    [
        (True, Answer(True, PRIMARY | {"synchronous_standby_names": ""}), True),
        (False, Answer(True, PRIMARY), True),
        (False, Answer(True, PRIMARY | {"synchronous_standby_names": ""}), False),
    ],
)
def test_degraded_is_the_file_and_its_effect(degraded: bool, answer: Answer, file_there: bool) -> None:
    """A file that is not in force yet has switched nothing off."""
    assert node(answer, degraded=file_there)["sync_degraded"] is degraded


def test_every_key_is_always_there() -> None:
    """Readers never have to ask whether a key exists."""
    keys = set(blank_node("pg2", "192.0.2.22"))
    assert keys == set(node(Answer(True, STANDBY))) == set(node(None, postmaster=False, control=CONTROL))


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("host=pg1 port=5432", {"host": "pg1", "port": "5432"}),
        ("host = 'pg 1' x=y", {"host": "pg 1", "x": "y"}),
        (r"user='o\'brien' a='b\\c'", {"user": "o'brien", "a": "b\\c"}),
        ("", {}),
    ],
)
def test_connection_strings(text: str, pairs: dict[str, str]) -> None:
    """libpq's quoting."""
    assert parse_conninfo(text) == pairs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"reason": "failover"}', "failover"),
        ("{", "the fence marker is there but cannot be read"),
        ("[]", "the fence marker is there but cannot be read"),
    ],
)
def test_a_marker_that_nobody_can_read_still_fences(text: str, reason: str) -> None:
    """Better down than two primaries."""
    found = parse_marker(text)
    assert found is not None and found["reason"] == reason
    assert parse_marker(None) is None


@pytest.mark.parametrize(
    ("text", "active", "masked"),
    [
        ("ActiveState=active\nUnitFileState=enabled-runtime\nLoadState=loaded\n", True, False),
        ("ActiveState=inactive\nUnitFileState=masked\nLoadState=masked\n", False, True),
        ("ActiveState=failed\nUnitFileState=\nLoadState=not-found\n", False, False),
        ("", False, False),
    ],
)
def test_services(text: str, active: bool, masked: bool) -> None:
    """What systemctl show printed."""
    found = parse_service(text)
    assert (found["active"], found["masked"]) == (active, masked)
