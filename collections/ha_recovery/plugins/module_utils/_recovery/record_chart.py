# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a run as inline SVG: steps as bars on a time axis, acknowledged writes above them. Pure.

Classes carry the colours (`record_html`), so that the picture is readable on light and on dark ground.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH = 1000
LABELS = 310
RIGHT = 20
ROW = 22
WRITES = 110
AXIS = 24
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Scale:
    """Seconds since the record's start to a horizontal place."""

    first: float
    last: float

    def x(self, seconds: float) -> float:
        """Where that second is; outside of the picture it is the edge."""
        inside = min(max(seconds, self.first), self.last)
        return round(LABELS + (inside - self.first) / (self.last - self.first) * (WIDTH - LABELS - RIGHT), 1)

    def ticks(self) -> list[float]:
        """Round seconds, ten of them at most."""
        every = next((one for one in TICKS if (self.last - self.first) / one <= 10), TICKS[-1])
        number = int(self.first // every) if self.first % every == 0 else int(self.first // every) + 1
        found = []
        while number * every <= self.last:
            found.append(round(number * every, 3))
            number += 1
        return found


def scale_of(record: Mapping[str, Any]) -> Scale:
    """Wide enough for the run, every known step and the writes."""
    firsts, lasts = [0.0], [float(record["duration_s"]), 0.1]
    for step in drawn_steps(record):
        firsts.append(step["started_s"])
        lasts.append(step["started_s"] + step["seconds"])
    writes = record["writes"]
    if writes:
        firsts.append(writes["started_s"])
        lasts.append(writes["started_s"] + writes["bucket_s"] * len(writes["acknowledged"]))
    return Scale(min(firsts), max(lasts))


def drawn_steps(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Steps of which begin and duration are known, in the order of time."""
    known = [one for one in record["steps"] if one["started_s"] is not None and one["seconds"] is not None]
    return sorted(known, key=lambda one: float(one["started_s"]))


def _rect(kind: str, x: float, y: float, width: float, height: float, title: str = "") -> str:
    body = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{max(width, 2):g}" height="{height:g}">{body}</rect>'


def _text(kind: str, x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _writes(writes: Mapping[str, Any], scale: Scale, top: float) -> list[str]:
    """Buckets as one stepped area, its scale, and the gap."""
    counts: Sequence[int] = writes["acknowledged"]
    highest = max([*counts, 1])
    foot = top + WRITES
    height: Callable[[int], float] = lambda count: round(foot - count / highest * (WRITES - 22), 1)  # noqa: E731
    at = float(writes["started_s"])
    path = [f"M{scale.x(at)} {foot}"]
    for count in counts:
        path.append(f"V{height(count)}H{scale.x(at + writes['bucket_s'])}")
        at += writes["bucket_s"]
    parts = [
        f'<path class="writes" d="{"".join(path)}V{foot}Z"/>',
        _text("label", LABELS - 10, foot - WRITES / 2, "acknowledged writes", "end"),
        _text("small", LABELS - 10, foot - WRITES / 2 + 16, f"per {writes['bucket_s'] * 1000:.0f} ms", "end"),
        _text("small", LABELS + 4, top + 12, f"{highest}"),
        f'<line class="axis" x1="{LABELS}" y1="{foot}" x2="{WIDTH - RIGHT}" y2="{foot}"/>',
    ]
    gap = writes["gap"]
    if gap:
        begin = scale.x(gap["started_s"])
        end = scale.x(scale.last if gap["ended_s"] is None else gap["ended_s"])
        words = f"no write for {gap['seconds']:.2f} s" + ("" if gap["ended_s"] is not None else ", not back yet")
        middle = min(max((begin + end) / 2, LABELS + 90), WIDTH - RIGHT - 90)
        parts += [
            _rect("gap", begin, top + 18, end - begin, WRITES - 18, words),
            _text("gapword", middle, top + 12, words, "middle"),
        ]
    return parts


def _steps(steps: Sequence[Mapping[str, Any]], scale: Scale, top: float) -> list[str]:
    parts = []
    for number, step in enumerate(steps):
        y = top + number * ROW
        begin, end = scale.x(step["started_s"]), scale.x(step["started_s"] + step["seconds"])
        took = f"{step['seconds']:.2f} s"
        where = f"{step['host']}: {step['name']}" if step["host"] else step["name"]
        parts += [
            _text("label", LABELS - 10, y + 15, where if len(where) < 42 else where[:40] + "…", "end"),
            _rect(f"bar {step['result']}", begin, y + 4, end - begin, ROW - 8, f"{where}, {took}, {step['result']}"),
            _text("inside", end - 4, y + 15, took, "end")
            if end - begin > 60
            else _text("small", begin - 5, y + 15, took, "end")
            if end > WIDTH - 70
            else _text("small", max(end, begin + 2) + 5, y + 15, took),
        ]
    return parts


def chart(record: Mapping[str, Any]) -> str:
    """The picture; empty when there is nothing to draw."""
    steps, writes = drawn_steps(record), record["writes"]
    if not steps and not writes:
        return ""
    scale = scale_of(record)
    above = WRITES + 14 if writes else 0
    foot = above + len(steps) * ROW + 4
    parts = []
    for tick in scale.ticks():
        x = scale.x(tick)
        parts += [
            f'<line class="grid" x1="{x}" y1="0" x2="{x}" y2="{foot}"/>',
            _text("small", x, foot + 16, f"{tick:g} s", "middle"),
        ]
    if writes:
        parts += _writes(writes, scale, 0)
    parts += _steps(steps, scale, above)
    return (
        f'<svg viewBox="0 0 {WIDTH} {foot + AXIS}" role="img" aria-label="Steps and acknowledged writes over time">'
        + "".join(parts)
        + "</svg>"
    )
