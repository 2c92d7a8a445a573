# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What WAL lies in a repository's archive, and how far it goes without a gap. Pure.

Source: pgBackRest's layout of the archive, ``<id>/<first 16 digits>/<segment>-<checksum>.<type>`` and
``<id>/<timeline>.history``; PostgreSQL manual, "Timelines". The segment in which a timeline was left is read from the
timeline that came after it, which has a copy of what is before the branch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import Left
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn, segment_number

_SEGMENT = re.compile(r"(?:.*/)?([0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?")
_HISTORY = re.compile(r"(?:.*/)?([0-9A-F]{8})\.history")


@dataclass(frozen=True)
class Run:
    """Segments of one timeline, one after another: numbers of the first and last, and when the last was archived."""

    timeline: int
    first: int
    last: int
    last_at: int


@dataclass(frozen=True)
class Line:
    """One timeline of a lineage: first segment of it that counts, and the last one unless it goes on."""

    timeline: int
    first: int
    last: int | None


@dataclass(frozen=True)
class Covered:
    """How far WAL goes from a segment on. ``gap``: there is more behind a gap; -1 and 0 when there is none at all."""

    last: int
    last_at: int
    gap: bool


def runs_of(listing: Mapping[str, Any], size: int) -> list[Run]:
    """Runs of segments out of ``repo-ls --output=json --recurse`` of one archive id. ``size``: bytes of a segment."""
    found: dict[int, dict[int, int]] = {}
    for path, about in listing.items():
        match = _SEGMENT.fullmatch(path)
        if match and about.get("type") == "file":
            name = match.group(1)
            found.setdefault(int(name[:8], 16), {})[segment_number(name, size)] = int(about.get("time") or 0)
    runs: list[Run] = []
    for timeline, times in sorted(found.items()):
        for number in sorted(times):
            if runs and runs[-1].timeline == timeline and runs[-1].last == number - 1:
                first, at = runs[-1].first, max(runs[-1].last_at, times[number])
                runs[-1] = Run(timeline, first, number, at)
            else:
                runs.append(Run(timeline, number, number, times[number]))
    return runs


def histories_in(listing: Mapping[str, Any]) -> list[int]:
    """Timelines of which there is a history file."""
    found = [match for path in listing if (match := _HISTORY.fullmatch(path))]
    return sorted(int(match.group(1), 16) for match in found)


def archive_dict(runs: Sequence[Run]) -> list[dict[str, int]]:
    """Plain data."""
    return [asdict(one) for one in runs]


def runs_from(raw: Sequence[Mapping[str, Any]]) -> tuple[Run, ...]:
    """Read what :func:`archive_dict` made."""
    return tuple(Run(*(int(one[key]) for key in ("timeline", "first", "last", "last_at"))) for one in raw)


def lineage_of(timeline: int, left: Sequence[Left], size: int) -> tuple[Line, ...]:
    """The timelines that led to this one, oldest first, in segments."""
    lines = []
    begin = 0
    for number, lsn in left:
        end = parse_lsn(lsn) // size
        lines.append(Line(number, begin, end))
        begin = end
    return (*lines, Line(timeline, begin, None))


def covered(start: int, lines: Sequence[Line], runs: Sequence[Run]) -> Covered:
    """How far WAL goes from segment ``start`` on, along a lineage."""
    usable = []
    for line in lines:
        for run in runs:
            last = run.last if line.last is None else min(run.last, line.last)
            if run.timeline == line.timeline and last >= line.first:
                usable.append(Run(run.timeline, max(run.first, line.first), last, run.last_at))
    position, at = start, 0
    while True:
        further = [run for run in usable if run.first <= position <= run.last]
        if not further:
            break
        best = max(further, key=lambda run: (run.last, run.timeline))
        position, at = best.last + 1, best.last_at
    behind = any(run.last >= position for run in usable)
    return Covered(position - 1 if position > start else -1, at, behind)
