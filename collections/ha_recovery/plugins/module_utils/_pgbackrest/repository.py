# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look into the repositories on this host: backups, databases in them, and the WAL that goes with them."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import archive, command
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Stanza
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import Archive
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import parse_history

SEGMENT = 16 << 20


def answer_of(runner: Runner, stanza: str, *, label: str = "", repository: int = 1, timeout: float = 60.0) -> str:
    """What pgbackrest info says, as it says it; of one backup in a repository, more. Raises PgbackrestFailed."""
    if not label:
        return command.answer(runner, stanza, timeout=timeout)
    options = ["--output=json", f"--set={label}", f"--repo={repository}"]
    done = command.run(runner, "info", stanza=stanza, options=options, timeout=timeout)
    if not done.ok:
        raise command.PgbackrestFailed(command.reason(done))
    return done.stdout


def databases_of(answer: str, label: str) -> list[str]:
    """Names of the databases in a backup."""
    try:
        sets = [one for raw in json.loads(answer, strict=False) for one in raw.get("backup") or ()]
        found = next(one for one in sets if one["label"] == label)
        return [str(one["name"]) for one in found.get("database-ref") or ()]
    except (StopIteration, ValueError, TypeError, KeyError, AttributeError):
        return []


def archive_ids(answer: str, stanza: str) -> list[str]:
    """Folders of the archive that belong to the cluster as it is now, such as 17-1: the newest number."""
    raw: dict[str, Any] = next((one for one in json.loads(answer, strict=False) if one.get("name") == stanza), {})
    names = {str(one["id"]) for one in raw.get("archive") or () if re.fullmatch(r"\d+-\d+", str(one.get("id")))}
    newest = max((int(name.rpartition("-")[2]) for name in names), default=0)
    return sorted(name for name in names if int(name.rpartition("-")[2]) == newest)


def look(runner: Runner, stanza: str, answer: str, found: Stanza, timeout: float = 120.0) -> Archive:
    """Everything that a choice needs, of all repositories together: what one lacks, recovery takes out of another.

    Raises PgbackrestFailed.
    """
    runs: list[archive.Run] = []
    histories = {}
    readable = [one.key for one in found.repositories if one.there]
    for name in archive_ids(answer, stanza):
        path = f"archive/{stanza}/{name}"
        listing: dict[str, Any] = {}
        where = {}
        for key in reversed(readable):
            options = [f"--repo={key}", "--output=json", "--recurse"]
            done = command.run(runner, f"repo-ls {path}", options=options, timeout=timeout)
            if not done.ok:
                raise command.PgbackrestFailed(f"repository {key}: repo-ls {path}: {command.reason(done)}")
            here = json.loads(done.stdout)
            listing.update(here)
            where.update(dict.fromkeys(archive.histories_in(here), key))
        runs += archive.runs_of(listing, SEGMENT)
        for timeline, key in sorted(where.items()):
            file = f"{path}/{timeline:08X}.history"
            got = command.run(runner, f"repo-get {file}", options=[f"--repo={key}"], timeout=timeout)
            if not got.ok:
                raise command.PgbackrestFailed(f"repo-get {file}: {command.reason(got)}")
            histories[timeline] = tuple(parse_history(got.stdout))
    return Archive(found, tuple(runs), histories, SEGMENT)
