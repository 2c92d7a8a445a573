# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storm: N writers, their journal, and the thread that ends them."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from .audit import AuditResult
from .clock import Clock, SystemClock
from .config import StormConfig
from .history import read_journal
from .journal import Journal, JournalError
from .model import Database, StormError
from .report import audit_history, build_report
from .stats import Snapshot, Stats
from .writer import Budget, Writer

JOURNALS = Path("artifacts/storm")
_TICK_S = 0.05


class Storm:
    """A storm of orders against ``database``, bounded by ``config.duration`` even if nobody calls :meth:`stop`.

    Use it as ``storm = Storm(config, database, run=run)``, ``start()``, then from any thread ``snapshot()``,
    ``stop()`` or ``wait()``, then ``audit()`` and ``report(audit)``; or in a ``with`` statement, which starts and
    stops it. For Postgres :func:`postgres_storm` makes the database. All methods raise :class:`StormError` only.
    """

    def __init__(
        self, config: StormConfig, database: Database, *, run: str | None = None, clock: Clock | None = None
    ) -> None:
        self.config = config
        self.run = run or str(uuid.uuid4())
        self.failure: StormError | None = None
        """Why the storm ended early, if it did: then no verdict of it can be believed."""
        self._database = database
        self._clock = clock or SystemClock()
        self._origin = 0.0
        self._stats = Stats()
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._reason = "stop"
        self._stopped: float | None = None
        self._journal: Journal | None = None
        self._threads: list[threading.Thread] = []

    @property
    def journal(self) -> Path:
        """Where the journal is. Raises :class:`StormError` before :meth:`start`."""
        return self._opened().path

    @property
    def target(self) -> str:
        """What it blows at, without secrets."""
        return self._database.target

    def start(self) -> None:
        """Create the table and the journal, then let the writers loose; returns at once. A storm starts only once."""
        if self._journal is not None:
            raise StormError("this storm was started before; make a new one")
        if self.config.stop_file is not None and self.config.stop_file.exists():
            raise StormError(f"stop file {self.config.stop_file} exists already; remove it, then start the storm again")
        self._database.prepare(self.config.prepare_timeout)
        self._journal = _open_journal(self.config)
        self._origin = self._clock.monotonic()
        self._journal.begin(
            run=self.run,
            table=self.config.table,
            target=self._database.target,
            writers=self.config.writers,
            think_time=self.config.think_time,
            wall=self._clock.wall(),
        )
        budget = Budget(self.config.orders)
        for number in range(self.config.writers):
            writer = Writer(
                number, self.config, self._database, self._journal, self._stats, budget, self._stopping, self._elapsed
            )
            self._threads.append(
                threading.Thread(target=self._guard, args=(writer,), name=f"storm-writer-{number}", daemon=True)
            )
        for thread in self._threads:
            thread.start()
        threading.Thread(target=self._supervise, name="storm-supervisor", daemon=True).start()

    def stop(self, reason: str = "stop") -> None:
        """Tell the writers to finish what they are at, and wait until they have. Orders still without an answer after
        ``config.stop_grace`` are given up and left in doubt. May be called again."""
        self.request_stop(reason)
        self._opened()
        self._done.wait()

    def request_stop(self, reason: str = "stop") -> None:
        """Like :meth:`stop`, but return at once; safe in a signal handler."""
        if not self._stopping.is_set():
            self._reason = reason
            self._stopping.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the storm to end by itself, at most ``timeout`` seconds; True when it has."""
        self._opened()
        return self._done.wait(timeout)

    def snapshot(self) -> Snapshot:
        """What has happened so far; cheap, may be called often."""
        journal = self._opened()
        moment = self._elapsed() if self._stopped is None else self._stopped
        return self._stats.snapshot(moment, running=not self._done.is_set(), durable=journal.durable)

    def audit(self, timeout: float = 30.0) -> AuditResult:
        """Compare the journal with what a writable primary holds now, trying for ``timeout`` seconds to reach one."""
        journal = self._opened()
        journal.flush()
        history = read_journal(journal.path)  # first the journal, then the rows: see audit_orders
        return audit_history(history, self._database.stored(self.run, timeout))

    def report(self, audit: AuditResult | None = None) -> dict[str, Any]:
        """The report, in the shape that ``report.py`` documents."""
        journal = self._opened()
        journal.flush()
        return build_report(read_journal(journal.path), audit, journal.path)

    def remove_rows(self) -> None:
        """Delete this run's rows, and the table once it is empty."""
        self._database.remove(self.run)

    def __enter__(self) -> Storm:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _opened(self) -> Journal:
        if self._journal is None:
            raise StormError("the storm has not been started")
        return self._journal

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._origin

    def _guard(self, writer: Writer) -> None:
        try:
            writer.run()
        except Exception as error:
            # A journal that cannot be written, or a fault of ours: going on would make figures nobody should believe.
            failure = error if isinstance(error, StormError) else StormError(f"a writer failed: {error!r}")
            self.failure = self.failure or failure
            self.request_stop("journal failed" if isinstance(error, JournalError) else "writer failed")

    def _supervise(self) -> None:
        journal = self._opened()
        try:
            self._until_stopped(journal)
        except Exception as error:
            self.failure = StormError(f"the supervisor failed: {error!r}")
            self.request_stop("supervisor failed")
        self._stopped = self._elapsed()
        self._join(self.config.stop_grace)
        self._database.abort()
        self._join(10.0)
        try:
            journal.end(m=self._elapsed(), stopped=self._stopped, reason=self._reason)
        except JournalError as error:
            self.failure = self.failure or error
        journal.close()
        self.failure = self.failure or journal.failure
        self._done.set()

    def _until_stopped(self, journal: Journal) -> None:
        while not self._stopping.wait(_TICK_S):
            if self._elapsed() >= self.config.duration:
                self.request_stop("duration")
            elif self.config.stop_file is not None and self.config.stop_file.exists():
                self.request_stop("stop-file")
            elif not any(thread.is_alive() for thread in self._threads):
                self.request_stop("orders")
            elif journal.failure is not None:
                self.failure = journal.failure
                self.request_stop("journal failed")

    def _join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))


def _open_journal(config: StormConfig) -> Journal:
    if config.journal is not None:
        return Journal(config.journal, config.flush_interval)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    return Journal(JOURNALS / f"{stamp}.jsonl", config.flush_interval)
