# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer: an ordinary client that places orders one after the other and reconnects when something fails."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable

from .config import StormConfig
from .journal import Journal
from .model import STOPPED, Database, DatabaseError, Order, Session
from .stats import Stats


class Budget:
    """How many orders all writers together may still begin; ``limit`` 0 = any number."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._unlimited = limit == 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            if self._unlimited:
                return True
            self._left -= 1
            return self._left >= 0


class Writer:
    """Runs in a thread of its own until ``stopping`` is set or the budget is used up.

    ``elapsed`` tells the seconds since the run began. Raises nothing but :class:`JournalError`: every other error is an
    observation and goes to the journal.
    """

    def __init__(
        self,
        number: int,
        config: StormConfig,
        database: Database,
        journal: Journal,
        stats: Stats,
        budget: Budget,
        stopping: threading.Event,
        elapsed: Callable[[], float],
    ) -> None:
        self._number, self._config, self._database, self._journal = number, config, database, journal
        self._stats, self._budget, self._stopping, self._elapsed = stats, budget, stopping, elapsed
        self._random = random.Random(number)
        self._sequence = 0
        self._again: Order | None = None

    def run(self) -> None:
        session: Session | None = None
        try:
            while not self._stopping.is_set():
                if session is None:
                    session = self._connect()
                    continue
                order = self._next_order()
                if order is None:
                    return
                if self._place(session, order):
                    self._stopping.wait(self._config.think_time)
                else:
                    session.close()
                    session = None
                    self._back_off()
        finally:
            if session is not None:
                session.close()

    def _next_order(self) -> Order | None:
        if self._again is not None:
            return self._again
        if not self._budget.take():
            return None
        self._sequence += 1
        return Order(str(uuid.uuid4()), self._number, self._sequence)

    def _connect(self) -> Session | None:
        try:
            return self._database.connect()
        except Exception as error:
            self._record(error, "connect", None)
            self._back_off()
            return None

    def _place(self, session: Session, order: Order) -> bool:
        """Try ``order`` once; True when it was acknowledged."""
        self._again = None
        self._journal.intent(order, self._elapsed())
        phase = "begin"
        try:
            session.begin()
            phase = "insert"
            server = session.insert(order)
            phase = "commit"
            session.commit()
            moment = self._elapsed()  # before anything else: journal and counters must not delay the measured moment
        except Exception as error:
            self._record(error, phase, order)
            if self._config.retry and phase != "commit":
                self._again = order
            return False
        self._journal.acknowledged(order, moment, server)
        self._stats.acknowledged(moment)
        return True

    def _record(self, error: Exception, phase: str, order: Order | None) -> None:
        error_class = error.error_class if isinstance(error, DatabaseError) else type(error).__name__
        if error_class != STOPPED:
            self._stats.error(error_class)
        elif order is None:
            return  # told to stop while connecting: nothing happened
        self._journal.error(
            m=self._elapsed(),
            writer=self._number,
            phase=phase,
            error_class=error_class,
            message=str(error),
            order=order,
            in_doubt=phase == "commit",
        )

    def _back_off(self) -> None:
        self._stopping.wait(self._random.uniform(*self._config.backoff))
