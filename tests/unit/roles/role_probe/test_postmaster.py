"""A postmaster that no longer serves new connections is noticed, with one connection in flight at most."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from role_probe.postmaster import SSL_REQUEST, Postmaster, open_socket
from role_probe_samples import Clock


class Listener:
    """Hands out one end of a pair of sockets."""

    def __init__(self) -> None:
        self.others: list[socket.socket] = []
        self.error: OSError | None = None

    def connect(self, _path: str) -> socket.socket:
        if self.error:
            raise self.error
        ours, other = socket.socketpair()
        self.others.append(other)
        return ours


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def postmaster(listener: Listener, clock: Clock) -> Postmaster:
    return Postmaster("/run/.s", clock, interval=1.0, connect=listener.connect)


def test_an_answer_in_time_is_fine(postmaster: Postmaster, listener: Listener, clock: Clock) -> None:
    """Asked again after the interval, not before."""
    assert postmaster.look(0.5) == ""
    listener.others[0].send(b"N")
    clock.now += 0.9
    assert postmaster.look(0.5) == ""
    assert len(listener.others) == 1
    clock.now += 0.2
    assert postmaster.look(0.5) == ""
    assert len(listener.others) == 2


def test_an_answer_ends_the_question_at_once(clock: Clock) -> None:
    """A shutdown waits for the child behind an open question: it must not stay open until the next look."""
    ours, other = socket.socketpair()
    answering = threading.Timer(0.005, lambda: other.send(b"N"))

    def connect(_path: str) -> socket.socket:
        answering.start()
        return ours

    assert Postmaster("/run/.s", clock, interval=1.0, connect=connect).look(0.5) == ""
    assert ours.fileno() == -1


def test_silence_is_reported_and_nothing_piles_up(postmaster: Postmaster, listener: Listener, clock: Clock) -> None:
    """For as long as it lasts, over one single connection."""
    postmaster.look(0.5)
    clock.now += 0.6
    assert postmaster.look(0.5) == "a new connection has been waiting for 0.6 s"
    clock.now += 60
    assert "60.6 s" in postmaster.look(0.5)
    assert len(listener.others) == 1
    listener.others[0].send(b"N")
    assert postmaster.look(0.5) == ""


def test_the_end_of_the_connection_is_an_answer(postmaster: Postmaster, listener: Listener, clock: Clock) -> None:
    """The server went away: what that means, the session finds out."""
    postmaster.look(0.5)
    listener.others[0].close()
    clock.now += 0.9
    assert postmaster.look(0.5) == ""


def test_a_full_queue_is_reported_until_there_is_room(postmaster: Postmaster, listener: Listener, clock: Clock) -> None:
    """Asked again at every look: it costs nothing."""
    listener.error = BlockingIOError()
    for _ in range(3):
        assert postmaster.look(0.5) == "the queue of new connections is full"
        clock.now += 0.2
    listener.error = None
    assert postmaster.look(0.5) == ""
    assert len(listener.others) == 1


def test_a_stopped_server_is_the_session_s_business(postmaster: Postmaster, listener: Listener) -> None:
    """It has the better message."""
    listener.error = ConnectionRefusedError()
    assert postmaster.look(0.5) == ""


def test_the_question_is_a_tls_request(tmp_path: Path) -> None:
    """Over a real unix socket."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    server.listen(1)
    heard: list[bytes] = []

    def answer() -> None:
        channel, _ = server.accept()
        heard.append(channel.recv(100))
        channel.close()

    thread = threading.Thread(target=answer)
    thread.start()
    channel = open_socket(str(tmp_path / "s"))
    thread.join()
    channel.close()
    server.close()
    assert heard == [SSL_REQUEST]
