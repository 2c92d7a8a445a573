# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probe knows, as plain immutable values. Nothing here reads a clock, a socket or a file.

Times named ``*_at`` are seconds of the probe's own clock (CLOCK_BOOTTIME, it counts while the host is suspended);
WAL positions are bytes since the start of the WAL, as Patroni reports them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Replication:
    """One row of pg_stat_replication: a standby that streams from this server."""

    usename: str
    application_name: str
    client_addr: str
    state: str
    sync_state: str
    sync_priority: int
    lag_bytes: int | None


@dataclass(frozen=True)
class Receiver:
    """pg_stat_wal_receiver of a standby. ``latest_end`` is how far the sender said its WAL goes."""

    status: str
    sender_host: str | None
    latest_end: int | None
    message_age: float | None


@dataclass(frozen=True)
class Server:
    """One answer of the running server."""

    role: str  # 'primary' or 'replica'
    server_version: int
    system_identifier: str
    timeline: int
    started_at: float  # epoch seconds
    data_directory: str = ""
    location: int | None = None
    insert_location: int | None = None
    flush_location: int | None = None
    wal_waiters: int = 0  # processes that wait for WAL to reach the disk
    received: int | None = None
    replayed: int | None = None
    replayed_timestamp: float | None = None  # epoch seconds of the last replayed commit
    paused: bool = False
    receiver: Receiver | None = None
    replication: tuple[Replication, ...] = ()

    @property
    def position(self) -> int | None:
        """The newest WAL this server has: written on a primary, received or replayed on a standby."""
        if self.role == "primary":
            return self.location
        return max((at for at in (self.received, self.replayed) if at is not None), default=None)


@dataclass(frozen=True)
class Snapshot:
    """The result of one refresh. ``server`` is there only when ``state`` is 'running'."""

    asked_at: float  # when the question was asked: knowledge is as old as its question
    state: str  # running, starting, stopping, stopped, hung, unreachable, unknown
    reason: str = ""  # why the state is not 'running'
    server: Server | None = None
    fenced: bool | None = None  # None: the marker's directory cannot be looked into
    disk_low: str = ""  # why writes are about to fail, empty when there is room
    wal_stalled: str = ""  # why commits are not reaching the disk, empty when they do
    free_bytes: int | None = None
    known_end: int | None = None  # the newest WAL position anybody told us about
    abandoned_sessions: int = 0


@dataclass(frozen=True)
class Peer:
    """What another database host's probe said last. ``answered_at`` is None when it never answered.

    ``rate``: bytes of WAL a second that it wrote lately, for a failover's quote of what may be lost.
    """

    name: str
    asked_at: float | None = None
    answered_at: float | None = None
    error: str = ""
    state: str = ""
    role: str = ""
    timeline: int = 0
    system_identifier: str = ""
    position: int | None = None
    rate: float = 0.0
    sync_states: Mapping[str, str] = field(default_factory=dict)  # application_name -> sync_state, streaming ones only

    def fresh(self, now: float, max_age: float) -> bool:
        """True while the last answer is young enough to count."""
        return self.answered_at is not None and now - self.answered_at <= max_age

    @property
    def is_primary(self) -> bool:
        """The peer says that its server runs and takes writes."""
        return self.state == "running" and self.role == "primary"


@dataclass(frozen=True)
class OnDisk:
    """What the boot guard's program read on this host's disk; see the role boot_guard. Nothing when it is not there."""

    asked_at: float | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def timeline(self) -> int:
        """The newest timeline that the files know, 0 when they know none."""
        return int(self.told.get("timeline") or 0)

    @property
    def guard(self) -> Mapping[str, Any]:
        """What the boot guard said last; empty when it said nothing since the host booted."""
        guard = self.told.get("boot_guard")
        return guard if isinstance(guard, Mapping) else {}


@dataclass(frozen=True)
class View:
    """Everything a verdict is made from: the last snapshot, the peers, and the moment of asking."""

    now: float
    snapshot: Snapshot
    peers: tuple[Peer, ...] = ()
    beat_at: float = 0.0  # when the refresh loop last came round
    on_disk: OnDisk = field(default_factory=OnDisk)

    @property
    def age(self) -> float:
        """How old the snapshot's knowledge is, in seconds."""
        return max(0.0, self.now - self.snapshot.asked_at)
