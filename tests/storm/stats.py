# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live counters, for people who watch. The report does not use them: it is made from the journal."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass

_WINDOW_S = 1.0


@dataclass(frozen=True)
class Snapshot:
    """The storm at one moment. Times are seconds.

    acknowledged: commits answered so far. durable: those whose acknowledgement an fsync of the journal covers. rate:
    acknowledged per second over the last second. errors: client errors so far, by class. gap: since the last
    acknowledged commit, or since the start while there is none. longest_gap: longest so far between two acknowledged
    commits, the current gap included.
    """

    running: bool
    elapsed: float
    acknowledged: int
    durable: int
    rate: float
    errors: dict[str, int]
    gap: float
    longest_gap: float

    @property
    def client_errors(self) -> int:
        return sum(self.errors.values())

    def as_dict(self) -> dict[str, object]:
        return {
            "running": self.running,
            "elapsed_s": round(self.elapsed, 3),
            "acknowledged": self.acknowledged,
            "durable": self.durable,
            "rate": round(self.rate, 1),
            "client_errors": self.client_errors,
            "errors": self.errors,
            "gap_s": round(self.gap, 3),
            "longest_gap_s": round(self.longest_gap, 3),
        }


class Stats:
    """Counters shared by the writers. Moments are seconds since the run began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acknowledged = 0
        self._last: float | None = None
        self._longest = 0.0
        self._recent: deque[float] = deque()
        self._errors: Counter[str] = Counter()

    def acknowledged(self, m: float) -> None:
        with self._lock:
            self._acknowledged += 1
            if self._last is not None:
                self._longest = max(self._longest, m - self._last)
            self._last = m if self._last is None else max(self._last, m)
            self._recent.append(m)
            self._forget(m)

    def error(self, error_class: str) -> None:
        with self._lock:
            self._errors[error_class] += 1

    def snapshot(self, m: float, *, running: bool, durable: int) -> Snapshot:
        with self._lock:
            self._forget(m)
            gap = max(0.0, m - (self._last or 0.0))
            longest = self._longest if self._last is None else max(self._longest, gap)
            window = min(_WINDOW_S, m)
            rate = len(self._recent) / window if window > 0 else 0.0
            errors = dict(sorted(self._errors.items()))
            return Snapshot(running, m, self._acknowledged, durable, rate, errors, gap, longest)

    def _forget(self, m: float) -> None:
        while self._recent and self._recent[0] < m - _WINDOW_S:
            self._recent.popleft()
