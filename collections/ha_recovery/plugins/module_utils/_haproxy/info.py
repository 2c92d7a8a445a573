# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy tells about itself, as the dictionary that the runbooks and the status page read. Pure.

Source: HAProxy management guide, 9.1 "CSV format" (``show stat``), 9.3 "show info", "show servers state".
"""

from __future__ import annotations

import csv
import io
from typing import Any

from .runtime_api import parse_info
from .server_state import OPERATIONAL, admin_flags, parse

# Only lines of servers (type 4), of any proxy.
SHOW_STAT = "show stat -1 4 -1"


def describe(host: str, now: float, info: str, state: str, stat: str) -> dict[str, Any]:
    """``info``, ``state`` and ``stat`` are the answers to ``show info``, ``show servers state`` and :data:`SHOW_STAT`.

    Times are in seconds; ``started_at`` (since the epoch, by the clock that said ``now``) is when the process that
    answers began, so a configuration changed later is not in force. ``status`` and ``check_status`` are HAProxy's own
    words (``UP``, ``DOWN``, ``MAINT``, ``UP 1/2``; ``L7OK``, ``L4CON``), ``admin_state`` the orders in force (none:
    ready).
    """
    facts = parse_info(info)
    checks = {(row["pxname"], row["svname"]): row for row in csv.DictReader(io.StringIO(stat.lstrip("# ")))}
    servers = []
    for server in parse(state):
        row = checks.get(server.key, {})
        servers.append(
            {
                "backend": server.backend,
                "server": server.server,
                "address": server.address,
                "port": server.port,
                "status": row.get("status", ""),
                "admin_state": admin_flags(server.admin),
                "operational_state": OPERATIONAL.get(server.operational, "unknown"),
                "weight": server.weight,
                "check_status": row.get("check_status", "").lstrip("* "),
                "last_change_s": server.since_s,
            }
        )
    return {
        "host": host,
        "running": True,
        "version": facts.get("Version", ""),
        "uptime_s": int(facts.get("Uptime_sec", "0")),
        "started_at": int(now) - int(facts.get("Uptime_sec", "0")),
        "servers": servers,
        "error": None,
    }


def silent(host: str, error: str) -> dict[str, Any]:
    """The same dictionary for a HAProxy that gave no answer, with the reason."""
    return {
        "host": host,
        "running": False,
        "version": None,
        "uptime_s": None,
        "started_at": None,
        "servers": [],
        "error": error,
    }
