# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls about backups of files and about logical dumps: what the jobs of these roles left on the host."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.figures import by_label

FILES = Path("/etc/file_backup")
DUMPS = Path("/etc/postgresql_dump/job.json")


def _json(path: Path) -> dict[str, Any]:
    """The object in the file; nothing where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(settings: Path, label: str, prefix: str) -> dict[str, Any]:
    """{set_up, since_s, told_s, max_age_s, of, state}. ``since_s``: age of the settings; ``told_s``: of the figures,
    None where there are none; ``of``: figures by host or database, ages as they are now."""
    job, now = _json(settings), time.time()
    if not job:
        return {"set_up": False, "of": {}}
    text, told = "", None
    metrics = Path(str(job["metrics"]))
    with contextlib.suppress(OSError):
        text, told = metrics.read_text(encoding="utf-8"), max(0.0, now - metrics.stat().st_mtime)
    found = by_label(text, label, prefix)
    for one in found.values():
        if "age_seconds" in one:
            one["age_seconds"] += told or 0.0
    return {
        "set_up": True,
        "since_s": round(now - settings.stat().st_mtime),
        "told_s": None if told is None else round(told),
        "max_age_s": job.get("max_age_s"),
        "of": found,
        "state": str(job["state"]),
    }


def file_backup_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """{repository, host}, each what :func:`_told` says. Of the repository also ``check`` and ``drill``: what was wrong,
    by host; of the host also ``problem``: what was wrong with its last backup."""
    repository = _told(FILES / "repository.json", "host", "file_backup_")
    host = _told(FILES / "host.json", "host", "file_backup_")
    for name in ("check", "drill"):
        notes = _json(Path(repository.get("state", "/nowhere")) / f"{name}.json")
        repository[name] = {one: str(note.get("problem") or "") for one, note in notes.items()}
    host["problem"] = str(_json(Path(host.get("state", "/nowhere")) / "backup.json").get("problem") or "")
    return {"repository": repository, "host": host}


def dump_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`_told` says, and ``problems`` by database."""
    seen = _told(DUMPS, "database", "postgresql_dump_")
    notes = _json(Path(seen.get("state", "/nowhere")) / "dumps.json")
    return {**seen, "problems": {name: str(one.get("problem") or "") for name, one in notes.items()}}
