# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storm's journal: what was about to be sent and what was acknowledged, one JSON object per line, only ever
appended.

Shape (``m`` = seconds since the run began, monotonic clock)::

    first line; wall = epoch seconds at m = 0
    {"e":"run","version":1,"run":uuid,"table":"storm_orders","target":"host=… dbname=…","writers":8,"think_time":0.005,
     "wall":1767225600.123}
    before BEGIN is sent
    {"e":"intent","m":0.012,"id":uuid,"w":3,"s":17}
    after COMMIT was acknowledged, m = that moment; by = address of the server, left out when it is not known
    {"e":"ack","m":0.015,"id":uuid,"by":"192.0.2.21"}
    id and in_doubt unless phase is connect
    {"e":"error","m":1.2,"w":3,"phase":"connect"|"begin"|"insert"|"commit","class":"25006","message":"…"
     [,"id":uuid,"in_doubt":bool]}
    last line; stopped = when the writers were told to
    {"e":"end","m":60.1,"stopped":60.0,"reason":"duration"}

What "durable" means here. Each line is handed to the kernel (write(2)) before the storm goes on, so if the storm
itself is killed nothing it wrote is lost: every intent whose order was sent, and every acknowledgement it had noted,
is in the file. One thread fsyncs the file at least every 50 ms, so if the whole machine dies at most the last 50 ms
are missing; the missing acknowledgements then read as in doubt. Whatever dies, the journal can understate what was
acknowledged, never overstate it, so an audit can never blame the database for a loss that did not happen.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from .model import Order, StormError

VERSION = 1


class JournalError(StormError):
    """The journal could not be written or cannot be read."""


class Journal:
    """Append-only journal of one run. Safe to use from many threads; fails for good at the first failed write."""

    def __init__(self, path: Path, flush_interval: float = 0.040) -> None:
        """Create ``path`` (which must not exist: one file per run) and start the thread that fsyncs it."""
        self.path = path
        self.failure: JournalError | None = None
        self._interval = flush_interval
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._closing = threading.Event()
        self._acknowledged = 0
        self._durable = 0
        self._dirty = False
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise JournalError(f"journal {path} exists already; each run needs its own, name another file") from None
        except OSError as error:
            raise JournalError(f"journal {path} cannot be created: {error.strerror}") from error
        _sync_directory(path.parent)
        self._flusher = threading.Thread(target=self._flush_regularly, name="storm-journal", daemon=True)
        self._flusher.start()

    @property
    def durable(self) -> int:
        """How many acknowledgements an fsync has covered so far."""
        return self._durable

    def begin(self, *, run: str, table: str, target: str, writers: int, think_time: float, wall: float) -> None:
        record = {"e": "run", "version": VERSION, "run": run, "table": table, "target": target, "writers": writers}
        self._append(json.dumps({**record, "think_time": think_time, "wall": wall}, separators=(",", ":")))
        self.flush()

    def intent(self, order: Order, m: float) -> None:
        self._append(f'{{"e":"intent","m":{m:.6f},"id":"{order.id}","w":{order.writer},"s":{order.sequence}}}')

    def acknowledged(self, order: Order, m: float, server: str = "") -> None:
        by = f',"by":"{server}"' if server else ""
        self._append(f'{{"e":"ack","m":{m:.6f},"id":"{order.id}"{by}}}', acknowledgement=True)

    def error(
        self, *, m: float, writer: int, phase: str, error_class: str, message: str, order: Order | None, in_doubt: bool
    ) -> None:
        record: dict[str, object] = {"e": "error", "m": round(m, 6), "w": writer, "phase": phase, "class": error_class}
        record["message"] = message[:300]
        if order is not None:
            record.update(id=order.id, in_doubt=in_doubt)
        self._append(json.dumps(record, separators=(",", ":")))

    def end(self, *, m: float, stopped: float, reason: str) -> None:
        record = {"e": "end", "m": round(m, 6), "stopped": round(stopped, 6), "reason": reason}
        self._append(json.dumps(record, separators=(",", ":")))

    def flush(self) -> None:
        """Force what was appended so far to disk."""
        with self._flushing:
            with self._lock:
                if self._closed or not self._dirty:
                    return
                covered, self._dirty = self._acknowledged, False
            try:
                os.fdatasync(self._fd)
            except OSError as error:
                # A failed fsync may have dropped the pages: there is no second try that could be believed.
                with self._lock:
                    self.failure = JournalError(f"journal {self.path} cannot be made durable: {error.strerror}")
            else:
                self._durable = covered

    def close(self) -> None:
        self._closing.set()
        self._flusher.join()
        self.flush()
        with self._lock:
            self._closed = True
            os.close(self._fd)

    def _append(self, line: str, acknowledgement: bool = False) -> None:
        data = line.encode() + b"\n"
        with self._lock:
            if self.failure is not None:
                raise self.failure
            if self._closed:
                raise JournalError(f"journal {self.path} is closed")
            try:
                written = os.write(self._fd, data)
                reason = "the disk took only part of a line"
            except OSError as error:
                written, reason = 0, error.strerror or str(error)
            if written != len(data):
                # Nothing may follow a torn line, or the reader could not tell it from corruption.
                self.failure = JournalError(f"journal {self.path} cannot be written: {reason}")
                raise self.failure
            self._dirty = True
            self._acknowledged += acknowledgement

    def _flush_regularly(self) -> None:
        while not self._closing.wait(self._interval):
            self.flush()


def _sync_directory(directory: Path) -> None:
    """Make the new file's name itself survive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
