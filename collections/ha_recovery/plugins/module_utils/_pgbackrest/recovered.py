# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the recovery of a scratch instance came to where it should. Pure.

It lies beside the program that timers run, so it imports nothing of the collection.

Source: the words of the server's log are those of src/backend/access/transam/xlogrecovery.c (PostgreSQL 13 and later
end with an error when the WAL ends before the target).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

_STOPPED = re.compile(r"recovery stopping (before|after|at) (.*)$", re.MULTILINE)
_STOP_XID = re.compile(r"transaction (\d+)")
_STOP_LSN = re.compile(r'LSN\) "([0-9A-F]+/[0-9A-F]+)"')
_BAD = re.compile(r"(?:ERROR|FATAL|PANIC):\s+(.*)$", re.MULTILINE)
_PASSING = ("the database system is", "not yet accepting")


class Aim(Protocol):
    """Where it should have come to; see scratch.Aim."""

    @property
    def kind(self) -> str:
        """One of scratch.KINDS."""

    @property
    def value(self) -> str:
        """As Postgres reads it."""

    @property
    def inclusive(self) -> bool:
        """Whether the target itself belongs to it."""

    @property
    def words(self) -> str:
        """For people."""


@dataclass(frozen=True)
class Recovered:
    """Where it came to. ``lsn``: of the last record; ``commit_at``: seconds since 1970, None when none was replayed."""

    lsn: str
    commit_at: float | None
    log: str


def position(lsn: str) -> int:
    """``0/5000148`` in bytes."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def as_lsn(place: int) -> str:
    """Bytes as Postgres writes them."""
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def stopped(log: str) -> str:
    """Where recovery stopped, in the server's words; empty when it went to the end of the WAL."""
    found = list(_STOPPED.finditer(log))
    return found[-1].group(0) if found else ""


def complaints(log: str) -> list[str]:
    """Why a server ended, without the answers to those who knocked too early."""
    return [one for one in _BAD.findall(log) if not any(word in one for word in _PASSING)]


def missed(aim: Aim, seen: Recovered, newest: int | None, at: float | None = None) -> str:
    """Why recovery did not come to the target; empty when it did. ``newest``: first byte of the newest
    archived segment; ``at``: a target time, seconds since 1970.

    ======================  =====================================================================
    target                  proof
    ======================  =====================================================================
    the end of the archive  the last record replayed lies in the newest archived segment or later
    the end of a backup     the log says that it stopped when it was consistent
    a time                  the log says before which commit it stopped; the last one is not later
    a WAL position          the log says where it stopped, and that is it or behind it
    a transaction           the log names it, on the side that was asked for
    a restore point         the log names it
    ======================  =====================================================================
    """
    here = f"recovery ended at {seen.lsn or 'its beginning'}"
    if aim.kind == "latest":
        if newest is None or not seen.lsn:
            return f"{here}; expected WAL in the archive"
        return "" if position(seen.lsn) >= newest else f"{here}; expected {as_lsn(newest)} or later"
    words = stopped(seen.log)
    if not words:
        return f"{here}, and the server's log does not say that it stopped at a target"
    side, what = _STOPPED.findall(seen.log)[-1]
    if not _is_target(aim, side, what):
        return f"{here}: {words}; expected {aim.words}"
    if at is not None and seen.commit_at is not None and seen.commit_at > at:
        return f"{here}: a transaction behind the target was replayed"
    return ""


def _is_target(aim: Aim, side: str, what: str) -> bool:
    if aim.kind in ("label", "immediate"):
        return "consistency" in what
    if aim.kind == "time":
        return side == "before" and "time" in what
    if aim.kind == "name":
        return side == "at" and f'"{aim.value}"' in what
    if aim.kind == "xid":
        found = _STOP_XID.search(what)
        return found is not None and found.group(1) == aim.value and side == ("after" if aim.inclusive else "before")
    place = _STOP_LSN.search(what)
    return place is not None and position(place.group(1)) >= position(aim.value)
