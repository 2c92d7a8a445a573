# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP server for health checks: one thread, no waiting, bounded in every direction.

Answers come from memory, so one event loop serves every client within microseconds, and no client can hold a worker:
one that is slow to ask is cut off after ``request_timeout``, and when all places are taken the one that has been quiet
for longest makes room. Clients that are not on the list are closed at once, without a byte.
"""

from __future__ import annotations

import ipaddress
import selectors
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .config import Network

LARGEST_REQUEST = 8192
IDLE_TIMEOUT = 15.0  # seconds a kept-alive connection may be quiet between two requests
IP_FREEBIND = 15  # Linux: bind before the address is configured, so that the order of boot does not matter

PHRASES = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class Response:
    """What a handler answers."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


@dataclass
class Client:
    """One connection."""

    channel: socket.socket
    quiet_since: float
    deadline: float
    received: bytearray = field(default_factory=bytearray)
    to_send: bytearray = field(default_factory=bytearray)
    closing: bool = False


class HttpServer:
    """Serves ``respond(method, target)`` to allowed clients."""

    def __init__(
        self,
        address: str,
        port: int,
        allowed: Sequence[Network],
        respond: Callable[[str, str], Response],
        clock: Callable[[], float],
        *,
        max_connections: int = 128,
        request_timeout: float = 2.0,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._allowed, self._respond, self._clock, self._report = tuple(allowed), respond, clock, report
        self._max, self._request_timeout = max_connections, request_timeout
        self._clients: dict[int, Client] = {}
        self._reported: set[str] = set()
        self.refused = 0
        self.served = 0
        self._listener = _listen(address, port)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)

    @property
    def port(self) -> int:
        """The port in use (differs from the one asked for when that was 0)."""
        return int(self._listener.getsockname()[1])

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._clients)

    def serve(self, running: Callable[[], bool]) -> None:
        """Serve until ``running()`` says no; it is asked at least twice a second."""
        while running():
            self.step(0.5)

    def step(self, longest: float) -> None:
        """Handle what is ready, waiting for at most ``longest`` seconds."""
        now = self._clock()
        next_deadline = min((client.deadline for client in self._clients.values()), default=now + longest)
        for key, events in self._selector.select(max(0.0, min(longest, next_deadline - now))):
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._serve_client(key.data, events)
        now = self._clock()
        for client in [client for client in self._clients.values() if client.deadline <= now]:
            self._drop(client)

    def close(self) -> None:
        """Close the listener and every connection."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        for _attempt in range(64):  # bounded, so that a flood of connections cannot keep the others waiting
            try:
                channel, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of descriptors: make room and go on
                self._say("accept", f"cannot accept a connection: {error.strerror}")
                self._make_room()
                return
            if not self._is_allowed(peer[0]):
                self.refused += 1
                self._say(peer[0], f"refused {peer[0]}: not in allowed_clients")
                channel.close()
                continue
            if len(self._clients) >= self._max:
                self._make_room()
            now = self._clock()
            channel.setblocking(False)
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = Client(channel, quiet_since=now, deadline=now + self._request_timeout)
            self._clients[channel.fileno()] = client
            self._selector.register(channel, selectors.EVENT_READ, client)

    def _is_allowed(self, address: str) -> bool:
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)  # an IPv4 client on a dual-stack socket
        return any((mapped or found) in network for network in self._allowed)

    def _make_room(self) -> None:
        if self._clients:
            self._drop(min(self._clients.values(), key=lambda client: client.quiet_since))

    def _serve_client(self, client: Client, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                part = client.channel.recv(LARGEST_REQUEST)
                if not part:
                    self._drop(client)
                    return
                client.received += part
                self._answer(client)
            self._flush(client)
        except OSError:
            self._drop(client)

    def _answer(self, client: Client) -> None:
        """Answer every complete request in the buffer."""
        while not client.closing:
            head, end, rest = bytes(client.received).partition(b"\r\n\r\n")
            if not end:
                if len(client.received) > LARGEST_REQUEST:
                    self._queue(client, "GET", Response(431), keep=False)
                return
            client.received = bytearray(rest)
            now = self._clock()
            client.quiet_since, client.deadline = now, now + IDLE_TIMEOUT
            lines = head.decode("latin-1").split("\r\n")
            words = lines[0].split(" ")
            fields = (line.partition(":") for line in lines[1:])
            headers = {name.strip().lower(): value.strip().lower() for name, _colon, value in fields}
            if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith(("/", "*")):
                self._queue(client, "GET", Response(400), keep=False)
                return
            method, target, version = words
            # A health check has no body. One that announces a body is answered and cut off: we do not read on.
            has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
            token = headers.get("connection", "keep-alive" if version == "HTTP/1.1" else "close")
            self._queue(client, method, self._respond(method, target), keep="close" not in token and not has_body)

    def _queue(self, client: Client, method: str, response: Response, *, keep: bool) -> None:
        self.served += 1
        body = b"" if method in ("HEAD", "OPTIONS") else response.body
        head = (
            f"HTTP/1.1 {response.status} {PHRASES[response.status]}\r\n"
            "Server: role_probe\r\n"
            f"Content-Type: {response.content_type}\r\n"
            f"Content-Length: {len(response.body) if method == 'HEAD' else len(body)}\r\n"
            "Cache-Control: no-store\r\n"
            + ("Allow: GET, HEAD, OPTIONS\r\n" if response.status == 405 or method == "OPTIONS" else "")
            + f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        )
        client.to_send += head.encode("ascii") + body
        client.closing = not keep

    def _flush(self, client: Client) -> None:
        if client.to_send:
            try:
                sent = client.channel.send(client.to_send)
            except BlockingIOError:
                sent = 0
            del client.to_send[:sent]
        if client.to_send:  # who does not read gets no further questions answered: what we keep for it is bounded
            self._selector.modify(client.channel, selectors.EVENT_WRITE, client)
        elif client.closing:
            self._drop(client)
        else:
            self._selector.modify(client.channel, selectors.EVENT_READ, client)

    def _drop(self, client: Client) -> None:
        if self._clients.pop(client.channel.fileno(), None) is not None:
            self._selector.unregister(client.channel)
            client.channel.close()

    def _say(self, about: str, line: str) -> None:
        """Report once per address, and forget now and then, so that a scanner can fill neither log nor memory."""
        if about in self._reported:
            return
        if len(self._reported) >= 1000:
            self._reported.clear()
        self._reported.add(about)
        self._report(line)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":
            listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        listener.bind((address, port))
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
