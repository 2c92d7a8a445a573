# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a storm can be told, and what it refuses to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .model import StormError

HARD_CAP_S = 3600.0
"""No storm runs longer than this, whatever it is told: a forgotten storm would fill a disk."""

_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?")


@dataclass(frozen=True)
class StormConfig:
    """How hard and how long to blow. Times are seconds.

    duration: ends the storm (at most one hour). orders: ends it after that many orders, 0 = no such limit. stop_file:
    ends it when this file appears. think_time: pause of a writer after each acknowledged commit. backoff: shortest and
    longest pause after an error. stop_grace: how long orders under way may still finish after a stop. flush_interval:
    pause between two fsyncs of the journal. retry: send an order again (same id) when it failed before COMMIT was
    sent; an order in doubt is never sent again, because that would make the duplicates it looks for.
    """

    writers: int = 8
    think_time: float = 0.005
    duration: float = 60.0
    orders: int = 0
    stop_file: Path | None = None
    journal: Path | None = None
    table: str = "storm_orders"
    retry: bool = False
    backoff: tuple[float, float] = (0.020, 0.050)
    prepare_timeout: float = 15.0
    stop_grace: float = 2.0
    flush_interval: float = 0.040

    def __post_init__(self) -> None:
        _require(1 <= self.writers <= 256, "writers", self.writers, "1 to 256")
        _require(0 <= self.think_time <= 60, "think_time", self.think_time, "0 to 60 s")
        _require(0 < self.duration <= HARD_CAP_S, "duration", self.duration, f"more than 0, at most {HARD_CAP_S:.0f} s")
        _require(self.orders >= 0, "orders", self.orders, "0 (no limit) or more")
        _require(0 < self.flush_interval <= 0.05, "flush_interval", self.flush_interval, "more than 0, at most 0.05 s")
        _require(
            0 <= self.backoff[0] <= self.backoff[1] <= 5, "backoff", self.backoff, "0 <= shortest <= longest <= 5 s"
        )
        _require(0 <= self.stop_grace <= 60, "stop_grace", self.stop_grace, "0 to 60 s")
        valid_table(self.table)


def valid_table(name: str) -> str:
    """``name`` if it can stand in SQL without quotes, as ``table`` or ``schema.table``; else :class:`StormError`."""
    _require(_TABLE.fullmatch(name) is not None, "table", name, "name or schema.name: lower-case letters, digits and _")
    return name


def _require(holds: bool, name: str, observed: object, allowed: str) -> None:
    if not holds:
        raise StormError(f"{name} is {observed!r}; allowed: {allowed}")
