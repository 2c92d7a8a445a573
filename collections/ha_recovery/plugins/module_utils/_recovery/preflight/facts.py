# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of hosts as frozen values, read tolerantly from what preflight_facts and balancer_facts answer.

None always means "not known", an empty tuple "there is none".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Session:
    """A session, a prepared transaction or a backup: who, and how old in seconds."""

    name: str
    who: str
    age_s: float | None


@dataclass(frozen=True)
class Slot:
    """One replication slot. ``synced``: a standby's copy of a failover slot (PostgreSQL 17)."""

    name: str
    logical: bool
    active: bool
    temporary: bool
    wal_status: str
    failover: bool
    synced: bool
    retained_bytes: int | None


@dataclass(frozen=True)
class Disk:
    """One file system, in bytes."""

    path: str
    device: int | None
    total_bytes: int | None
    free_bytes: int | None


@dataclass(frozen=True)
class Certificate:
    """One certificate file; ``expires_at`` in seconds since 1970."""

    path: str
    expires_at: int | None
    error: str


@dataclass(frozen=True)
class Tried:
    """A replication connection that was tried, and the system that answered."""

    ok: bool
    error: str
    system_identifier: str | None


@dataclass(frozen=True)
class Skew:
    """Seconds by which a host's clock is ahead of the control node's, give or take ``uncertain_s``."""

    ahead_s: float
    uncertain_s: float


@dataclass(frozen=True)
class Archiver:
    """pg_stat_archiver, as seconds since the last success and the last failure (None: never)."""

    last_archived_age_s: float | None
    last_failed_age_s: float | None
    last_failed_wal: str

    @property
    def failing(self) -> bool:
        """The last attempt failed."""
        if self.last_failed_age_s is None:
            return False
        return self.last_archived_age_s is None or self.last_failed_age_s < self.last_archived_age_s


@dataclass(frozen=True)
class HostFacts:
    """What every host tells of itself. ``root`` and ``user``: rights that we have there (None: not tried)."""

    host: str
    root: bool | None
    user: bool | None
    privilege_error: str
    certificates: tuple[Certificate, ...]
    disks: tuple[Disk, ...]
    skew: Skew | None


@dataclass(frozen=True)
class DatabaseFacts(HostFacts):
    """A database host. ``answered``: the server did; else ``sql_error`` says why not, and what SQL gives is None."""

    answered: bool
    sql_error: str
    version: int | None
    settings: Mapping[str, str]
    pending_restart: tuple[str, ...] | None
    archiver: Archiver | None
    backups: tuple[Session, ...] | None
    transactions: tuple[Session, ...] | None
    prepared: tuple[Session, ...] | None
    walsenders: int | None
    slots: tuple[Slot, ...] | None
    data: Disk
    wal: Disk
    archive_ready: int | None
    wal_bytes_per_minute: float | None
    replication: Mapping[str, Tried]

    def number(self, name: str) -> int | None:
        """A setting as a number; None when it is not known."""
        text = self.settings.get(name, "")
        return int(text) if text.lstrip("-").isdigit() else None

    def on(self, name: str) -> bool | None:
        """A yes/no setting; None when it is not known."""
        return {"on": True, "off": False}.get(self.settings.get(name, ""))

    def slot(self, name: str) -> Slot | None:
        """One slot by name."""
        return next((slot for slot in self.slots or () if slot.name == name), None)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _int(value: Any) -> int | None:
    return None if value is None else int(value)


def _session(row: Mapping[str, Any]) -> Session:
    place = f" from {row['address']}" if row.get("address") else ""
    name = row.get("gid") or f"process {row.get('pid')}"
    application = f" ({row['application']})" if row.get("application") else ""
    kind = f" {row['kind']}" if row.get("kind") else ""
    return Session(
        str(name) + kind, f"{row.get('user') or 'unknown user'}{application}{place}", _float(row.get("age_s"))
    )


def _sessions(rows: Iterable[Mapping[str, Any]] | None) -> tuple[Session, ...] | None:
    return None if rows is None else tuple(_session(row) for row in rows)


def _slot(row: Mapping[str, Any]) -> Slot:
    return Slot(
        name=str(row.get("name") or ""),
        logical=row.get("type") == "logical",
        active=bool(row.get("active")),
        temporary=bool(row.get("temporary")),
        wal_status=str(row.get("wal_status") or ""),
        failover=bool(row.get("failover")),
        synced=bool(row.get("synced")),
        retained_bytes=_int(row.get("retained_bytes")),
    )


def _disk(raw: Mapping[str, Any]) -> Disk:
    return Disk(
        path=str(raw.get("path") or ""),
        device=_int(raw.get("device")),
        total_bytes=_int(raw.get("total_bytes")),
        free_bytes=_int(raw.get("free_bytes")),
    )


def skew_of(clock: Mapping[str, Any] | None, asked: Mapping[str, Any] | None) -> Skew | None:
    """How far a clock is off. ``asked``: ``sent_at`` and ``received_at`` by the control node's own clock.

    The host looked between ``first`` and ``last``; both lie between sent and received. So the difference lies between
    ``last - received`` and ``first - sent``: its middle is told, and half the width is what cannot be told.
    """
    clock, asked = clock or {}, asked or {}
    first, last, sent, received = clock.get("first"), clock.get("last"), asked.get("sent_at"), asked.get("received_at")
    if first is None or last is None or sent is None or received is None:
        return None
    low, high = float(last) - float(received), float(first) - float(sent)
    return Skew((low + high) / 2, abs(high - low) / 2)


def _common(raw: Mapping[str, Any], asked: Mapping[str, Any] | None) -> dict[str, Any]:
    privilege = raw.get("privilege") or {}
    return {
        "host": str(raw["host"]),
        "root": privilege.get("root"),
        "user": privilege.get("user"),
        "privilege_error": str(privilege.get("error") or ""),
        "certificates": tuple(
            Certificate(str(row.get("path") or ""), _int(row.get("expires_at")), str(row.get("error") or ""))
            for row in raw.get("certificates") or ()
        ),
        "disks": tuple(_disk(row) for row in raw.get("disks") or ()),
        "skew": skew_of(raw.get("clock"), asked),
    }


def balancer_facts_from(raw: Mapping[str, Any], asked: Mapping[str, Any] | None = None) -> HostFacts:
    """Read what balancer_facts answered; ``asked`` as in :func:`skew_of`."""
    return HostFacts(**_common(raw, asked))


def database_facts_from(raw: Mapping[str, Any], asked: Mapping[str, Any] | None = None) -> DatabaseFacts:
    """Read what preflight_facts answered; ``asked`` as in :func:`skew_of`."""
    sql = raw.get("sql") or {}
    wal = raw.get("wal") or {}
    archiver = sql.get("archiver")
    names = sql.get("pending_restart")
    slots = sql.get("slots")
    return DatabaseFacts(
        **_common(raw, asked),
        answered=bool(sql),
        sql_error=str(raw.get("sql_error") or ""),
        version=_int(sql.get("server_version_num")),
        settings={str(name): str(value) for name, value in (sql.get("settings") or {}).items()},
        pending_restart=None if names is None else tuple(str(name) for name in names),
        archiver=None
        if archiver is None
        else Archiver(
            last_archived_age_s=_float(archiver.get("last_archived_age_s")),
            last_failed_age_s=_float(archiver.get("last_failed_age_s")),
            last_failed_wal=str(archiver.get("last_failed_wal") or ""),
        ),
        backups=_sessions(sql.get("backups")),
        transactions=_sessions(sql.get("transactions")),
        prepared=_sessions(sql.get("prepared")),
        walsenders=_int(sql.get("walsenders")),
        slots=None if slots is None else tuple(_slot(row) for row in slots),
        data=_disk(raw.get("data") or {}),
        wal=_disk(wal),
        archive_ready=_int(wal.get("ready")),
        wal_bytes_per_minute=_float(wal.get("bytes_per_minute")),
        replication={
            str(name): Tried(bool(row.get("ok")), str(row.get("error") or ""), row.get("system_identifier"))
            for name, row in (raw.get("replication") or {}).items()
        },
    )
