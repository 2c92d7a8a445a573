# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restic says about its snapshots. Source: restic manual, "Scripting" (snapshots --json, ls --json, exit codes).

It lies beside the program that timers run, so it imports nothing of the collection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

LATEST = "latest"


class SnapshotError(ValueError):
    """The answer is not what restic writes, or there is no such snapshot."""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot. ``at``: when it was begun, seconds since 1970."""

    id: str
    at: float
    host: str
    paths: tuple[str, ...]

    @property
    def short(self) -> str:
        """The first eight digits, as restic shows it."""
        return self.id[:8]

    @property
    def when(self) -> str:
        """UTC, to the second."""
        return f"{datetime.fromtimestamp(self.at, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Entry:
    """One path in a snapshot. ``kind``: file, dir, symlink or another of restic's; size in bytes, mtime in seconds."""

    path: str
    kind: str
    size: int
    mtime: float


def moment(text: str) -> float:
    """Seconds since 1970 out of RFC 3339, whose fraction may have nine digits. Raises SnapshotError."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not found:
        raise SnapshotError(f"{text!r} is no time")
    zone = "+00:00" if found[3] == "Z" else found[3]
    return datetime.fromisoformat(f"{found[1]}{zone}").timestamp() + float(found[2] or 0)


def parse_snapshots(text: str) -> list[Snapshot]:
    """Oldest first. Raises SnapshotError."""
    try:
        raw = json.loads(text) or []
        found = [
            Snapshot(str(one["id"]), moment(one["time"]), str(one["hostname"]), tuple(one.get("paths") or ()))
            for one in raw
        ]
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise SnapshotError(f"restic snapshots did not answer as expected: {error!r}") from error
    return sorted(found, key=lambda one: (one.at, one.id))


def parse_entries(text: str) -> list[Entry]:
    """What ``restic ls --json`` lists: a line for the snapshot, then one for each path. Raises SnapshotError."""
    found = []
    try:
        for line in text.splitlines():
            raw = json.loads(line)
            if raw.get("struct_type") == "node":
                found.append(Entry(str(raw["path"]), str(raw["type"]), int(raw.get("size") or 0), moment(raw["mtime"])))
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise SnapshotError(f"restic ls did not answer as expected: {error!r}") from error
    return found


def choose(snapshots: Sequence[Snapshot], wanted: str) -> Snapshot:
    """The newest one, or the one whose id begins so. Raises SnapshotError."""
    if not snapshots:
        raise SnapshotError("there is no snapshot")
    if wanted == LATEST:
        return snapshots[-1]
    found = [one for one in snapshots if len(wanted) >= 4 and one.id.startswith(wanted)]
    if len(found) != 1:
        raise SnapshotError(f"{len(found)} snapshots have an id that begins with {wanted!r}")
    return found[0]


def age_s(snapshots: Sequence[Snapshot], now: float) -> float | None:
    """Seconds since the newest was begun; None without any."""
    return max(0.0, now - snapshots[-1].at) if snapshots else None


def summary_of(text: str) -> Mapping[str, Any]:
    """The last message of ``restic backup --json``; empty where there is none."""
    for line in reversed(text.splitlines()):
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("message_type") == "summary":
            return message
    return {}


def busy(stderr: str) -> bool:
    """Somebody else has the repository's lock: this passes. (Exit status 11 says so from 0.17 on, the words before.)"""
    return "already locked" in stderr


def wrong_password(stderr: str) -> bool:
    """The repository is there and the password does not open it."""
    return "wrong password or no key found" in stderr


def missing(stderr: str) -> bool:
    """There is no repository at that place. 0.14 and 0.18 word it differently."""
    return "unable to open config file" in stderr or "repository does not exist" in stderr


def reason(stderr: str, rc: int) -> str:
    """In one line, what restic complained of first; without the notices of the programs that it starts."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if re.match(r"(Fatal|error|ssh|.*denied)", line)), 0)
    return " ".join(lines[first : first + 3]) or f"exit status {rc}"
