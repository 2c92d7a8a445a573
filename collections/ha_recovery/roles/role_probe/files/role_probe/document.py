# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON status document, in the shape of Patroni's ``GET /patroni``, with our own keys beside it. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from . import VERSION
from .config import Config
from .lag import heard_age, lag_bytes, lag_seconds
from .state import OnDisk, Server, View
from .verdict import Verdict, problems, replication_state, sync_state


def status_document(view: View, config: Config, wall_now: float, verdict: Verdict | None = None) -> dict[str, Any]:
    """Everything known, for people and programs.

    Patroni's keys: state, role, server_version, postmaster_start_time, xlog, timeline, replication, replication_state,
    database_system_identifier, patroni. Ours: age_seconds (of the knowledge), reason (why this answer is not 200),
    problems, sync_state, lag_bytes, lag_seconds, heard_age_seconds, fenced, free_bytes, peers, on_disk. Without a
    running server, timeline and database_system_identifier are those on the disk.

    :param wall_now: epoch seconds; only the lag in seconds needs it.
    """
    found = problems(view, config)
    server = view.snapshot.server if not {"stale", "not_running"} & set(found) else None
    document: dict[str, Any] = {
        "state": "unknown" if "stale" in found else view.snapshot.state,
        "role": server.role if server else "unknown",
        "age_seconds": round(view.age, 3),
        "reason": (verdict.reason if verdict else "") or None,
        "problems": found,
        "fenced": view.snapshot.fenced,
        "free_bytes": view.snapshot.free_bytes,
        "peers": {
            peer.name: {
                "state": peer.state or None,
                "role": peer.role or None,
                "timeline": peer.timeline or None,
                "answered_seconds_ago": None if peer.answered_at is None else round(view.now - peer.answered_at, 3),
                "error": peer.error or None,
                "location": peer.position if peer.is_primary else None,
                "bytes_per_second": round(peer.rate) if peer.is_primary else None,
            }
            for peer in view.peers
        },
        "on_disk": _on_disk(view.on_disk, view.now),
        "patroni": {"version": VERSION, "scope": config.cluster_name, "name": config.name},
    }
    if server is not None:
        document.update(_server(server))
        if server.role == "replica":
            heard = heard_age(view, config)
            document["replication_state"] = replication_state(view)
            document["sync_state"] = sync_state(view, config)
            document["lag_bytes"] = lag_bytes(server, view.snapshot.known_end)
            document["lag_seconds"] = _round(lag_seconds(server, view.snapshot.known_end, wall_now))
            document["heard_age_seconds"] = _round(heard)
    elif view.on_disk.timeline:
        document["timeline"] = view.on_disk.timeline
        document["database_system_identifier"] = view.on_disk.told.get("system_identifier")
    return document


def _on_disk(found: OnDisk, now: float) -> dict[str, Any]:
    age = None if found.asked_at is None else round(now - found.asked_at, 3)
    return {**found.told, "age_seconds": age, "error": found.error or None}


def _server(server: Server) -> dict[str, Any]:
    if server.role == "primary":
        xlog: dict[str, Any] = {"location": server.location}
    else:
        xlog = {
            "received_location": server.received,
            "replayed_location": server.replayed,
            "replayed_timestamp": _timestamp(server.replayed_timestamp),
            "paused": server.paused,
        }
    return {
        "server_version": server.server_version,
        "postmaster_start_time": _timestamp(server.started_at),
        "xlog": xlog,
        "timeline": server.timeline,
        "database_system_identifier": server.system_identifier,
        "replication": [
            {
                "usename": row.usename,
                "application_name": row.application_name,
                "client_addr": row.client_addr,
                "state": row.state,
                "sync_state": row.sync_state,
                "sync_priority": row.sync_priority,
                "lag_bytes": row.lag_bytes,
            }
            for row in server.replication
        ],
    }


def _timestamp(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, tz=timezone.utc).isoformat(sep=" ")


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
