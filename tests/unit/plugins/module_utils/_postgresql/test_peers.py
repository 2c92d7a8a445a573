"""What a host learns from its peers' probes, from real sockets."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.peers import (
    ask_peer,
    ask_peers,
    coming_back,
    heard,
    stalled,
    status_of,
)


@contextmanager
def probe(reply: bytes | None) -> Iterator[int]:
    """A probe that answers every connection with ``reply``; with None it accepts and stays silent."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _peer = server.accept()
                except OSError:
                    return
                held.append(link)
                if reply is not None:
                    link.recv(1024)
                    link.sendall(reply)
                    link.close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for link in held:
        link.close()


@pytest.mark.parametrize(
    ("reply", "tcp", "status"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n{}", True, 200),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", True, 503),
        (b"SSH-2.0-OpenSSH\r\n", True, None),
        (b"", True, None),
        (None, True, None),
    ],
)
def test_answers(reply: bytes | None, tcp: bool, status: int | None) -> None:
    """A hung probe accepts and says nothing: no status, and never a guess."""
    with probe(reply) as port:
        seen = ask_peer("127.0.0.1", port, timeout=0.3)
    assert (seen["tcp"], seen["primary_status"]) == (tcp, status)


def test_nobody_listens() -> None:
    """A refused connection is an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert ask_peer("127.0.0.1", port, timeout=0.3)["tcp"] is False


def test_every_peer_gets_its_own_answer() -> None:
    """All at once, each by name."""
    with probe(b"HTTP/1.0 200 OK\r\n\r\n") as port:
        seen = ask_peers({"pg1": "127.0.0.1", "pg2": "127.0.0.2"}, port, timeout=0.3)
    assert seen["pg1"]["primary_status"] == 200
    assert set(seen) == {"pg1", "pg2"}
    assert ask_peers({}) == {}


@pytest.mark.parametrize("reply", [b"HTTP/1.1", b"HTTP/1.1 abc", b"200 OK", b"ICY 200 OK", b""])
def test_half_an_answer_is_none(reply: bytes) -> None:
    """Only a whole status line counts."""
    assert status_of(reply) is None


def guard(verdict: str, age: float) -> dict[str, Any]:
    """What the probe tells of the boot guard."""
    return {"standby": False, "age_seconds": 1.0, "boot_guard": {"verdict": verdict, "age_seconds": age}}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"state": "starting"}, "Postgres is starting"),
        ({"state": "starting", "on_disk": {"standby": True}}, ""),
        ({"state": "stopped", "on_disk": guard("allowed", 2.0)}, "its boot guard let Postgres start 3 s ago"),
        ({"state": "stopped", "on_disk": guard("allowed", 200.0)}, ""),
        ({"state": "stopped", "on_disk": guard("asking", 0.1)}, ""),
        ({"state": "running", "on_disk": guard("allowed", 2.0)}, ""),
        ({"state": "stopped", "on_disk": None}, ""),
        ([], ""),
        ("x", ""),
    ],
)
def test_who_is_about_to_run(document: Any, says: str) -> None:
    """Asked through a real socket, as a failover does."""
    body = json.dumps(document).encode()
    assert coming_back(b"HTTP/1.1 503 x\r\n\r\n" + body) == says
    with probe(b"HTTP/1.1 503 x\r\n\r\n" + body) as port:
        assert ask_peer("127.0.0.1", port, timeout=0.5)["coming_back"] == says


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            {"problems": {"wal_stalled": "disk stuck: waited 3.1 s"}},
            "disk stuck: waited 3.1 s",
        ),
        ({"problems": {"disk_low": "disk full: /x has 0 bytes free"}}, "disk full: /x has 0 bytes free"),
        ({"problems": {"disk_low": "disk full: 0 bytes free"}}, "disk full: 0 bytes free"),
        ({"problems": {"fenced": "failover to pg2"}}, ""),
        ({"problems": None}, ""),
        ({}, ""),
        ([], ""),
    ],
)
def test_whose_commits_do_not_reach_the_disk(body: Any, says: str) -> None:
    """As the role probe says it beside its 503."""
    assert stalled(b"HTTP/1.1 503 x\r\n\r\n" + json.dumps(body).encode()) == says


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            {"peers": {"pg1": {"location": 0x5000000, "answered_seconds_ago": 0.4, "bytes_per_second": 900}}},
            {"pg1": {"lsn": "0/5000000", "age_s": 0.4, "bytes_per_s": 900}},
        ),
        ({"peers": {"pg1": {"location": None, "answered_seconds_ago": 0.4}}}, {}),
        ({"peers": {"pg1": {"location": 1, "answered_seconds_ago": None}}}, {}),
        ({"peers": {}}, {}),
        ({}, {}),
        ([], {}),
    ],
)
def test_what_the_own_probe_heard_of_a_primary(body: Any, says: Any) -> None:
    """Its last answer outlives it."""
    assert heard(b"HTTP/1.1 503 x\r\n\r\n" + json.dumps(body).encode()) == says
