# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logical dumps: where one is taken from, what counts as one, and which are kept. Pure.

It lies beside the program that timers run, so it imports nothing of the collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote

NAME = re.compile(r"\d{8}T\d{6}Z(\.sql)?")
GLOBALS = "_globals"


class NoSource(ValueError):
    """No host that a dump could be taken from; the message says what each answered."""


@dataclass(frozen=True)
class Answer:
    """What a database host said. ``standby``: None when it did not answer, then ``error`` says why."""

    host: str
    standby: bool | None
    streams: bool = False
    error: str = ""


@dataclass(frozen=True)
class Listed:
    """The table of contents of a dump: tables, and tables with data in it."""

    tables: int
    data: int


def sources(answers: Sequence[Answer], from_standby: bool) -> list[str]:
    """Hosts to try, in this order. Raises NoSource.

    ===============================  ===========================================
    seen                             tried
    ===============================  ===========================================
    two hosts or more say primary    none: nobody knows whose data is the right one
    standbys stream                  these, by name, then the primary
    a standby streams from nobody    not that one: its data may be old
    ===============================  ===========================================
    """
    primaries = [one.host for one in answers if one.standby is False]
    if len(primaries) > 1:
        raise NoSource(f"{', '.join(sorted(primaries))} all say that they are primary; expected one. Next: status.yml")
    standbys = sorted(one.host for one in answers if one.standby and one.streams)
    found = [*(standbys if from_standby else []), *primaries]
    if not found:
        told = "; ".join(f"{one.host}: {one.error or 'a standby that streams from nobody'}" for one in answers)
        raise NoSource(f"no database host to dump from ({told}). Next: status.yml")
    return found


def cancelled(stderr: str) -> bool:
    """Replay on the standby had to go on, so the dump was ended (manual, "Handling Query Conflicts")."""
    return "conflict with recovery" in stderr


def parse_list(text: str) -> Listed:
    """``pg_restore --list``: ``215; 1259 16386 TABLE public orders app``; lines that begin with ``;`` are comments."""
    kinds = [
        found[1]
        for line in text.splitlines()
        if (found := re.match(r"\d+; \d+ \d+ (TABLE DATA|TABLE ATTACH|TABLE) ", line))
    ]
    return Listed(kinds.count("TABLE"), kinds.count("TABLE DATA"))


def name_of(at: float) -> str:
    """Name of a dump that was begun at that time: 20260301T031209Z."""
    return f"{datetime.fromtimestamp(at, timezone.utc):%Y%m%dT%H%M%SZ}"


def time_of(name: str) -> float | None:
    """When the dump of that name was begun, seconds since 1970; None for anything that is no whole dump."""
    if not NAME.fullmatch(name):
        return None
    return datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()


def folder_of(database: str) -> str:
    """A folder name of its own for each database, whatever characters the database's name has."""
    return quote(database, safe="").replace(".", "%2E") if database != GLOBALS else GLOBALS


def whole(names: Sequence[str]) -> list[str]:
    """Names of finished dumps, oldest first. Half ones have other names: they begin with a dot."""
    return sorted(one for one in names if time_of(one) is not None)


def removable(names: Sequence[str], now: float, count: int, days: float) -> list[str]:
    """Those that are neither among the newest ``count`` nor younger than ``days``. The newest is never one of them."""
    found = whole(names)
    old = found[: max(0, len(found) - max(1, count))]
    return [one for one in old if now - (time_of(one) or now) > days * 86400]


def age_s(names: Sequence[str], now: float) -> float | None:
    """Seconds since the newest whole dump was begun; None without any."""
    found = whole(names)
    return max(0.0, now - (time_of(found[-1]) or now)) if found else None


def conninfo(settings: Mapping[str, str]) -> str:
    """libpq's connection string, each value quoted."""
    quoted = {key: value.replace("\\", "\\\\").replace("'", "\\'") for key, value in settings.items()}
    return " ".join(f"{key}='{value}'" for key, value in quoted.items())
