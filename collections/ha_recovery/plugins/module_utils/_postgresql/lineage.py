# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines: where the histories of two servers part.

Pure. Source: PostgreSQL manual, "Timelines"; a history file has one line for each timeline that was left, with the
position at which it was left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn

_LINE = re.compile(r"^\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)", re.MULTILINE)
Left = tuple[int, str]


@dataclass(frozen=True)
class Parting:
    """The last timeline that both have in common, and where they part on it: None when neither has left it."""

    timeline: int
    lsn: str | None


def parse_history(text: str) -> tuple[Left, ...]:
    """Timelines that were left, oldest first, with the position of each."""
    return tuple((int(timeline), lsn) for timeline, lsn in _LINE.findall(text))


def parting(one: Iterable[Left], one_now: int, other: Iterable[Left], other_now: int) -> Parting | None:
    """Where two servers part; ``*_now`` is the timeline that each is on. None: they have nothing in common."""
    mine: list[tuple[int, str | None]] = [*((int(tli), lsn) for tli, lsn in one), (one_now, None)]
    yours: list[tuple[int, str | None]] = [*((int(tli), lsn) for tli, lsn in other), (other_now, None)]
    found: Parting | None = None
    begin: tuple[str | None, str | None] = ("0/0", "0/0")
    for (my_tli, my_end), (your_tli, your_end) in zip(mine, yours):
        if my_tli != your_tli or begin[0] != begin[1]:
            break
        ends = [end for end in (my_end, your_end) if end is not None]
        found = Parting(my_tli, min(ends, key=parse_lsn) if ends else None)
        begin = (my_end, your_end)
    return found
