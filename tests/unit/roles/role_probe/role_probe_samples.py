"""Values that the probe's tests start from."""

from __future__ import annotations

from typing import Any

from role_probe.state import Peer, Receiver, Server, Snapshot, View

NOW = 1000.0
SYSTEM = "7711134767910273346"
SETTINGS: dict[str, Any] = {
    "name": "pg1",
    "cluster_name": "orders",
    "listen_address": "127.0.0.1",
    "port": 8008,
    "allowed_clients": ["127.0.0.0/8"],
    "query_timeout": 0.5,
    "max_age": 1.0,
    "peers": [
        {"name": "pg2", "address": "192.0.2.22", "port": 8008},
        {"name": "pg3", "address": "192.0.2.23", "port": 8008},
    ],
}


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def primary(**changes: object) -> Server:
    """A healthy primary on timeline 3."""
    values: dict[str, object] = {
        "role": "primary",
        "server_version": 170011,
        "system_identifier": SYSTEM,
        "timeline": 3,
        "started_at": 5.0,
        "data_directory": "/data",
        "location": 5000,
        "insert_location": 5000,
        "flush_location": 5000,
    }
    return Server(**{**values, **changes})  # type: ignore[arg-type]


def replica(**changes: object) -> Server:
    """A healthy standby that has replayed everything it received."""
    values: dict[str, object] = {
        "role": "replica",
        "server_version": 170011,
        "system_identifier": SYSTEM,
        "timeline": 3,
        "started_at": 5.0,
        "data_directory": "/data",
        "received": 5000,
        "replayed": 5000,
        "replayed_timestamp": 90.0,
        "receiver": Receiver("streaming", "192.0.2.22", 5000, 0.1),
    }
    return Server(**{**values, **changes})  # type: ignore[arg-type]


def peer(name: str, **changes: object) -> Peer:
    """A peer that has just answered as a standby."""
    values: dict[str, object] = {
        "name": name,
        "asked_at": NOW,
        "answered_at": NOW,
        "state": "running",
        "role": "replica",
        "timeline": 3,
        "system_identifier": SYSTEM,
        "position": 5000,
    }
    return Peer(**{**values, **changes})  # type: ignore[arg-type]


PEERS = (peer("pg2"), peer("pg3"))
PRIMARY_PEERS = (peer("pg2", role="primary", sync_states={"pg1": "quorum"}), peer("pg3"))


def view_of(server: Server | None, peers: tuple[Peer, ...] = PEERS, now: float = NOW, **changes: object) -> View:
    """A view on a snapshot that was taken at NOW."""
    values: dict[str, object] = {
        "asked_at": NOW,
        "state": "running" if server else "stopped",
        "reason": "" if server else "no socket",
        "server": server,
        "fenced": False,
        "known_end": 5000 if server and server.role == "replica" else None,
    }
    return View(now=now, snapshot=Snapshot(**{**values, **changes}), peers=peers, beat_at=NOW)  # type: ignore[arg-type]
