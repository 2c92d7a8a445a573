# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decisions are made from: observed hosts as frozen values, read tolerantly from the modules' answers.

Everything here is pure. An absent key means "not known", never "fine".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def _maybe_int(value: Any) -> int | None:
    return None if value is None else int(value)


def _maybe_str(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


@dataclass(frozen=True)
class PeerView:
    """What one host sees of another host's role probe: TCP accepted, and the HTTP status of GET /primary.

    ``coming_back``: why Postgres there is about to run; '' when it is not.
    """

    name: str
    tcp: bool
    primary_status: int | None
    coming_back: str = ""


@dataclass(frozen=True)
class BootGuard:
    """What the boot guard of a host said last: asking, allowed or refused, why, and the next command."""

    verdict: str
    reason: str
    next: str

    @property
    def holds(self) -> bool:
        """It keeps Postgres from starting."""
        return self.verdict in {"asking", "refused"}


@dataclass(frozen=True)
class Attached:
    """One row of pg_stat_replication."""

    name: str
    state: str
    sync_state: str
    lag_bytes: int | None


@dataclass(frozen=True)
class Slot:
    """One row of pg_replication_slots. ``wal_status``: reserved, extended, unreserved, lost; '' when it holds nothing.

    ``retained_bytes``: WAL held for it. ``safe_bytes``: WAL that can still be written before it is lost; None without a
    bound.
    """

    name: str
    kind: str
    active: bool
    wal_status: str
    retained_bytes: int
    safe_bytes: int | None


@dataclass(frozen=True)
class Heard:
    """What a host's role probe heard last of a primary: its WAL position, how long ago, and how fast it wrote."""

    name: str
    lsn: str
    age_s: float
    bytes_per_s: int


@dataclass(frozen=True)
class Receiver:
    """The WAL receiver of a standby; ``age_s`` is seconds since the upstream's last message."""

    status: str
    sender_host: str | None
    latest_end_lsn: str | None
    age_s: float | None


@dataclass(frozen=True)
class Node:
    """One database host. LSNs are 'X/Y' text; ``role`` as in postgresql_cluster_info, or 'unreachable'."""

    host: str
    address: str
    reachable: bool
    role: str
    data_state: str
    running: bool
    fenced: bool
    fence_reason: str
    maintenance: Mapping[str, Any] | None
    restore: Mapping[str, Any] | None
    masked: bool
    error: str | None
    system_identifier: str | None
    timeline: int | None
    current_lsn: str | None
    received_lsn: str | None
    replayed_lsn: str | None
    lag_bytes: int | None
    lag_seconds: float | None
    replay_paused: bool
    receiver: Receiver | None
    upstream: str | None
    replication: tuple[Attached, ...]
    synchronous_standby_names: str
    sync_degraded: bool
    last_commit_at: str | None
    control_state: str | None
    peers: tuple[PeerView, ...]
    boot_guard: BootGuard | None = None
    slots: tuple[Slot, ...] = ()
    wal_free_bytes: int | None = None
    heard: tuple[Heard, ...] = ()

    @property
    def is_primary(self) -> bool:
        """Runs and accepts writes."""
        return self.reachable and self.role == "primary"

    @property
    def is_standby(self) -> bool:
        """Runs and replays."""
        return self.reachable and self.role == "standby"

    @property
    def streaming(self) -> bool:
        """A standby that receives WAL right now."""
        return self.is_standby and self.receiver is not None and self.receiver.status == "streaming"

    def peer(self, name: str) -> PeerView | None:
        """What this host sees of another one, if it looked."""
        return next((view for view in self.peers if view.name == name), None)


def _receiver(raw: Mapping[str, Any] | None) -> Receiver | None:
    if not raw:
        return None
    age = raw.get("last_msg_receipt_age_s")
    return Receiver(
        status=str(raw.get("status") or ""),
        sender_host=_maybe_str(raw.get("sender_host")),
        latest_end_lsn=_maybe_str(raw.get("latest_end_lsn")),
        age_s=None if age is None else float(age),
    )


def _replication(rows: Any) -> tuple[Attached, ...]:
    return tuple(
        Attached(
            name=str(row.get("application_name") or ""),
            state=str(row.get("state") or ""),
            sync_state=str(row.get("sync_state") or ""),
            lag_bytes=_maybe_int(row.get("lag_bytes")),
        )
        for row in rows or ()
    )


def _slots(rows: Any) -> tuple[Slot, ...]:
    return tuple(
        Slot(
            name=str(row.get("name") or ""),
            kind=str(row.get("type") or ""),
            active=bool(row.get("active")),
            wal_status=str(row.get("wal_status") or ""),
            retained_bytes=int(row.get("retained_bytes") or 0),
            safe_bytes=_maybe_int(row.get("safe_bytes")),
        )
        for row in rows or ()
    )


def _peers(raw: Mapping[str, Any] | None) -> tuple[PeerView, ...]:
    return tuple(
        PeerView(
            name=str(name),
            tcp=bool(view.get("tcp")),
            primary_status=_maybe_int(view.get("primary_status")),
            coming_back=str(view.get("coming_back") or ""),
        )
        for name, view in sorted((raw or {}).items())
    )


def _heard(raw: Mapping[str, Any] | None) -> tuple[Heard, ...]:
    return tuple(
        Heard(str(name), str(one["lsn"]), float(one.get("age_s") or 0), int(one.get("bytes_per_s") or 0))
        for name, one in sorted((raw or {}).items())
    )


def _boot_guard(raw: Mapping[str, Any] | None) -> BootGuard | None:
    if not raw:
        return None
    return BootGuard(str(raw.get("verdict") or ""), str(raw.get("reason") or ""), str(raw.get("next") or ""))


def node_from(raw: Mapping[str, Any]) -> Node:
    """Read a ``node`` dictionary of postgresql_cluster_info, or ``{host, reachable: false}`` made on the controller."""
    reachable = bool(raw.get("reachable", True))
    fence = raw.get("fenced")
    lag_seconds = raw.get("lag_seconds")
    return Node(
        host=str(raw["host"]),
        address=str(raw.get("address") or ""),
        reachable=reachable,
        role=str(raw.get("role") or "absent") if reachable else "unreachable",
        data_state=str(raw.get("data_state") or "absent") if reachable else "unknown",
        running=reachable and bool(raw.get("running")),
        fenced=bool(fence),
        fence_reason=str(fence.get("reason") or "") if isinstance(fence, Mapping) else "",
        maintenance=raw.get("maintenance") or None,
        restore=raw.get("restore") or None,
        masked=bool((raw.get("service") or {}).get("masked")),
        error=_maybe_str(raw.get("error")),
        system_identifier=_maybe_str(raw.get("system_identifier")),
        timeline=_maybe_int(raw.get("timeline")),
        current_lsn=_maybe_str(raw.get("current_lsn")),
        received_lsn=_maybe_str(raw.get("received_lsn")),
        replayed_lsn=_maybe_str(raw.get("replayed_lsn")),
        lag_bytes=_maybe_int(raw.get("lag_bytes")),
        lag_seconds=None if lag_seconds is None else float(lag_seconds),
        replay_paused=bool(raw.get("replay_paused")),
        receiver=_receiver(raw.get("wal_receiver")),
        upstream=_maybe_str(raw.get("upstream")),
        replication=_replication(raw.get("replication")),
        synchronous_standby_names=str(raw.get("synchronous_standby_names") or ""),
        sync_degraded=bool(raw.get("sync_degraded")),
        last_commit_at=_maybe_str(raw.get("last_commit_at")),
        control_state=_maybe_str((raw.get("control") or {}).get("state")),
        peers=_peers(raw.get("peers")),
        boot_guard=_boot_guard(raw.get("boot_guard")),
        slots=_slots(raw.get("slots")),
        wal_free_bytes=_maybe_int(raw.get("wal_free_bytes")),
        heard=_heard(raw.get("heard")),
    )


def nodes_from(raws: Any, expected: Any = ()) -> tuple[Node, ...]:
    """Nodes in name order; a host that is expected but was not observed is an unreachable one."""
    seen = {str(raw["host"]): node_from(raw) for raw in raws}
    for name in expected:
        seen.setdefault(str(name), node_from({"host": name, "reachable": False}))
    return tuple(seen[name] for name in sorted(seen))


def host_of(name_or_address: str | None, nodes: tuple[Node, ...]) -> str | None:
    """The inventory name behind a name or address that a connection string carries, None when nobody has it."""
    if not name_or_address:
        return None
    for node in nodes:
        if name_or_address in {node.host, node.address}:
            return node.host
    return None
