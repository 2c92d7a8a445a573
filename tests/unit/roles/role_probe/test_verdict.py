"""What every endpoint answers in every situation, one row each."""

from __future__ import annotations

import dataclasses

import pytest
from role_probe.config import Config
from role_probe.state import OnDisk, Receiver, Server, View
from role_probe.verdict import ENDPOINTS, decide, parse_size, problems, sync_state
from role_probe_samples import NOW, PEERS, PRIMARY_PEERS, peer, primary, replica, view_of

PRIMARY_ANSWERS = {"/", "/primary", "/master", "/leader", "/read-write"}
READ_ANSWERS = {"/read-only", "/read-only-sync", "/read-only-quorum"}
REPLICA_ANSWERS = {"/replica", "/read-only"}
QUORUM_ANSWERS = {"/sync", "/synchronous", "/read-only-sync", "/quorum", "/read-only-quorum"}
UP = {"/health"}
READY = {"/readiness"}


def standby_of(state: str) -> tuple:
    return (peer("pg2", role="primary", sync_states={"pg1": state}), peer("pg3"))


# situation -> (view, the endpoints that answer 200; every other one answers 503)
SITUATIONS: dict[str, tuple[View, set[str]]] = {
    "healthy primary": (view_of(primary()), PRIMARY_ANSWERS | READ_ANSWERS | UP | READY),
    "standby of the quorum": (view_of(replica(), PRIMARY_PEERS), REPLICA_ANSWERS | QUORUM_ANSWERS | UP | READY),
    "synchronous standby": (
        view_of(replica(), standby_of("sync")),
        REPLICA_ANSWERS | {"/sync", "/synchronous", "/read-only-sync"} | UP | READY,
    ),
    "asynchronous standby": (
        view_of(replica(), standby_of("async")),
        REPLICA_ANSWERS | {"/async", "/asynchronous"} | UP | READY,
    ),
    "potential synchronous standby": (
        view_of(replica(), standby_of("potential")),
        REPLICA_ANSWERS | {"/async", "/asynchronous"} | UP | READY,
    ),
    "standby whose primary's probe is silent": (view_of(replica()), REPLICA_ANSWERS | UP | READY),
    "standby whose primary's probe answered too long ago": (
        view_of(
            replica(), (peer("pg2", role="primary", answered_at=NOW - 2.1, sync_states={"pg1": "sync"}), peer("pg3"))
        ),
        REPLICA_ANSWERS | UP | READY,
    ),
    "standby that its primary does not list": (
        view_of(replica(), (peer("pg2", role="primary"), peer("pg3"))),
        REPLICA_ANSWERS | UP | READY,
    ),
    "standby without a WAL receiver": (view_of(replica(receiver=None)), REPLICA_ANSWERS | UP),
    "standby too far behind to be ready": (view_of(replica(), known_end=5000 + 16777217), REPLICA_ANSWERS | UP),
    "stopped": (view_of(None), set()),
    "starting": (view_of(None, state="starting", reason="the database system is starting up"), set()),
    "hung": (view_of(None, state="hung", reason="a question has been waiting for 0.5 s"), set()),
    "just as old as allowed": (view_of(primary(), now=NOW + 1.0), PRIMARY_ANSWERS | READ_ANSWERS | UP | READY),
    "stale primary": (view_of(primary(), now=NOW + 1.1), set()),
    "stale standby": (view_of(replica(), PRIMARY_PEERS, now=NOW + 1.1), set()),
    "disk stuck": (view_of(primary(), wal_stalled="disk stuck"), set()),
    "disk full": (view_of(primary(), disk_low="disk full"), READ_ANSWERS | UP),
    "disk full on a standby": (
        view_of(replica(), PRIMARY_PEERS, disk_low="disk full"),
        REPLICA_ANSWERS | QUORUM_ANSWERS | UP,
    ),
    "fenced but running": (view_of(primary(), fenced=True), UP),
    "fence unreadable": (view_of(primary(), fenced=None), PRIMARY_ANSWERS | READ_ANSWERS | UP | READY),
    "newer primary elsewhere": (view_of(primary(), (peer("pg2", role="primary", timeline=4), peer("pg3"))), UP),
    "second primary on the same timeline": (view_of(primary(), (peer("pg2", role="primary"), peer("pg3"))), UP),
    "older primary elsewhere": (
        view_of(primary(), (peer("pg2", role="primary", timeline=2), peer("pg3"))),
        PRIMARY_ANSWERS | READ_ANSWERS | UP | READY,
    ),
    "primary of another cluster": (
        view_of(primary(), (peer("pg2", role="primary", timeline=9, system_identifier="1"), peer("pg3"))),
        PRIMARY_ANSWERS | READ_ANSWERS | UP | READY,
    ),
    "newer primary, seen too long ago": (
        view_of(primary(), (peer("pg2", role="primary", timeline=4, answered_at=NOW - 2.1), peer("pg3"))),
        PRIMARY_ANSWERS | READ_ANSWERS | UP | READY,
    ),
    "newer primary, but its server is stopped": (
        view_of(primary(), (peer("pg2", role="primary", timeline=4, state="stopped"), peer("pg3"))),
        PRIMARY_ANSWERS | READ_ANSWERS | UP | READY,
    ),
    "peers never asked": (view_of(primary(), (peer("pg2", asked_at=None, answered_at=None),)), READ_ANSWERS | UP),
    "peers not asked since the host was suspended": (
        view_of(primary(), (peer("pg2", asked_at=NOW - 60, answered_at=NOW - 60), peer("pg3"))),
        READ_ANSWERS | UP,
    ),
    "peers asked, none answered": (
        view_of(primary(), (peer("pg2", answered_at=None, state=""), peer("pg3", answered_at=None, state=""))),
        PRIMARY_ANSWERS | READ_ANSWERS | UP | READY,
    ),
    "no peers at all": (view_of(primary(), ()), PRIMARY_ANSWERS | READ_ANSWERS | UP | READY),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_endpoint_in_every_situation(situation: str, config: Config) -> None:
    """200 exactly where promised; everything else is 503 and says why."""
    view, promised = SITUATIONS[situation]
    answers = {path: decide(path, {}, view, config) for path in ENDPOINTS}
    assert {path for path, verdict in answers.items() if verdict.status == 200} == promised
    assert all(verdict.status == 503 and verdict.reason for path, verdict in answers.items() if path not in promised)


# lag asked for, view -> status, part of the reason
LAG = {
    "just near enough": ({"lag": "100"}, view_of(replica(), known_end=5100), 200, ""),
    "one byte too far": ({"lag": "99"}, view_of(replica(), known_end=5100), 503, "100 bytes, limit 99"),
    "with a unit": ({"lag": "1kB"}, view_of(replica(), known_end=6024), 200, ""),
    "with a unit, too far": ({"lag": "1kB"}, view_of(replica(), known_end=6025), 503, "1025 bytes"),
    "no limit asked for": ({}, view_of(replica(), known_end=10**12), 200, ""),
    "received but not replayed": (
        {"lag": "100", "mode": "write"},
        view_of(replica(replayed=0), known_end=5100),
        200,
        "",
    ),
    "not replayed": ({"lag": "100"}, view_of(replica(replayed=0), known_end=5100), 503, "5100 bytes"),
    "nothing known": ({"lag": "100"}, view_of(replica(), known_end=None), 503, "unknown"),
    "unreadable limit": ({"lag": "ten"}, view_of(replica()), 400, "lag must be"),
    "unreadable mode": ({"lag": "10", "mode": "guess"}, view_of(replica()), 400, "mode must be"),
    "cut off, the figure is old": (
        {"lag": "100"},
        view_of(replica(receiver=None), (peer("pg2", answered_at=NOW - 31), peer("pg3", answered_at=None))),
        503,
        "last heard of 31.0 s ago",
    ),
    "cut off, the figure is young enough": (
        {"lag": "100"},
        view_of(replica(receiver=None), (peer("pg2", answered_at=NOW - 29), peer("pg3", answered_at=None))),
        200,
        "",
    ),
    "cut off, only a stopped peer answers": (
        {"lag": "100"},
        view_of(replica(receiver=None), (peer("pg2", answered_at=None), peer("pg3", state="stopped"))),
        503,
        "never",
    ),
    "all peers answer, none runs": (
        {"lag": "100"},
        view_of(replica(receiver=None), (peer("pg2", state="stopped"), peer("pg3", state="stopped"))),
        200,
        "",
    ),
    "WAL sender silent for long": (
        {"lag": "100"},
        view_of(replica(receiver=Receiver("streaming", "x", 5000, 31.0)), (peer("pg2", answered_at=None),)),
        503,
        "31.0 s ago",
    ),
    "streams": ({"replication_state": "streaming"}, view_of(replica()), 200, ""),
    "does not stream": ({"replication_state": "streaming"}, view_of(replica(receiver=None)), 503, "archive recovery"),
    "a tag nobody has": ({"tag_region": "eu"}, view_of(replica()), 503, "no tags"),
}


@pytest.mark.parametrize("row", LAG)
def test_replica_with_conditions(row: str, config: Config) -> None:
    """GET /replica with parameters."""
    parameters, view, status, reason = LAG[row]
    verdict = decide("/replica", parameters, view, config)
    assert verdict.status == status
    assert reason in verdict.reason


def test_an_old_lag_figure_may_be_accepted_for_ever(config: Config) -> None:
    """lag_max_age 0 switches the check off."""
    view = view_of(replica(receiver=None), ())
    never = dataclasses.replace(config, lag_max_age=0.0)
    assert decide("/replica", {"lag": "1MB"}, view, config).status == 503
    assert decide("/replica", {"lag": "1MB"}, view, never).status == 200


@pytest.mark.parametrize(("late", "status"), [(0, 200), (10, 200), (10.1, 503)])
def test_liveness_is_about_the_probe_only(late: float, status: int, config: Config) -> None:
    """A stopped Postgres does not make the probe dead; a refresh loop that stands still does."""
    view = dataclasses.replace(view_of(None), now=NOW + late, beat_at=NOW)
    assert decide("/liveness", {}, view, config).status == status


def test_all_reasons_are_given(config: Config) -> None:
    """A person at night wants the whole list, the worst first."""
    view = view_of(primary(), fenced=True, disk_low="disk full", now=NOW + 5)
    assert list(problems(view, config)) == ["stale", "fenced", "peers_not_asked", "disk_low"]
    assert "5.0 s old" in decide("/primary", {}, view, config).reason
    assert "fence marker" in decide("/primary", {}, view, config).reason


def test_the_newest_primary_is_asked_for_the_sync_state(config: Config) -> None:
    """During a failover the old primary's opinion no longer counts."""
    old = peer("pg2", role="primary", timeline=3, sync_states={"pg1": "sync"})
    new = peer("pg3", role="primary", timeline=4, sync_states={"pg1": "async"})
    assert sync_state(view_of(replica(), (old, new)), config) == "async"
    assert sync_state(view_of(replica(), PEERS), config) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1048576),
        ("16kB", 16384),
        ("10MB", 10485760),
        ("1GB", 1073741824),
        ("1TB", 1099511627776),
        ("5 MB", 5242880),
        ("10mb", 10485760),
        ("7B", 7),
        ("", None),
        ("-1", None),
        ("1.5MB", None),
        ("MB", None),
        ("1XB", None),
        ("9" * 19, None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    """Postgres' units, and nothing else."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("verdict", "server", "status"),
    [
        ("refused", primary(started_at=50.0), 503),
        ("refused", primary(started_at=5.0), 200),
        ("allowed", primary(started_at=50.0), 200),
        ("asking", primary(started_at=50.0), 200),
    ],
)
def test_a_primary_that_was_started_past_its_boot_guard(
    verdict: str, server: Server, status: int, config: Config
) -> None:
    """Refused, and started afterwards by other means: no client is sent there."""
    guard = {"verdict": verdict, "reason": "pg2 is primary on timeline 4", "epoch": 10.0}
    view = dataclasses.replace(view_of(server), on_disk=OnDisk(NOW, {"boot_guard": guard}))
    assert decide("/primary", {}, view, config).status == status
    assert decide("/health", {}, view, config).status == 200
