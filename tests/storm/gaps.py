# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When writes flowed and when they did not. Pure: moments in, figures out; all in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BUCKET_S = 0.1


@dataclass(frozen=True)
class Gap:
    """The time from one acknowledged commit to the next."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


def longest_gap(acks: Sequence[float]) -> Gap | None:
    """The longest stretch between two neighbours of ``acks`` (ascending); the first of equals. None below two
    moments."""
    gaps = (Gap(before, after) for before, after in pairwise(acks))
    return max(gaps, key=lambda gap: gap.seconds, default=None)


def rate(acks: Sequence[float], begin: float, end: float) -> float | None:
    """Acknowledged commits per second in ``[begin, end)``; None when that is no time at all."""
    if end <= begin:
        return None
    return sum(1 for moment in acks if begin <= moment < end) / (end - begin)


def histogram(acks: Sequence[float], end: float) -> list[int]:
    """How many of ``acks`` fall into each tenth of a second from 0 up to ``end``; a moment on an edge opens the
    next."""
    last = max(end, acks[-1] if acks else 0.0)
    counts = [0] * (_bucket(last) + 1)
    for moment in acks:
        counts[_bucket(moment)] += 1
    return counts


def _bucket(moment: float) -> int:
    # The journal has microseconds; rounding first keeps 0.3 out of the bucket that ends at 0.30000000000000004.
    return int(round(moment * 1_000_000) // round(BUCKET_S * 1_000_000))
