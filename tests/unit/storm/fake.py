# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database in memory that lies in known ways, and a clock that only moves when told to."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from tests.storm.model import READ_ONLY, STOPPED, DatabaseError, Order, StormError

START = 1767225600.0  # 2026-01-01T00:00:00Z


def until(condition: Callable[[], bool]) -> None:
    """Wait for ``condition``; the limit only keeps a broken test from waiting for ever."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "what the test waits for never came"
        time.sleep(0.002)


class ManualClock:
    def __init__(self) -> None:
        self._now = 1000.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> float:
        return START

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


class FakeDatabase:
    """Every ``step`` seconds of ``clock`` one commit; the n-th one misbehaves where ``n % k == 0`` for

    lose_every: acknowledged, then dropped. duplicate_every: stored twice. doubt_every: the connection breaks at COMMIT,
    after the commit and without it in turns. read_only_every: INSERT is refused with 25006. bug_every: BEGIN raises
    something that is no database error. freezes: {n: seconds without an answer}. refused_connects: so many connects
    fail first. hang_from: from the n-th commit on, none is answered until the storm gives up. close_fails: closing a
    session raises.
    What it did is kept in the sets below, for tests to compare with what the storm says.
    """

    def __init__(
        self,
        clock: ManualClock | None = None,
        *,
        step: float = 0.0,
        lose_every: int = 0,
        duplicate_every: int = 0,
        doubt_every: int = 0,
        read_only_every: int = 0,
        bug_every: int = 0,
        freezes: Mapping[int, float] | None = None,
        refused_connects: int = 0,
        hang_from: int = 0,
        close_fails: bool = False,
        on_begin: Callable[[], None] | None = None,
    ) -> None:
        self.clock, self.step = clock or ManualClock(), step
        self.every = {
            "lose": lose_every,
            "duplicate": duplicate_every,
            "doubt": doubt_every,
            "read_only": read_only_every,
            "bug": bug_every,
        }
        self.freezes, self.refused_connects, self.hang_from = dict(freezes or {}), refused_connects, hang_from
        self.on_begin, self.close_fails = on_begin, close_fails
        self.lock = threading.RLock()
        self.aborted = threading.Event()
        self.rows: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.tried: list[Order] = []
        self.acknowledged: set[str] = set()
        self.lost: set[str] = set()
        self.duplicated: set[str] = set()
        self.doubt_committed: set[str] = set()
        self.doubt_absent: set[str] = set()
        self.refused: set[str] = set()
        self.unreachable = False

    target = "memory"
    server = "192.0.2.21"

    def prepare(self, timeout: float) -> None:
        if self.unreachable:
            raise StormError("memory is unreachable")

    def connect(self) -> FakeSession:
        with self.lock:
            if self.refused_connects > 0:
                self.refused_connects -= 1
                raise DatabaseError("ConnectionFailed", "connection refused")
        return FakeSession(self)

    def stored(self, run: str, timeout: float) -> Mapping[str, int]:
        if self.unreachable:
            raise StormError("memory is unreachable")
        return {order: rows for order, rows in self.rows.items() if rows > 0}

    def remove(self, run: str) -> None:
        self.rows.clear()

    def abort(self) -> None:
        self.aborted.set()

    def due(self, what: str) -> bool:
        """Count one more ``what``; True when it is the turn of this one to misbehave."""
        self.counts[what] += 1
        return self.every[what] > 0 and self.counts[what] % self.every[what] == 0


class FakeSession:
    def __init__(self, database: FakeDatabase) -> None:
        self._db = database
        self._order: Order | None = None

    def begin(self) -> None:
        if self._db.on_begin is not None:
            self._db.on_begin()
        with self._db.lock:
            if self._db.due("bug"):
                raise RuntimeError("a fault in the driver")

    def insert(self, order: Order) -> str:
        with self._db.lock:
            self._db.tried.append(order)
            self._order = order
            if self._db.due("read_only"):
                self._db.refused.add(order.id)
                raise DatabaseError(READ_ONLY, "cannot execute INSERT in a read-only transaction")
        return self._db.server

    def commit(self) -> None:
        db, order = self._db, self._order
        assert order is not None
        with db.lock:
            db.counts["commit"] += 1
            number = db.counts["commit"]
            hangs = 0 < db.hang_from <= number
        if hangs:
            db.aborted.wait()
            raise DatabaseError(STOPPED, "the storm was stopped while it waited for the server")
        with db.lock:
            db.clock.advance(db.step + db.freezes.get(number, 0.0))
            if db.due("doubt"):
                committed = (db.counts["doubt"] // db.every["doubt"]) % 2 == 1
                (db.doubt_committed if committed else db.doubt_absent).add(order.id)
                db.rows[order.id] += committed
                raise DatabaseError("ConnectionLost", "server closed the connection unexpectedly")
            db.acknowledged.add(order.id)
            if db.due("lose"):
                db.lost.add(order.id)
                return
            db.rows[order.id] += 1
            if db.due("duplicate"):
                db.duplicated.add(order.id)
                db.rows[order.id] += 1

    def close(self) -> None:
        if self._db.close_fails:
            raise RuntimeError("close")
