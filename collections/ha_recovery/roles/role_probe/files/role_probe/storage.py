# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a commit still reach the disk? Two pure decisions, and the one system call that feeds the first.

Read-only queries go on succeeding on a disk that is full or stuck, so the probe's own query says nothing about it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from .state import Server

# Once too little is free, this much more than the floor has to be free again: WAL files that come and go around the
# floor must not switch the primary on and off.
RECOVERY_FACTOR = 1.25


@dataclass(frozen=True)
class Space:
    """What statvfs(3) says an unprivileged process may still use."""

    path: str
    free_bytes: int
    free_inodes: int | None  # None: the file system has no fixed number of inodes


def read_space(path: str) -> Space:
    """Free space of the file system that holds ``path``.

    statvfs needs search permission on the *parents* only, so it works on Postgres' data directory itself (mode 0700),
    though on nothing below it. Raises OSError.
    """
    stat = os.statvfs(path)
    return Space(
        path=path,
        free_bytes=stat.f_bavail * stat.f_frsize,
        free_inodes=stat.f_favail if stat.f_files else None,
    )


def low_space(space: Space, floor: int, *, was_low: bool) -> str:
    """Why writes on this file system are about to fail, or an empty string.

    :param floor: bytes that have to be free; 0 switches the check off (inodes are then not looked at either).
    :param was_low: the previous decision, for hysteresis.
    """
    if floor == 0:
        return ""
    needed = int(floor * RECOVERY_FACTOR) if was_low else floor
    if space.free_bytes < needed:
        return f"disk full: {space.path} has {space.free_bytes} bytes free, at least {needed} are needed"
    if space.free_inodes == 0:
        return f"disk full: {space.path} has no inodes left"
    return ""


@dataclass(frozen=True)
class Waiting:
    """Processes wait for WAL to reach the disk: where it stands still, and since when."""

    flush_location: int
    since: float


def follow_flush(previous: Waiting | None, server: Server, now: float) -> Waiting | None:
    """Take one more look at the WAL writer. None: nobody waits.

    WAL that is inserted but not flushed is no proof of a stuck disk: a transaction that is open and idle leaves some
    there for as long as it likes. Only while a process *waits* for WAL input/output (wait events WALSync, WALWrite and
    the like) and the flush position stands still does the clock run. A commit that waits for a synchronous standby
    waits for something else (SyncRep) and does not count.
    """
    if server.insert_location is None or server.flush_location is None:  # a standby
        return None
    if server.insert_location <= server.flush_location or server.wal_waiters == 0:
        return None
    if previous is not None and previous.flush_location == server.flush_location:
        return previous
    return Waiting(server.flush_location, since=now)


def stalled(waiting: Waiting | None, now: float, limit: float) -> str:
    """Why commits are not reaching the disk, or an empty string. ``limit`` is in seconds."""
    waited = 0.0 if waiting is None else now - waiting.since
    if waited <= limit:
        return ""
    return f"disk stuck: processes have waited {waited:.1f} s for WAL to be written, the flush position stands still"
