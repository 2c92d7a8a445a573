# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls about backups: what the repository host has, and whether a database host's WAL arrives there."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command, drill
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.observe import stanza_dict
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_facts import archive_ready
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.maintenance import layout_of

JOB = Path("/etc/pgbackrest/job.json")
ARCHIVER = """SELECT json_build_object('on', current_setting('archive_mode') <> 'off',
 'last_archived_age_s', round(extract(epoch FROM clock_timestamp() - last_archived_time)::numeric, 1),
 'failing', last_failed_time IS NOT NULL AND (last_archived_time IS NULL OR last_failed_time > last_archived_time),
 'last_failed_wal', last_failed_wal) FROM pg_stat_archiver"""


def _json(path: Path) -> dict[str, Any]:
    """The object in the file; nothing where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _drill(note: Mapping[str, Any], limit: float | None, now: float) -> dict[str, Any] | None:
    """{good, problems, overdue, limit_s, good_age_s} of restore drills; ``good`` None: there was none yet."""
    if not note:
        return None
    at = note.get("last_good_at")
    return {
        "good": bool(note["good"]) if note.get("at") else None,
        "problems": list(note.get("problems") or ()),
        "overdue": drill.overdue(note, limit, now),
        "limit_s": limit,
        "good_age_s": None if at is None else round(now - at),
    }


def backup_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """{what :func:`stanza_dict` says, max_age_s, verified: {good, age_s} or None, drill: see :func:`_drill`}."""
    now, job = time.time(), _json(JOB)
    try:
        seen = stanza_dict(command.info(HostRunner(), str(args["stanza"]), timeout=4), now)
    except command.PgbackrestFailed as error:
        seen = stanza_dict(None, now, str(error))
    verified_path = Path(str(job.get("metrics") or "/nowhere")).with_name("verify.json")
    verified = _json(verified_path)
    return {
        **seen,
        # One screen wants the newest of them, not all.
        "backups": len(seen["backups"]),
        "max_age_s": job.get("max_age_s"),
        "drill": _drill(_json(verified_path.with_name("drill.json")), (job.get("scratch") or {}).get("max_age_s"), now),
        "verified": {"good": bool(verified["good"]), "age_s": round(now - verified["at"])} if verified else None,
    }


def archive_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """{on, last_archived_age_s, failing, last_failed_wal, ready} of a running server. ``ready``: segments that wait."""
    layout = layout_of(args)
    seen = query_json(HostRunner(), layout, ARCHIVER, timeout=3)
    if not seen.ok:
        raise command.PgbackrestFailed(f"Postgres does not answer: {seen.error}")
    return {**seen.value, "ready": archive_ready(layout.data_directory() / "pg_wal")}
