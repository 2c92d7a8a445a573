"""One refresh after another: what is published, and how old it may become."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from role_probe.collector import Collector
from role_probe.config import Config
from role_probe.query import IDENTIFIER_SQL, to_server
from role_probe.session import NoAnswer, Refused
from role_probe.state import Peer
from role_probe.storage import Space
from role_probe.verdict import decide
from role_probe_samples import SYSTEM, Clock, peer

PRIMARY_ROW: dict[str, Any] = {
    "role": "primary",
    "server_version": 170011,
    "started_at": 5.5,
    "data_directory": "/data",
    "timeline": 3,
    "location": 5000,
    "insert_location": 5000,
    "flush_location": 5000,
    "wal_waiters": 0,
    "received": None,
    "replayed": None,
    "replayed_timestamp": None,
    "paused": False,
    "receiver": None,
    "replication": [],
}
REPLICA_ROW: dict[str, Any] = {
    **PRIMARY_ROW,
    "role": "replica",
    "location": None,
    "insert_location": None,
    "flush_location": None,
    "received": 5000,
    "replayed": 4000,
    "replayed_timestamp": 90.5,
    "paused": True,
    "receiver": {"status": "streaming", "sender_host": "pg2", "latest_end": 5100, "message_age": 0.25},
    "replication": [
        {
            "usename": "replicator",
            "application_name": "pg4",
            "client_addr": None,
            "state": "streaming",
            "sync_state": "async",
            "sync_priority": 0,
            "lag_bytes": None,
        }
    ],
}


class World:
    """The server, the disk, the marker and the peers, as the test wants them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.row: Mapping[str, Any] | Exception = PRIMARY_ROW
        self.takes = 0.0
        self.trouble = ""
        self.marker: bool | None = False
        self.free: int | OSError = 10**9
        self.peers: tuple[Peer, ...] = (peer("pg2"), peer("pg3"))
        self.set_aside = 0
        self.paths: list[str] = []
        self.versions: list[int | None] = []
        self.said: list[str] = []
        self.asked: list[str] = []

    def ask(self, sql: str, _limit: float) -> tuple[float, Any]:
        asked_at = self.clock.now
        self.asked.append(sql)
        if sql == IDENTIFIER_SQL:
            return asked_at, (SYSTEM,)
        self.clock.now += self.takes
        if isinstance(self.row, Exception):
            raise self.row
        return asked_at, (self.row,)

    def look(self, _limit: float) -> str:
        return self.trouble

    def space(self, path: str) -> Space:
        self.paths.append(path)
        if isinstance(self.free, OSError):
            raise self.free
        return Space(path, self.free, 10)

    def fence(self, _pattern: str, version: int | None) -> bool | None:
        self.versions.append(version)
        return self.marker


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


@pytest.fixture
def collector(world: World, clock: Clock, config: Config) -> Collector:
    return Collector(
        config, world, world, lambda: world.peers, clock, space=world.space, fence=world.fence, report=world.said.append
    )


def status(collector: Collector, config: Config, path: str = "/primary") -> int:
    return decide(path, {}, collector.view(), config).status


def test_before_the_first_refresh_nothing_is_promised(collector: Collector, config: Config) -> None:
    """The probe has just started."""
    assert status(collector, config) == 503
    assert status(collector, config, "/liveness") == 200


def test_knowledge_is_as_old_as_its_question(collector: Collector, world: World, clock: Clock, config: Config) -> None:
    """An answer that took 0.4 s is 0.4 s old when it arrives, and too old after a second in all."""
    world.takes = 0.4
    collector.refresh()
    assert collector.view().age == pytest.approx(0.4)
    assert status(collector, config) == 200
    clock.now += 0.59
    assert status(collector, config) == 200
    clock.now += 0.02
    assert status(collector, config) == 503
    assert "old" in decide("/primary", {}, collector.view(), config).reason


def test_a_refresh_that_hangs_makes_the_knowledge_stale(collector: Collector, world: World, config: Config) -> None:
    """The handlers see it without any help of the loop that hangs."""
    collector.refresh()
    inside, on = threading.Event(), threading.Event()

    def hang(_path: str) -> Space:
        inside.set()
        on.wait(10)
        return Space("/data", 10**9, 1)

    collector._space = hang
    thread = threading.Thread(target=collector.refresh)
    thread.start()
    assert inside.wait(10)
    world.clock.now += 1.5
    answer = status(collector, config)
    on.set()
    thread.join()
    assert answer == 503


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (NoAnswer("a question has been waiting for 0.5 s"), "hung"),
        (Refused("FATAL:  the database system is shutting down"), "stopping"),
        (Refused("failed: No such file or directory"), "stopped"),
        (Refused("FATAL:  sorry, too many clients already"), "unreachable"),
    ],
)
def test_a_failure_takes_effect_at_once(
    failure: Exception, state: str, collector: Collector, world: World, config: Config
) -> None:
    """The previous good answer is gone, whatever its age; and it comes back at once."""
    collector.refresh()
    world.row = failure
    collector.refresh()
    assert collector.view().snapshot.state == state
    assert [status(collector, config, path) for path in ("/primary", "/health", "/read-only")] == [503, 503, 503]
    assert str(failure) in decide("/primary", {}, collector.view(), config).reason
    world.row = PRIMARY_ROW
    collector.refresh()
    assert status(collector, config) == 200


def test_a_frozen_postmaster_is_a_hung_server(collector: Collector, world: World, config: Config) -> None:
    """Even while the established session answers."""
    world.trouble = "a new connection has been waiting for 0.6 s"
    collector.refresh()
    assert status(collector, config) == 503
    assert "postmaster does not respond" in decide("/primary", {}, collector.view(), config).reason


def test_disk_and_marker_reach_the_verdict(collector: Collector, world: World, config: Config) -> None:
    """The floor has its hysteresis, the marker is the one of the running version."""
    collector.refresh()
    world.free = 33554431
    collector.refresh()
    assert (status(collector, config), status(collector, config, "/read-only")) == (503, 200)
    world.free = 33554432
    collector.refresh()
    assert status(collector, config) == 503, "offered again too early"
    world.free = 41943040
    collector.refresh()
    assert status(collector, config) == 200
    world.marker = True
    collector.refresh()
    assert status(collector, config) == 503
    assert set(world.paths) == {"/data"}
    assert set(world.versions) == {170011}


def test_not_being_able_to_look_at_the_disk_takes_nothing_away(
    collector: Collector, world: World, config: Config
) -> None:
    """It is said once, and the figure is absent."""
    world.free = PermissionError(13, "Permission denied")
    collector.refresh()
    collector.refresh()
    assert status(collector, config) == 200
    assert collector.view().snapshot.free_bytes is None
    assert [line for line in world.said if "free space" in line] == [
        "cannot read the free space of /data: Permission denied"
    ]


def test_a_stuck_disk(collector: Collector, world: World, clock: Clock, config: Config) -> None:
    """Commits wait, nothing is flushed for longer than the limit; over as soon as it moves."""
    world.row = {**PRIMARY_ROW, "insert_location": 6000, "wal_waiters": 2}
    for _ in range(8):
        collector.refresh()
        assert status(collector, config) == 200
        clock.now += 0.2
    collector.refresh()
    assert status(collector, config) == 503
    world.row = {**PRIMARY_ROW, "insert_location": 6000, "flush_location": 5001, "wal_waiters": 2}
    collector.refresh()
    assert status(collector, config) == 200


def test_the_last_known_end_of_the_wal_is_remembered(collector: Collector, world: World, clock: Clock) -> None:
    """A primary that falls silent does not make its standby's lag vanish; a new timeline starts afresh."""
    world.row = {**REPLICA_ROW, "receiver": None}
    world.peers = (peer("pg2", role="primary", position=9000),)
    collector.refresh()
    assert collector.view().snapshot.known_end == 9000
    clock.now += 10
    collector.refresh()
    assert collector.view().snapshot.known_end == 9000
    world.row = {**REPLICA_ROW, "receiver": None, "timeline": 4}
    collector.refresh()
    assert collector.view().snapshot.known_end == 5000


def test_the_control_file_is_read_once_per_start_of_the_server(collector: Collector, world: World) -> None:
    """Reading it at every look would make a busy disk look like a hung server."""
    for started_at in (5.5, 5.5, 5.5, 6.5):
        world.row = {**PRIMARY_ROW, "started_at": started_at}
        collector.refresh()
    assert world.asked.count(IDENTIFIER_SQL) == 2
    server = collector.view().snapshot.server
    assert server is not None
    assert server.system_identifier == SYSTEM


def test_the_loop_survives_what_nobody_foresaw(collector: Collector, world: World, config: Config) -> None:
    """It shows as not known, and goes on."""
    stop = threading.Event()
    rounds: list[str] = []

    def broken(_pattern: str, _version: int | None) -> bool:
        rounds.append(collector.view().snapshot.state)
        if len(rounds) == 2:
            stop.set()
        raise RuntimeError("surprise")

    collector._fence = broken
    collector.run(stop)
    assert len(rounds) == 2
    assert "surprise" in decide("/primary", {}, collector.view(), config).reason


def test_changes_are_said_once(collector: Collector, world: World) -> None:
    """One line a change, for the journal."""
    for row in (PRIMARY_ROW, PRIMARY_ROW, Refused("gone"), Refused("gone"), REPLICA_ROW):
        world.row = row
        collector.refresh()
    assert world.said == ["postgres is running primary", "postgres is unreachable gone", "postgres is running replica"]


def test_woken_it_looks_again_at_once(world: World, clock: Clock, config: Config) -> None:
    """A runbook that has just promoted this host does not wait for the next round."""
    collector = Collector(
        replace(config, refresh_interval=60), world, world, lambda: world.peers, clock,
        space=world.space, fence=world.fence, report=world.said.append,
    )  # fmt: skip
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,), daemon=True)
    thread.start()

    def said(line: str) -> bool:
        end = time.monotonic() + 20
        while line not in world.said and time.monotonic() < end:
            time.sleep(0.01)
        return line in world.said

    assert said("postgres is running primary")
    world.row = REPLICA_ROW
    collector.wake()
    assert said("postgres is running replica")
    stop.set()
    collector.wake()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_problems_are_said_when_they_begin_and_end(collector: Collector, world: World) -> None:
    """A primary that another one has superseded is not in the journal by its state alone."""
    for peers in ((), (peer("pg2", role="primary", timeline=4),), (peer("pg2", role="primary", timeline=4),), ()):
        world.peers = peers
        collector.refresh()
    assert world.said == [
        "postgres is running primary",
        "superseded: pg2 is primary on timeline 4, this server is on 3",
        "over: other_primary",
    ]


def test_the_answer_is_read_as_it_is_sent() -> None:
    """Every column arrives under its name."""
    server = to_server(REPLICA_ROW, SYSTEM)
    assert (server.role, server.timeline, server.received, server.replayed) == ("replica", 3, 5000, 4000)
    assert (server.replayed_timestamp, server.paused, server.position) == (90.5, True, 5000)
    assert server.receiver is not None
    assert (server.receiver.latest_end, server.receiver.message_age) == (5100, 0.25)
    assert (server.replication[0].application_name, server.replication[0].lag_bytes) == ("pg4", None)
    assert to_server(PRIMARY_ROW, SYSTEM).position == 5000
