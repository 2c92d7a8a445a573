"""The HTTP server for real, on the loopback: who gets an answer, and who cannot keep others from one."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from role_probe.httpd import IDLE_TIMEOUT, HttpServer, Response
from role_probe_samples import Clock


class Running:
    """A server in a thread of its own; the clock stands still unless a test moves it."""

    def __init__(self, clock: Clock, allowed: str = "127.0.0.0/8") -> None:
        self.seen: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.clock = clock
        self.server = HttpServer(
            "127.0.0.1",
            0,
            [ipaddress.ip_network(allowed)],
            self.respond,
            clock,
            max_connections=8,
            report=self.said.append,
        )
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.stop.is_set():
            self.server.step(0.02)
        self.server.close()

    def respond(self, method: str, target: str) -> Response:
        self.seen.append((method, target))
        return Response(503 if target == "/no" else 200, b'{"a": 1}' if target != "/big" else b"x" * 30_000_000)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=10)

    def wait_for_connections(self, count: int) -> None:
        """Until the server has accepted so many."""
        for _ in range(2000):
            if self.server.connections >= count:
                return
            time.sleep(0.005)
        raise AssertionError(f"{self.server.connections} connections instead of {count}")

    def ask(self, text: bytes) -> bytes:
        with self.connect() as channel:
            channel.sendall(text)
            return read_all(channel)


def read_all(channel: socket.socket) -> bytes:
    """Until the other end closes, however it does."""
    answer = b""
    try:
        while part := channel.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


@pytest.fixture
def running(clock: Clock) -> Iterator[Running]:
    server = Running(clock)
    yield server
    server.stop.set()
    server.thread.join()


def test_get_has_a_body(running: Running) -> None:
    """HTTP/1.0, as HAProxy's plain httpchk sends it: answered and closed."""
    head, _, body = running.ask(b"GET /primary HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 8" in head
    assert b"Connection: close" in head
    assert body == b'{"a": 1}'


@pytest.mark.parametrize("method", [b"HEAD", b"OPTIONS"])
def test_head_and_options_have_none(running: Running, method: bytes) -> None:
    """The status is all they want."""
    head, _, body = running.ask(method + b" /no HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert body == b""


def test_a_connection_is_kept_for_http_1_1(running: Running) -> None:
    """Two questions at once and a third later, over one connection; then the client closes."""
    with running.connect() as channel:
        channel.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = b""
        while answers.count(b'{"a": 1}') < 2:
            answers += channel.recv(65536)
        channel.sendall(b"GET /c HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert read_all(channel).count(b"200 OK") == 1
    assert [target for _, target in running.seen] == ["/a", "/b", "/c"]


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET http://x/ HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
def test_what_is_not_a_request_is_refused(running: Running, text: bytes) -> None:
    """400, closed, and no handler is bothered."""
    assert running.ask(text).startswith(b"HTTP/1.1 400 ")
    assert running.seen == []


def test_an_endless_head_is_cut_off(running: Running) -> None:
    """Bounded memory."""
    assert b" 431 " in running.ask(b"GET / HTTP/1.1\r\nX: " + b"y" * 9000)


def test_a_body_ends_the_connection(running: Running) -> None:
    """What follows the head is not taken for the next request."""
    running.ask(b"GET /a HTTP/1.1\r\nContent-Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
    assert running.seen == [("GET", "/a")]


def test_a_large_answer_arrives_whole(running: Running) -> None:
    """Larger than the socket's buffers."""
    assert running.ask(b"GET /big HTTP/1.0\r\n\r\n").endswith(b"x" * 30_000_000)


def test_an_uninvited_client_gets_nothing(clock: Clock) -> None:
    """Closed at once, counted, said once."""
    running = Running(clock, allowed="192.0.2.0/24")
    try:
        assert [running.ask(b""), running.ask(b"")] == [b"", b""]
        assert running.seen == []
        assert running.server.refused == 2
        assert running.said == ["refused 127.0.0.1: not in allowed_clients"]
    finally:
        running.stop.set()
        running.thread.join()


def test_slow_clients_keep_nobody_waiting(running: Running) -> None:
    """All eight places are taken by clients that never finish asking; the ninth is served, the quietest one goes."""
    slow = [running.connect() for _ in range(8)]
    for number, channel in enumerate(slow):
        channel.sendall(b"GET / HTT")
        running.wait_for_connections(number + 1)
        running.clock.now += 0.1
    assert b"200 OK" in running.ask(b"GET /primary HTTP/1.0\r\n\r\n")
    assert read_all(slow[0]) == b""
    for channel in slow:
        channel.close()


def test_a_client_that_drips_is_cut_off(running: Running) -> None:
    """The time for asking is limited as a whole: another byte does not buy more of it."""
    with running.connect() as channel:
        running.wait_for_connections(1)
        for _ in range(3):
            channel.sendall(b"G")
            running.clock.now += 0.9
        assert read_all(channel) == b""


def test_an_idle_connection_is_closed_in_the_end(running: Running) -> None:
    """Kept, but not for ever."""
    with running.connect() as channel:
        channel.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"200 OK" in channel.recv(65536)
        running.clock.now += IDLE_TIMEOUT + 1
        assert read_all(channel) == b""
