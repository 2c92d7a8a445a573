# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Prometheus text. Figures that Patroni has too carry Patroni's names, so that one dashboard serves both engines;
the others begin with role_probe_. A figure that is not known is left out, never invented. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .config import Config
from .lag import heard_age, lag_bytes, lag_seconds
from .state import Replication, View
from .verdict import PROBLEMS, decide, problems, replication_state, sync_state

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHOWN_PATHS = ("/primary", "/replica", "/health")


@dataclass(frozen=True)
class Sample:
    """One line: a value and the labels beside scope and name. A value of None is left out."""

    value: float | None
    labels: Mapping[str, str] = field(default_factory=dict)


def metrics_text(view: View, config: Config, wall_now: float, counters: Mapping[str, int]) -> str:
    """The exposition of ``GET /metrics``. ``counters``: name (without prefix) -> count of the HTTP side."""
    found = problems(view, config)
    server = view.snapshot.server if not {"stale", "not_running"} & set(found) else None
    primary, replica = bool(server and server.role == "primary"), bool(server and server.role == "replica")
    state = sync_state(view, config) if replica else None
    end = view.snapshot.known_end
    heard = heard_age(view, config) if replica else None
    replayed_timestamp = server.replayed_timestamp or 0 if server and replica else 0
    families: list[tuple[str, str, str, Iterable[Sample]]] = [
        ("patroni_postgres_running", "gauge", "1 if Postgres is known to be running.", [Sample(bool(server))]),
        ("patroni_postmaster_start_time", "gauge", "Epoch seconds since Postgres started.",
         [Sample(server.started_at if server else 0)]),
        ("patroni_postgres_server_version", "gauge", "Version of Postgres, 0 if it is not running.",
         [Sample(server.server_version if server else 0)]),
        ("patroni_postgres_timeline", "counter", "Timeline of this node, 0 if Postgres is not running.",
         [Sample(server.timeline if server else 0)]),
        ("patroni_primary", "gauge", "1 if this node is a primary, 0 otherwise.", [Sample(primary)]),
        ("patroni_replica", "gauge", "1 if this node is a replica, 0 otherwise.", [Sample(replica)]),
        ("patroni_sync_standby", "gauge", "1 if this is a synchronous standby.", [Sample(state == "sync")]),
        ("patroni_quorum_standby", "gauge", "1 if this is a standby of the quorum.", [Sample(state == "quorum")]),
        ("patroni_xlog_location", "counter", "Current WAL position in bytes, 0 if this node is not a primary.",
         [Sample(server.location if server and primary else 0)]),
        ("patroni_xlog_received_location", "counter", "Received WAL position, 0 if this node is not a replica.",
         [Sample((server.received or 0) if server and replica else 0)]),
        ("patroni_xlog_replayed_location", "counter", "Replayed WAL position, 0 if this node is not a replica.",
         [Sample((server.replayed or 0) if server and replica else 0)]),
        ("patroni_xlog_replayed_timestamp", "gauge", "Epoch seconds of the last replayed commit, 0 if none.",
         [Sample(replayed_timestamp)]),
        ("patroni_xlog_paused", "gauge", "1 if replay is paused.", [Sample(bool(server and server.paused))]),
        ("patroni_postgres_streaming", "gauge", "1 if this replica streams from its primary.",
         [Sample(replica and replication_state(view) == "streaming")]),
        ("role_probe_healthy", "gauge", "1 if GET on the path is answered with 200.",
         [Sample(decide(path, {}, view, config).status == 200, {"path": path}) for path in SHOWN_PATHS]),
        ("role_probe_problem", "gauge", "1 while the problem exists.",
         [Sample(name in found, {"problem": name}) for name, _scope, _check in PROBLEMS]),
        ("role_probe_age_seconds", "gauge", "Age of the knowledge behind every answer.", [Sample(view.age)]),
        ("role_probe_replication_lag_bytes", "gauge", "WAL that exists in the cluster and is not replayed here.",
         [Sample(lag_bytes(server, end) if server and replica else None)]),
        ("role_probe_replication_lag_seconds", "gauge", "Age of the last replayed commit while WAL is waiting.",
         [Sample(lag_seconds(server, end, wall_now) if server and replica else None)]),
        ("role_probe_heard_age_seconds", "gauge", "Seconds since the cluster was last heard of: the age of the lag.",
         [Sample(heard)]),
        ("role_probe_standby_lag_bytes", "gauge", "How far each streaming standby is behind this server.",
         [Sample(row.lag_bytes, {"application_name": row.application_name, "sync_state": row.sync_state})
          for row in _unique(server.replication if server else ())]),
        ("role_probe_free_bytes", "gauge", "Free space where Postgres writes, the scarcest place.",
         [Sample(view.snapshot.free_bytes)]),
        ("role_probe_fenced", "gauge", "1 if the fence marker is present.",
         [Sample(None if view.snapshot.fenced is None else view.snapshot.fenced)]),
        ("role_probe_boot_guard", "gauge", "1 for what the boot guard said last: allowed, asking or refused.",
         [Sample(view.on_disk.guard.get("verdict") == word, {"verdict": word})
          for word in ("allowed", "asking", "refused") if view.on_disk.guard]),
        ("role_probe_abandoned_sessions", "gauge", "Stuck sessions waited for beside the current one.",
         [Sample(view.snapshot.abandoned_sessions)]),
        ("role_probe_peer_answer_age_seconds", "gauge", "Seconds since each peer's probe last answered.",
         [Sample(None if p.answered_at is None else view.now - p.answered_at, {"peer": p.name}) for p in view.peers]),
        *((f"role_probe_{name}", "counter", "Since the probe started.", [Sample(n)]) for name, n in counters.items()),
    ]  # fmt: skip
    common = {"scope": config.cluster_name, "name": config.name}
    lines: list[str] = []
    for name, kind, text, samples in families:
        given = [sample for sample in samples if sample.value is not None]
        if given:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{{{_labels({**common, **sample.labels})}}} {_number(sample.value)}" for sample in given]
    return "\n".join(lines) + "\n"


def _unique(rows: Iterable[Replication]) -> list[Replication]:
    """One row per series: two WAL senders of one name (a base backup beside the stream) must not make two lines."""
    return list({(row.application_name, row.sync_state): row for row in rows}.values())


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float | None) -> str:
    number = float(value or 0)
    return str(int(number)) if number.is_integer() else repr(number)
