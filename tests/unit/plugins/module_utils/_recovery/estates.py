"""Estates in the shape in which modules report them: pg1 primary, pg2 and pg3 standbys, lb1 holds the virtual IP."""

from __future__ import annotations

from typing import Any

DATABASES = ("pg1", "pg2", "pg3")
BALANCERS = ("lb1", "lb2")
SYNC = 'ANY 1 ("pg1","pg2","pg3")'
ADDRESSES = {"pg1": "192.0.2.21", "pg2": "192.0.2.22", "pg3": "192.0.2.23"}


def peers(**statuses: int | None) -> dict[str, Any]:
    """What a host sees of others: status of GET /primary, None for no answer."""
    return {
        name: {"address": ADDRESSES[name], "tcp": status is not None, "primary_status": status, "seconds": 0.01}
        for name, status in statuses.items()
    }


def primary(host: str = "pg1", **changes: Any) -> dict[str, Any]:
    """A writable primary with two streaming quorum standbys."""
    others = [name for name in DATABASES if name != host]
    return {
        "host": host,
        "address": ADDRESSES[host],
        "reachable": True,
        "installed": True,
        "data_state": "initialized",
        "fenced": None,
        "service": {"active": True, "enabled": "enabled", "masked": False},
        "running": True,
        "error": None,
        "role": "primary",
        "system_identifier": "7001",
        "timeline": 1,
        "current_lsn": "0/5000000",
        "received_lsn": None,
        "replayed_lsn": None,
        "replay_paused": False,
        "wal_receiver": None,
        "upstream": None,
        "replication": [
            {"application_name": name, "state": "streaming", "sync_state": "quorum", "lag_bytes": 0} for name in others
        ],
        "synchronous_standby_names": SYNC,
        "sync_degraded": False,
        "last_commit_at": None,
        "control": None,
        "peers": peers(**dict.fromkeys(others, 503)),
    } | changes


def standby(host: str, upstream: str = "pg1", received: str = "0/5000000", **changes: Any) -> dict[str, Any]:
    """A standby that streams from ``upstream`` and sees it as primary."""
    others = [name for name in DATABASES if name != host]
    return (
        primary(host)
        | {
            "role": "standby",
            "current_lsn": None,
            "received_lsn": received,
            "replayed_lsn": received,
            "lag_bytes": 0,
            "lag_seconds": 0.0,
            "wal_receiver": {
                "status": "streaming",
                "sender_host": upstream,
                "latest_end_lsn": received,
                "last_msg_receipt_age_s": 0.05,
            },
            "upstream": upstream,
            "replication": [],
            "last_commit_at": "2026-03-01T03:12:09+00:00",
            "peers": peers(**{name: 200 if name == upstream else 503 for name in others}),
        }
        | changes
    )


def orphan(host: str, upstream: str = "pg1", received: str = "0/5000000", **changes: Any) -> dict[str, Any]:
    """A standby whose primary went away: no WAL receiver, its probe does not answer."""
    others = [name for name in DATABASES if name != host]
    seen = {name: None if name == upstream else 503 for name in others}
    return standby(host, upstream, received, wal_receiver=None, peers=peers(**seen)) | changes


def stopped(host: str, state: str = "shut down in recovery", **changes: Any) -> dict[str, Any]:
    """A host with data and no server."""
    return (
        standby(host)
        | {
            "role": "stopped",
            "running": False,
            "wal_receiver": None,
            "control": {"state": state},
            "peers": {},
        }
        | changes
    )


def fenced(host: str, **changes: Any) -> dict[str, Any]:
    """A host that an earlier failover stopped."""
    return stopped(host, "in production", fenced={"reason": "failover to pg2"}, upstream=None) | changes


def empty(host: str) -> dict[str, Any]:
    """A reachable host without data."""
    return {"host": host, "address": ADDRESSES[host], "reachable": True, "role": "absent", "data_state": "absent"}


def silent(host: str) -> dict[str, Any]:
    """A host that did not answer."""
    return {"host": host, "address": ADDRESSES[host], "reachable": False, "error": "no answer on port 22 within 1 s"}


def server(backend: str, name: str, status: str, check: str = "L7OK", admin: list[str] | None = None) -> dict[str, Any]:
    """One server line of haproxy_info."""
    return {"backend": backend, "server": name, "status": status, "check_status": check, "admin_state": admin or []}


def balancer(
    host: str,
    *,
    writes: str | None = "pg1",
    vip: bool | None = None,
    maint: tuple[str, ...] = (),
    dead: tuple[str, ...] = (),
    **changes: Any,
) -> dict[str, Any]:
    """A load balancer that routes writes to ``writes`` and reads to the others; ``dead`` ones time out."""
    servers = []
    for name in DATABASES:
        if name in maint:
            lines = [("MAINT", "", ["maint"]), ("MAINT", "", ["maint"])]
        elif name in dead:
            lines = [("DOWN", "L4TOUT", []), ("DOWN", "L4TOUT", [])]
        elif name == writes:
            lines = [("UP", "L7OK", []), ("DOWN", "L7STS", [])]
        else:
            lines = [("DOWN", "L7STS", []), ("UP", "L7OK", [])]
        for backend, (status, check, admin) in zip(("postgresql_primary", "postgresql_replicas"), lines, strict=True):
            servers.append(server(backend, name, status, check, admin))
    return {
        "host": host,
        "reachable": True,
        "haproxy": {"running": True, "servers": servers, "error": None},
        "keepalived": {"running": True, "holds_vip": host == "lb1" if vip is None else vip, "error": None},
    } | changes


def gone_balancer(host: str) -> dict[str, Any]:
    """A load balancer that did not answer."""
    return {"host": host, "reachable": False, "haproxy": {}, "keepalived": {}, "error": "no answer"}


NOTE = {"host": "pg3", "since": "2026-03-01T03:12:09Z", "by": "anna", "reason": "new disk", "covered": True}


def out(host: str, **changes: Any) -> dict[str, Any]:
    """A database host that is out for maintenance, stopped and masked."""
    service = {"active": False, "enabled": "masked", "masked": True}
    return stopped(host, maintenance={**NOTE, "host": host}, service=service) | changes


def out_balancer(host: str, **changes: Any) -> dict[str, Any]:
    """A load balancer that is out for maintenance: nothing runs."""
    return {
        "host": host,
        "reachable": True,
        "haproxy": {"running": False, "servers": [], "error": "nobody listens", "maintenance": {**NOTE, "host": host}},
        "keepalived": {"running": False, "holds_vip": False, "error": None},
    } | changes
