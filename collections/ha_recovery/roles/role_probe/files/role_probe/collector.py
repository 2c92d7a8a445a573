# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresh loop: asks, judges what needs a memory, and publishes one immutable snapshot.

Request handlers read the last snapshot and never wait for anything. If this loop itself gets stuck, the snapshot grows
old, and an old snapshot is never answered with 200.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from .config import Config
from .fence import read_fence
from .lag import known_end
from .query import IDENTIFIER_SQL, SQL, to_server
from .session import NoAnswer, Refused, state_of
from .state import OnDisk, Peer, Server, Snapshot, View
from .storage import Space, Waiting, follow_flush, low_space, read_space, stalled
from .verdict import problems


class Asks(Protocol):
    """What the collector needs of a session."""

    @property
    def set_aside(self) -> int: ...
    def ask(self, sql: str, limit: float) -> tuple[float, Any]: ...


class Looks(Protocol):
    """What the collector needs of the postmaster check."""

    def look(self, limit: float) -> str: ...


class Collector:
    """Keeps the snapshot up to date. ``refresh()`` is one round; ``run()`` goes on until told to stop."""

    def __init__(
        self,
        config: Config,
        session: Asks,
        postmaster: Looks,
        peers: Callable[[], tuple[Peer, ...]],
        clock: Callable[[], float],
        *,
        space: Callable[[str], Space] = read_space,
        fence: Callable[[str, int | None], bool | None] = read_fence,
        on_disk: Callable[[], OnDisk] = OnDisk,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._on_disk = on_disk
        self._config, self._session, self._postmaster = config, session, postmaster
        self._peers, self._clock, self._space, self._fence, self._report = peers, clock, space, fence, report
        self._waiting: Waiting | None = None
        self._identity: tuple[float, str] = (0.0, "")  # (start of the server, its system identifier)
        self._was_low = False
        self._data_directory = config.data_directory
        self._end: tuple[int, int | None] = (0, None)  # (timeline, newest WAL position known on it)
        self._beat_at = clock()
        self._snapshot = Snapshot(asked_at=clock(), state="unknown", reason="the probe has just started")
        self._unreadable: set[str] = set()
        self._problems: set[str] = set()  # the ones already reported
        self._wake = threading.Event()

    def view(self) -> View:
        """Everything known at this moment. Safe from any thread, never waits."""
        # The clock is read last: what is newer than the reading could otherwise look older than it is.
        snapshot, peers, beat_at = self._snapshot, self._peers(), self._beat_at
        on_disk = self._on_disk()
        return View(now=self._clock(), snapshot=snapshot, peers=peers, beat_at=beat_at, on_disk=on_disk)

    def wake(self) -> None:
        """Refresh now instead of at the end of the interval. Safe from any thread and from a signal handler."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Refresh at the configured interval, and at once when woken, until ``stop`` is set."""
        while not stop.is_set():
            began = self._clock()
            try:
                self.refresh()
            except Exception as error:  # an unforeseen failure must show as "not known", and the loop must go on
                self._publish(
                    Snapshot(asked_at=began, state="unknown", reason=f"probe failure: {type(error).__name__}: {error}")
                )
            self._beat_at = self._clock()
            self._wake.wait(max(0.01, self._config.refresh_interval - (self._clock() - began)))
            self._wake.clear()

    def refresh(self) -> None:
        """One round."""
        began = self._clock()
        server, snapshot = self._ask(began)
        trouble = self._postmaster.look(self._config.query_timeout)
        if trouble and snapshot.state in ("running", "hung"):
            reason = f"the postmaster does not respond: {trouble}"
            snapshot = replace(snapshot, state="hung", reason=reason, server=None)
        fenced = self._fence(self._config.fence_marker, server.server_version if server else None)
        free, low = self._look_at_disk(server)
        self._publish(
            replace(
                snapshot,
                fenced=fenced,
                free_bytes=free,
                disk_low=low,
                wal_stalled=self._look_at_wal(server),
                known_end=self._look_for_end(server),
                abandoned_sessions=self._session.set_aside,
            )
        )

    def _ask(self, began: float) -> tuple[Server | None, Snapshot]:
        try:
            asked_at, row = self._session.ask(SQL, self._config.query_timeout)
            server = to_server(row[0], self._identifier_of(row[0]["started_at"]))
        except NoAnswer as error:
            return None, Snapshot(asked_at=began, state="hung", reason=str(error))
        except Refused as error:
            return None, Snapshot(asked_at=began, state=state_of(str(error)), reason=str(error))
        return server, Snapshot(asked_at=asked_at, state="running", server=server)

    def _identifier_of(self, started_at: float) -> str:
        """The system identifier of the server that was started then: it cannot change while the server runs."""
        if self._identity[0] != started_at:
            _asked_at, row = self._session.ask(IDENTIFIER_SQL, self._config.query_timeout)
            self._identity = (started_at, str(row[0]))
        return self._identity[1]

    def _look_at_disk(self, server: Server | None) -> tuple[int | None, str]:
        if server is not None and not self._config.data_directory:
            self._data_directory = server.data_directory
        free, reasons = None, []
        for path in (self._data_directory, self._config.wal_directory):
            if not path:
                continue
            try:
                space = self._space(path)
            except OSError as error:
                # Not knowing is no reason to take the primary away; the metric for free bytes is absent then.
                if path not in self._unreadable:
                    self._unreadable.add(path)
                    self._report(f"cannot read the free space of {path}: {error.strerror}")
                continue
            self._unreadable.discard(path)
            free = space.free_bytes if free is None else min(free, space.free_bytes)
            reasons.append(low_space(space, self._config.minimum_free_bytes, was_low=self._was_low))
        low = "; ".join(reason for reason in reasons if reason)
        self._was_low = bool(low)
        return free, low

    def _look_at_wal(self, server: Server | None) -> str:
        now = self._clock()
        self._waiting = None if server is None else follow_flush(self._waiting, server, now)
        return stalled(self._waiting, now, self._config.wal_stall_timeout)

    def _look_for_end(self, server: Server | None) -> int | None:
        if server is None or server.role != "replica":
            self._end = (0, None)
            return None
        now = self._clock()
        timeline, remembered = self._end
        fresh = [peer for peer in self._peers() if peer.fresh(now, self._config.peer_max_age)]
        end = known_end(server, fresh, remembered if timeline == server.timeline else None)
        self._end = (server.timeline, end)
        return end

    def _publish(self, snapshot: Snapshot) -> None:
        before, self._snapshot = self._snapshot, snapshot
        role = snapshot.server.role if snapshot.server else ""
        if (before.state, before.server.role if before.server else "") != (snapshot.state, role):
            self._report(f"postgres is {snapshot.state} {role or snapshot.reason}".rstrip())
        # Not the two that the line above already tells.
        found = problems(self.view(), self._config)
        now = {name: reason for name, reason in found.items() if name not in ("stale", "not_running")}
        for reason in (now[name] for name in now if name not in self._problems):
            self._report(reason)
        for name in self._problems - set(now):
            self._report(f"over: {name}")
        self._problems = set(now)
