"""What the other hosts' probes say, and what it is worth when they do not answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from role_probe.config import Config, PeerAddress
from role_probe.document import status_document
from role_probe.peers import Peers, fetch, read_answer
from role_probe.state import Peer, Replication
from role_probe_samples import NOW, PRIMARY_PEERS, Clock, primary, replica, view_of


def ask(config: Config, clock: Clock, answer: object) -> Peers:
    """Ask pg2, which gives the answer (or fails with it)."""

    def get(address: PeerAddress, _timeout: float, _clock: Callable[[], float]) -> object:
        assert address.name == "pg2"
        clock.now += 0.1
        if isinstance(answer, Exception):
            raise answer
        return answer

    peers = Peers(config, clock, get)
    peers.ask(config.peers[0])
    return peers


def test_a_peer_reads_what_a_probe_writes(config: Config, clock: Clock) -> None:
    """Both ends of the conversation fit; a standby that does not stream is not counted."""
    rows = (
        Replication("replicator", "pg1", "192.0.2.21", "streaming", "quorum", 1, 0),
        Replication("replicator", "pg3", "192.0.2.23", "catchup", "potential", 1, 0),
    )
    document = json.loads(json.dumps(status_document(view_of(primary(replication=rows)), config, 100.0)))
    peer = ask(config, clock, document).known()[0]
    assert (peer.state, peer.role, peer.timeline, peer.position) == ("running", "primary", 3, 5000)
    assert peer.is_primary
    assert peer.sync_states == {"pg1": "quorum"}
    assert (peer.asked_at, peer.answered_at) == (NOW, NOW), "as old as the question"


def test_a_standby_s_position_is_what_it_received(config: Config, clock: Clock) -> None:
    """Not what it has replayed."""
    document = status_document(view_of(replica(received=7000), PRIMARY_PEERS), config, 100.0)
    assert ask(config, clock, document).known()[0].position == 7000


def test_the_pace_of_a_primary_is_remembered_and_fades() -> None:
    """A failover estimates by it what nobody heard of."""

    def answer(location: int) -> dict[str, object]:
        return {"state": "running", "role": "primary", "xlog": {"location": location}}

    peer = Peer(name="pg1")
    paces = []
    for second, location in enumerate([1000, 3000, 3000, 10_000]):
        peer = read_answer(peer, answer(location), float(second), float(second))
        paces.append(peer.rate)
    assert paces == [0, 2000, pytest.approx(1600), 7000]


def test_a_peer_that_knows_nothing_fresh_is_no_primary(config: Config, clock: Clock) -> None:
    """A stale snapshot is passed on as not known."""
    document = status_document(view_of(primary(), now=NOW + 5), config, 100.0)
    assert not ask(config, clock, document).known()[0].is_primary


@pytest.mark.parametrize(
    "answer",
    [TimeoutError("timed out"), ConnectionRefusedError("refused"), {}, [], None, {"state": "running", "xlog": 7}],
)
def test_a_failed_attempt_counts_as_asked_but_not_as_answered(answer: object, config: Config, clock: Clock) -> None:
    """The last good answer stays, with its age."""
    peer = ask(config, clock, answer).known()[0]
    assert (peer.asked_at, peer.answered_at) == (NOW, None)
    assert peer.error


@pytest.fixture
def drip() -> Iterator[PeerAddress]:
    """A peer that sends one byte at a time and never ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        channel, _ = listener.accept()
        with channel:
            while not stop.is_set():
                try:
                    channel.send(b"x")
                except OSError:
                    return
                time.sleep(0.01)

    thread = threading.Thread(target=serve)
    thread.start()
    yield PeerAddress("pg2", "127.0.0.1", listener.getsockname()[1])
    stop.set()
    thread.join()
    listener.close()


def test_a_peer_that_drips_is_cut_off(drip: PeerAddress) -> None:
    """The limit holds for the whole answer, not for each byte."""
    with pytest.raises(TimeoutError):
        fetch(drip, 0.2, time.monotonic)
