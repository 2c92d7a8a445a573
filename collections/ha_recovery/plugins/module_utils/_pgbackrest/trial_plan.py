# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scratch instance is asked to do, or why not: for restore_drill.yml and restore_table.yml. Pure.

==============================================  =================================================
seen                                            what follows
==============================================  =================================================
the role has not put its program there          refused: site.yml
no backup, or no way to the target              refused, with the window (restore_plan.py)
no server of the cluster's version              refused: site.yml
the scratch path's file system is too full      refused, with what is missing
a database that the backup does not have        refused, with those that it has
otherwise                                       a request, and lines that say what would be done
==============================================  =================================================
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import scratch
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import (
    Archive,
    ChoiceRefused,
    choose,
    moment,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import Target

SITE = "ansible-playbook playbooks/site.yml"
UNTOUCHED = "Nothing was touched."


class TrialRefused(Exception):
    """Nothing was touched. The message says what was seen, what was expected and what comes next."""


@dataclass(frozen=True)
class Seen:
    """The repository host. ``free_bytes``: below the scratch path; ``server``: its binaries are there.

    ``settings``: the role's job.json, empty without it.
    """

    host: str
    settings: Mapping[str, Any]
    free_bytes: int
    version: str
    server: bool


@dataclass(frozen=True)
class Plan:
    """``request``: for the program on the host; ``lines``: for people."""

    request: Mapping[str, Any]
    lines: tuple[str, ...]


def refuse(host: str, observed: str, expected: str, then: str) -> TrialRefused:
    """In the words of every refusal."""
    return TrialRefused(f"{host}: {observed}; expected {expected}. {UNTOUCHED} Next: {then}")


def aim_of(target: Target, archive: Archive, host: str, now: float) -> tuple[scratch.Aim, Backup]:
    """Which backup, and where to. What is not archived yet cannot be reached, whoever still has it."""
    try:
        choice = choose(target, archive, live=None, now=now)
    except ChoiceRefused as problem:
        then = problem.hint or "choose another target"
        raise refuse(host, problem.observed, problem.expected, then) from None
    kind = "latest" if target.kind == "latest" else target.kind
    timeline = str(target.timeline) if target.timeline else "latest"
    value = choice.backup.label if kind == "label" else target.value
    aim = scratch.Aim(choice.backup.label, choice.backup.repository, kind, value, target.inclusive, timeline)
    return aim, choice.backup


def check_host(seen: Seen, backup: Backup) -> None:
    """Raises TrialRefused when the host cannot do it."""
    if not seen.settings.get("scratch"):
        raise refuse(seen.host, "there is no program for scratch instances", "what the role pgbackrest installs", SITE)
    if not seen.server:
        raise refuse(seen.host, f"no server of version {seen.version or '?'}", "its package", SITE)
    path = str(seen.settings["scratch"]["path"])
    need = scratch.room_needed(backup.database_bytes)
    if seen.free_bytes < need:
        raise refuse(
            seen.host,
            f"{path} has {megabytes(seen.free_bytes)} free",
            f"{megabytes(need)}: the database of {megabytes(backup.database_bytes)}, a tenth of it, 1024 MiB for WAL",
            "make room, or set pgbackrest_drill_path to a larger file system and run site.yml",
        )


def megabytes(size: int) -> str:
    """As people read it."""
    return f"{size / (1 << 20):.0f} MiB"


def plan_drill(seen: Seen, aim: scratch.Aim, backup: Backup, *, at: float | None, chance: bool) -> Plan:
    """A drill."""
    check_host(seen, backup)
    path = seen.settings["scratch"]["path"]
    where = "a random WAL position on the newest timeline" if chance else aim.words
    lines = (
        f"restore drill on {seen.host}: backup {aim.label} ({backup.type}, ended {moment(backup.ended_at)})",
        f"restore {megabytes(backup.database_bytes)} below {path}, recover to {where}; production is not touched",
        "see that the target was reached; pg_amcheck, rows of every table, canaries, checksums; remove it all",
    )
    return Plan({**vars(aim), "at": at} if not chance else {"random": True}, lines)


def plan_table(
    seen: Seen, aim: scratch.Aim, backup: Backup, *, at: float | None, database: str, tables: Sequence[str],
    databases: Sequence[str], stamp: str,
) -> Plan:  # fmt: skip
    """Tables, or a whole database, as a dump. ``databases``: of the backup; ``stamp``: begins the file's name."""
    check_host(seen, backup)
    if database not in databases:
        close = difflib.get_close_matches(database, databases, n=3, cutoff=0.5) or sorted(databases)
        raise refuse(
            seen.host, f"backup {aim.label} has no database {database!r}", f"one such as {', '.join(close)}",
            "-e restore_database=NAME",
        )  # fmt: skip
    what = f"{', '.join(tables)} of database {database}" if tables else f"database {database}"
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join([stamp, database, *tables[:3]]))
    output = f"{seen.settings['scratch']['handover']}/{name}.dump"
    lines = (
        f"{what}, as of {aim.words} ({backup.type}, ended {moment(backup.ended_at)})",
        f"on {seen.host}: restore database {database} alone into a scratch instance, up to "
        f"{megabytes(backup.database_bytes)}, recover, see that the target was reached, dump, remove the instance",
        "fetch the dump to this machine; production is not touched",
    )
    request = {**vars(aim), "at": at, "database": database, "tables": list(tables), "output": output}
    return Plan(request, lines)


def steps_of(result: Mapping[str, Any], host: str) -> list[dict[str, Any]]:
    """Parts with their durations, as a record has them. A part in which something was found failed."""
    began, steps = 0.0, []
    seconds = dict(result.get("seconds") or {})
    broken = [name for name in seconds if name != "remove"][-1:] if result.get("problems") else []
    for name, took in seconds.items():
        state = "failed" if name in broken else "changed" if name in ("restore", "dump", "remove") else "ok"
        steps.append({"name": name, "host": host, "started_s": round(began, 2), "seconds": took, "result": state})
        began += float(took)
    return steps
