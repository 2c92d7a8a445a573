"""Keepalived's question: are the virtual IP's ports answered?"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = (
    Path(__file__).parents[4] / "collections" / "ha_recovery" / "roles" / "keepalived" / "files" / "check_haproxy.py"
)


def load() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("check_haproxy", SOURCE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_haproxy"] = module
    spec.loader.exec_module(module)
    return module


check = load()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on which somebody listens, as the kernel does for a hung process: connections come, answers do not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return port(server)


def reply(listener: socket.socket, text: bytes) -> None:
    """Answer the next connection."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(text)

    threading.Thread(target=serve, daemon=True).start()


def test_a_living_haproxy(listener: socket.socket) -> None:
    reply(listener, b"HTTP/1.0 200 OK\r\n\r\nHAProxy answers\n")
    assert check.answers("127.0.0.1", port(listener), [str(port(listener))], patience=5)


@pytest.mark.parametrize("text", [b"HTTP/1.0 503 Service Unavailable\r\n\r\n", b"HTTP/1.0 403 Forbidden\r\n\r\n", b""])
def test_one_that_says_something_else(listener: socket.socket, text: bytes) -> None:
    reply(listener, text)
    assert not check.answers("127.0.0.1", port(listener), [], patience=5)


def test_a_hung_one_accepts_connections_and_yet_does_not_answer(listener: socket.socket) -> None:
    assert not check.answers("127.0.0.1", port(listener), [str(port(listener))], patience=0.05)


def test_a_port_that_refuses(listener: socket.socket) -> None:
    reply(listener, b"HTTP/1.0 200 OK\r\n\r\n")
    assert not check.answers("127.0.0.1", port(listener), [str(closed_port())], patience=5)


@pytest.mark.parametrize(("text", "verdict"), [(b"N", True), (b"S", False), (b"E", False), (b"", False)])
def test_a_pooler_answers_as_postgres_does(listener: socket.socket, text: bytes, verdict: bool) -> None:
    reply(listener, b"HTTP/1.0 200 OK\r\n\r\n")
    with socket.create_server(("127.0.0.1", 0)) as pooler:
        reply(pooler, text)
        found = check.answers("127.0.0.1", port(listener), [f"{port(pooler)}/postgresql"], patience=5)
    assert found is verdict


def test_a_hung_pooler_accepts_connections_and_yet_does_not_answer(listener: socket.socket) -> None:
    reply(listener, b"HTTP/1.0 200 OK\r\n\r\n")
    with socket.create_server(("127.0.0.1", 0)) as pooler:
        assert not check.answers("127.0.0.1", port(listener), [f"{port(pooler)}/postgresql"], patience=0.2)


class Clock:
    """Time passes when somebody sleeps."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


@pytest.mark.parametrize(
    ("looks", "verdict", "asked"),
    [
        ([True] * 20, True, 10),  # 1.7 s at five a second, and the one at the end
        ([False] * 20, False, 3),
        ([True, False, False, True] + [True] * 20, True, 10),
        ([True] * 4 + [False] * 20, False, 7),
        # The time is over, but the last look was bad: it goes on to a verdict.
        ([True] * 9 + [False, True] + [True] * 5, True, 11),
        ([True] * 9 + [False] * 5, False, 12),
    ],
)
def test_three_failures_in_a_row_are_a_verdict(looks: list[bool], verdict: bool, asked: int) -> None:
    clock = Clock()
    remaining = list(looks)
    assert check.watch(lambda: remaining.pop(0), clock, clock.sleep) is verdict
    assert len(looks) - len(remaining) == asked


def test_the_exit_status_is_what_keepalived_reads() -> None:
    assert check.main(["127.0.0.1", str(closed_port()), str(closed_port())]) == 1


def test_a_refused_connection_was_heard() -> None:
    """A witness may be a host on which nothing runs."""
    assert check.Witnesses([("127.0.0.1", closed_port())]).heard()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that drops what comes: its queue is full, as a packet filter or a dead host would have it."""
    with socket.socket() as server, contextlib.ExitStack() as kept:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _connection in range(4):
            waiting = kept.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield port(server)


def test_nobody_is_heard(silent: int) -> None:
    assert not check.Witnesses([("127.0.0.1", silent), ("127.0.0.1", silent)]).heard(0.05)


def test_one_witness_is_enough_and_is_asked_first_from_then_on(listener: socket.socket, silent: int) -> None:
    """A dead one costs its patience once, not five times a second."""
    witnesses = check.Witnesses([("127.0.0.1", silent), ("127.0.0.1", port(listener))])
    assert witnesses.heard(1)
    assert witnesses._addresses[0] == ("127.0.0.1", port(listener))
    assert witnesses.heard(0.1)


def test_without_witnesses_nobody_is_missed() -> None:
    assert check.Witnesses([]).heard()


@pytest.mark.parametrize("deaf", [True, False])
def test_a_deaf_host_fails_although_its_own_ports_answer(monkeypatch: Any, silent: int, deaf: bool) -> None:
    monkeypatch.setattr(check, "answers", lambda *_given: True)
    witness = silent if deaf else closed_port()
    assert check.main(["127.0.0.1", "8404", "5000", f"hears=127.0.0.1:{witness}"]) == int(deaf)
