# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants to go back to, read and judged. Pure.

Source: PostgreSQL manual, "Recovery Target". A time without its zone is refused: the server would read it in its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import format_lsn, parse_lsn

KINDS = ("time", "lsn", "xid", "name", "immediate", "latest")
BARE = ("immediate", "latest", "label")
_DAY = r"(\d{4})-(\d\d)-(\d\d)"
_HOUR = r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?"
_TIME = re.compile(rf"{_DAY}[ T]{_HOUR}\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?")
TIME_LOOKS = "a time with its zone, such as '2026-03-01 02:59:41.5+01:00' or '2026-03-01T01:59:41Z'"


class TargetRefused(Exception):
    """What was asked for is no target. ``observed``, ``expected``: for the refusal."""

    def __init__(self, observed: str, expected: str) -> None:
        super().__init__(f"observed {observed}; expected {expected}")
        self.observed, self.expected = observed, expected


@dataclass(frozen=True)
class Target:
    """``kind``: one of :data:`KINDS`, or ``label``; ``value``: as Postgres or pgBackRest reads it, times in UTC.

    ``at``: seconds since 1970 of a time; ``timeline``: None for the one that the cluster is on.
    """

    kind: str
    value: str = ""
    inclusive: bool = True
    timeline: int | None = None
    at: float | None = None

    @property
    def words(self) -> str:
        """For people."""
        if self.kind == "immediate":
            return "the end of the backup (as soon as it is consistent)"
        if self.kind == "latest":
            return "the end of the archive"
        if self.kind == "label":
            return f"the end of backup {self.value}"
        what = {"time": "time", "lsn": "WAL position", "xid": "transaction", "name": "restore point"}[self.kind]
        end = "" if self.kind == "name" else ", inclusive" if self.inclusive else ", exclusive"
        return f"{what} {self.value}{end}"

    def same(self, other: Mapping[str, Any]) -> bool:
        """Whether a note on a host speaks of the same target."""
        mine = asdict(self)
        return all(mine[key] == other.get(key) for key in ("kind", "value", "inclusive", "timeline"))


def parse_time(text: str) -> tuple[str, float]:
    """The time in UTC as Postgres reads it, and in seconds since 1970. Raises TargetRefused."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise TargetRefused(f"the time {text!r}", TIME_LOOKS)
    *numbers, zone = found.groups()
    if zone is None:
        raise TargetRefused(f"the time {text!r} without a zone", TIME_LOOKS)
    year, month, day, hour, minute, second = (int(one or 0) for one in numbers[:6])
    micros = int((numbers[6] or "0").ljust(6, "0"))
    digits = zone.replace(":", "").lstrip("+-") if zone[0] in "+-" else ""
    hours, minutes = int(digits[:2] or 0), int(digits[2:] or 0)
    if hours > 15 or minutes > 59:
        raise TargetRefused(f"the time {text!r}", TIME_LOOKS)
    away = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    try:
        moment = datetime(year, month, day, hour, minute, second, micros, tzinfo=timezone(away))
        utc = moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise TargetRefused(f"the time {text!r}", TIME_LOOKS) from None
    return f"{utc:%Y-%m-%d %H:%M:%S.%f}+00", utc.timestamp()


def _timeline(text: str) -> int | None:
    if text in {"", "current"}:
        return None
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise TargetRefused(f"the timeline {text!r}", "its number, or nothing for the one that the cluster is on")
    return int(text)


def parse_target(kind: str, value: str, *, label: str = "", inclusive: bool = True, timeline: str = "") -> Target:
    """Read what a person typed. Raises TargetRefused.

    ``label``: a backup to go back to, instead of all others.
    """
    kind, value, label = kind.strip(), value.strip(), label.strip()
    line = _timeline(timeline.strip())
    if label:
        if kind or value:
            raise TargetRefused("a target and a label of a backup", "one of the two")
        return Target("label", label, True, line)
    if kind not in KINDS:
        observed = f"the type of target {kind!r}" if kind else "no target"
        raise TargetRefused(observed, f"restore_target_type, one of {', '.join(KINDS)}, or restore_label")
    if kind in BARE:
        if value:
            raise TargetRefused(f"the target {value!r}", f"none, for the type is {kind}")
        return Target(kind, "", True, line)
    if not value:
        raise TargetRefused("no target", f"restore_target, for the type is {kind}")
    if kind == "time":
        text, at = parse_time(value)
        return Target(kind, text, inclusive, line, at)
    if kind == "lsn":
        try:
            value = format_lsn(parse_lsn(value))
        except ValueError:
            raise TargetRefused(f"the WAL position {value!r}", "one such as 0/5000148") from None
    if kind == "xid" and not re.fullmatch(r"[1-9]\d{0,19}", value):
        raise TargetRefused(f"the transaction {value!r}", "its number")
    if kind == "name" and not re.fullmatch(r"[ -~]{1,63}", value):
        raise TargetRefused(f"the restore point {value!r}", "up to 63 printable characters")
    return Target(kind, value, inclusive, line)


def target_from(raw: Mapping[str, Any]) -> Target:
    """Read a target that was written down."""
    return Target(**{key: raw[key] for key in Target.__dataclass_fields__ if key in raw})
