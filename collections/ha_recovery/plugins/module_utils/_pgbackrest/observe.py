# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at this host's pgBackRest: version, repositories, backups. Absent software is an answer, not an error."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.abilities import abilities, parse_version
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup, Stanza


def release_of(text: str) -> str:
    """``13`` out of os-release; empty when it is not there."""
    found = re.search(r'^VERSION_ID="?(\d+)', text, re.MULTILINE)
    return found.group(1) if found else ""


def key_environment(cipher_pass: str, keys: list[int]) -> Mapping[str, str]:
    """The key for one call: in the environment, which root and the caller alone can read, and never in an argument."""
    found = {}
    for key in keys if cipher_pass else []:
        found[f"PGBACKREST_REPO{key}_CIPHER_PASS"] = cipher_pass
        found[f"PGBACKREST_REPO{key}_CIPHER_TYPE"] = "aes-256-cbc"
    return found


def backup_dict(backup: Backup | None) -> dict[str, Any] | None:
    """Plain data."""
    return None if backup is None else {**asdict(backup), "annotations": dict(backup.annotations)}


def stanza_dict(stanza: Stanza | None, now: float, error: str = "") -> dict[str, Any]:
    """Plain data of a stanza, with the age of its newest backup; of an unknown one, the error."""
    if stanza is None:
        return {"stanza": "", "code": None, "message": "", "running": False, "percent": None, "repositories": [],
                "backups": [], "newest": None, "age_s": None, "error": error}  # fmt: skip
    age, ages = stanza.age_s(now), stanza.ages(now)
    return {
        "stanza": stanza.name,
        "code": stanza.code,
        "message": stanza.message,
        "running": stanza.running,
        "percent": stanza.percent,
        "repositories": [
            {**asdict(one), "there": one.there, "locked_out": one.locked_out, "age_s": ages[one.key]}
            for one in stanza.repositories
        ],
        "backups": [backup_dict(one) for one in stanza.backups],
        "newest": backup_dict(stanza.newest),
        "age_s": None if age is None else round(age, 1),
        "error": error,
    }


def look(
    runner: Runner, stanza: str, *, now: float, cipher_pass: str = "", timeout: float = 20.0, root: str = "/"
) -> dict[str, Any]:
    """{installed, version, release, abilities, timers, and what :func:`stanza_dict` says}."""
    release = Path(root, "etc/os-release")
    done = command.run(runner, "version", timeout=10)
    version = parse_version(done.stdout) if done.ok else ""
    found: Stanza | None = None
    error = ""
    if version and stanza:
        keys = command.configured(root)
        try:
            found = command.info(runner, stanza, timeout=timeout, env=key_environment(cipher_pass, keys), keys=keys)
        except command.PgbackrestFailed as problem:
            error = str(problem)
    units = Path(root, "etc/systemd/system")
    return {
        "installed": bool(version),
        "version": version,
        "release": release_of(release.read_text(encoding="utf-8") if release.exists() else ""),
        "abilities": abilities(version).as_dict(),
        "timers": sorted(one.name for one in units.glob("pgbackrest-*.timer")) if units.exists() else [],
        **stanza_dict(found, now, error),
    }


def disk_bytes(path: str) -> int | None:
    """Size of the file system that the path, or what there is of it, lies on."""
    there = Path(path)
    while not there.exists():
        there = there.parent
    try:
        stats = os.statvfs(there)
    except OSError:
        return None
    return stats.f_frsize * stats.f_blocks
