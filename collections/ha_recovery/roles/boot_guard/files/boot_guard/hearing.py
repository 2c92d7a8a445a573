# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others say, read into voices: a role probe's status document, and HAProxy's statistics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .decision import DATABASE, LOAD_BALANCER, Voice

#: What a role probe says where there is no boot guard.
NOT_INSTALLED = "the boot guard is not installed"
#: Verdicts of a guard that holds a server which would come up writable.
HELD_BACK = frozenset({"asking", "refused"})
#: A server that may start is not up at once; later it is not about to start any more, but was stopped.
ABOUT_TO_START_S = 60.0


def files_age(document: Any) -> float | None:
    """How long ago a probe looked at its host's files, in seconds; None when it has not."""
    found = document.get("on_disk") if isinstance(document, Mapping) else None
    age = found.get("age_seconds") if isinstance(found, Mapping) else None
    return None if age is None else float(age)


def database_voice(name: str, document: Any, *, fresh: bool) -> Voice:
    """A role probe's answer. ``fresh``: its host's files were looked at after this guard began to ask.

    A primary knows its timeline; what a stopped server or a standby knows stands in its files as well. An answer that
    is not fresh is no proof that nobody went on, but it may be one that somebody did.
    """
    if not isinstance(document, Mapping) or "state" not in document:
        return Voice(name, DATABASE, error="answers something that is no status document")
    found = document.get("on_disk")
    on_disk: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    running = document["state"] == "running"
    resting = not running and not on_disk.get("standby") and not on_disk.get("fenced")
    timeline = max(int(document.get("timeline") or 0), int(on_disk.get("timeline") or 0))
    error = ""
    if not fresh:
        error = f"has not looked at its files ({on_disk.get('error') or 'no answer in time'})"
    elif not timeline:
        error = "has no data"
    return Voice(
        name=name,
        kind=DATABASE,
        counts=not error,
        slow=not fresh and not str(on_disk.get("error") or "").startswith(NOT_INSTALLED),
        error=error,
        system_identifier=str(document.get("database_system_identifier") or on_disk.get("system_identifier") or ""),
        timeline=timeline,
        is_primary=running and document.get("role") == "primary",
        wants_primary=resting and (document["state"] == "starting" or _wants_to_start(on_disk.get("boot_guard"))),
        lsn=str(on_disk.get("lsn") or ""),
        runbook=str(on_disk.get("runbook") or ""),
    )


def _wants_to_start(guard: Any) -> bool:
    if not isinstance(guard, Mapping):
        return False
    return guard.get("verdict") in HELD_BACK or float(guard.get("age_seconds") or 0) < ABOUT_TO_START_S


def balancer_voice(name: str, text: str, server: str, backend: str = "postgresql_primary") -> Voice:
    """A load balancer's ``/stats;csv``: is ``server`` kept out of every backend, and who gets the writes?

    A switchover takes the old primary out of one backend for a moment; a failover and maintenance out of all, for good.
    """
    lines = text.lstrip("# ").splitlines()
    titles = lines[0].split(",") if lines else []
    if not {"pxname", "svname", "status"} <= set(titles):
        return Voice(name, LOAD_BALANCER, error="answers something that is no HAProxy statistics")
    rows = [dict(zip(titles, line.split(","))) for line in lines[1:]]
    servers = [row for row in rows if row.get("svname") not in ("FRONTEND", "BACKEND", None)]
    own = [row["status"] for row in servers if row["svname"] == server and "status" in row]
    if not own:
        return Voice(name, LOAD_BALANCER, error=f"does not know a server {server}")
    return Voice(
        name=name,
        kind=LOAD_BALANCER,
        counts=True,
        keeps_away=all(status.startswith("MAINT") for status in own),
        routes_to=tuple(
            row["svname"] for row in servers if row["pxname"] == backend and row.get("status", "").startswith("UP")
        ),
    )
