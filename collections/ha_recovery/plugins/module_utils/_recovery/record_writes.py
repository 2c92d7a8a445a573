# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients saw while a runbook ran: acknowledged writes per tenth of a second, read from a load's journal. Pure.

The journal is text, one JSON object a line, in the order of time; ``m`` is seconds since the load began::

    {"e":"run","wall":1767225600.123, ...}    first line; wall = epoch seconds at m = 0
    {"e":"ack","m":0.015, ...}                a write was acknowledged

Other lines, and a torn last one, are passed over. `docs/storm.md` describes a load that writes such a journal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

BUCKET_S = 0.1
LEAD_S = 2.0


def read_acks(lines: Iterable[str]) -> list[float]:
    """Epoch seconds of every acknowledgement. Raises ValueError when the text is no journal."""
    wall: float | None = None
    found: list[float] = []
    for line in lines:
        if wall is not None and '"ack"' not in line:
            continue
        try:
            event = json.loads(line)
            if wall is None:
                wall = float(event["wall"])
            elif event["e"] == "ack":
                found.append(wall + float(event["m"]))
        except (ValueError, KeyError, TypeError):
            if wall is None:
                break
    if wall is None:
        raise ValueError('is no journal: its first line is not {"e": "run", "wall": ...}')
    return found


def _gap(acks: list[float], began: float, ended: float) -> tuple[float, float, bool] | None:
    """The longest stretch without an acknowledgement that touches the run: (from, to, whether writes came back)."""
    stretches = [(one, other, True) for one, other in zip(acks, acks[1:]) if other >= began and one <= ended]
    if acks and acks[-1] < ended:
        stretches.append((acks[-1], ended, False))
    return max(stretches, key=lambda stretch: stretch[1] - stretch[0], default=None)


def writes_of(lines: Iterable[str], *, source: str, began: float, ended: float) -> dict[str, Any]:
    """C(writes) of a record: buckets around the run and the longest gap in it. ``began``, ``ended``: epoch seconds.

    Offsets are seconds from ``began``. A gap that had begun long before the run is not drawn to its beginning.
    """
    acks = read_acks(lines)
    gap = _gap(acks, began, ended)
    farthest = began - max(10.0, ended - began)
    first = max(min(began, gap[0] if gap else began) - LEAD_S, farthest)
    last = max(ended, gap[1] if gap else ended) + LEAD_S
    if acks:
        first, last = max(first, min(acks[0], began)), min(last, max(acks[-1], ended))
    counts = [0] * max(1, int((last - first) / BUCKET_S) + 1)
    for ack in acks:
        if first <= ack <= last:
            counts[int((ack - first) / BUCKET_S)] += 1
    return {
        "source": source,
        "bucket_s": BUCKET_S,
        "started_s": round(first - began, 3),
        "acknowledged": counts,
        "gap": None
        if gap is None
        else {
            "started_s": round(gap[0] - began, 3),
            "ended_s": round(gap[1] - began, 3) if gap[2] else None,
            "seconds": round(gap[1] - gap[0], 3),
        },
    }
