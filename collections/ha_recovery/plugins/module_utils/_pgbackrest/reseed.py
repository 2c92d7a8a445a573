# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host's new copy comes from: the backups, or the primary. First row that fits:

=========================================================  ============================
seen                                                       copy
=========================================================  ============================
a person asked for a copy of the primary                   basebackup
no backups are taken with pgBackRest here                  basebackup *
the host, or the repository, does not tell what there is   basebackup *
there is no backup                                         basebackup *
the backups are another cluster's                          basebackup *
no undamaged one is on the way to the primary's timeline   basebackup *
the newest one was restored before, and led nowhere        basebackup *
the database is smaller than the limit                     basebackup, unless asked for
otherwise                                                  backup: the newest of them
=========================================================  ============================

``*``: refused when a person asked for the backup. A backup lies on the way when the primary's own history goes through
it: a standby that is restored from it replays WAL, out of the archive and from the primary, up to where the primary is.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.archive import lineage_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import leads_to, moment
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import Left

ASKED = ("auto", "backup", "basebackup")
ABOVE_MB = 10240
_FIELDS = set(Backup.__dataclass_fields__)


@dataclass(frozen=True)
class Line:
    """The primary's lineage: its system identifier, its timeline, and where it left the earlier ones."""

    system_identifier: str
    timeline: int
    left: tuple[Left, ...] = ()
    segment_bytes: int = 16 << 20


@dataclass(frozen=True)
class Policy:
    """What is wanted. ``on``: pgBackRest takes the backups; ``above_bytes``: from which size on they are used."""

    on: bool = False
    asked: str = "auto"
    above_bytes: int = ABOVE_MB << 20


AUTO = Policy()


@dataclass(frozen=True)
class Choice:
    """``source``: backup, basebackup, or refuse; ``why``, for people; the backup, where it is one."""

    source: str
    why: str
    backup: Backup | None = None


def backups_from(raw: Sequence[Mapping[str, Any]]) -> tuple[Backup, ...]:
    """Read what :func:`observe.backup_dict` made."""
    return tuple(Backup(**{key: value for key, value in one.items() if key in _FIELDS}) for one in raw)


def choose(policy: Policy, seen: Mapping[str, Any] | None, line: Line, *, tried: str = "") -> Choice:
    """Decide. ``seen``: {installed, error, backups}, None without an answer; ``tried``: label that led nowhere."""
    if policy.asked == "basebackup":
        return Choice("basebackup", "a copy of the primary was asked for")
    why = _unsuitable(policy, seen, line, tried)
    if why:
        return Choice("refuse" if policy.asked == "backup" else "basebackup", why)
    newest = max(_suitable(seen or {}, line), key=lambda one: (one.ended_at, one.label))
    size, limit = _gib(newest.database_bytes), _gib(policy.above_bytes)
    named = f"backup {newest.label}, which ended {moment(newest.ended_at)},"
    if policy.asked == "backup":
        return Choice("backup", f"{named} was asked for", newest)
    if newest.database_bytes < policy.above_bytes:
        return Choice("basebackup", f"the database has {size}, and backups are used from {limit} on")
    return Choice("backup", f"{named} has its {size}, and spares the primary", newest)


def _unsuitable(policy: Policy, seen: Mapping[str, Any] | None, line: Line, tried: str) -> str:
    """Why no backup will do; '' when one does."""
    if not policy.on:
        return "no backups are taken with pgBackRest here"
    if seen is None:
        return "nobody said which backups there are"
    if seen.get("error"):
        return f"the backups cannot be looked at ({seen['error']})"
    if not seen.get("installed"):
        return "pgBackRest is not installed there"
    every = backups_from(seen.get("backups") or ())
    if not every:
        return "there is no backup"
    if not [one for one in every if one.system_identifier == line.system_identifier]:
        return f"the backups are those of system {every[-1].system_identifier}, not {line.system_identifier}"
    suitable = _suitable(seen, line)
    if not suitable:
        return f"no undamaged backup leads to timeline {line.timeline}"
    newest = max(suitable, key=lambda one: (one.ended_at, one.label))
    before = next((one for one in suitable if one.label == tried), None)
    if before is not None and newest.ended_at <= before.ended_at:
        return f"backup {tried} was restored there, and its WAL is gone from archive and primary"
    return ""


def _suitable(seen: Mapping[str, Any], line: Line) -> list[Backup]:
    lines = lineage_of(line.timeline, line.left, line.segment_bytes)
    return [
        one
        for one in backups_from(seen.get("backups") or ())
        if one.system_identifier == line.system_identifier and leads_to(one, lines, line.left, line.segment_bytes)
    ]


def _gib(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count >> 20} MiB"
