# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gather what preflight's checks need of a database host: one SQL round trip, files, tried connections, all at once.

What ``observe_node`` tells (role, positions, peers) is not asked for again.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.host_facts import (
    Clock,
    read_certificates,
    read_disk,
    read_privilege,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import (
    Layout,
    detect_version,
    postmaster_pid,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_query import FACTS_QUERY
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import Answer, as_user, query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.replication_probe import try_all

_SEGMENT = re.compile(r"^[0-9A-F]{24}$")
#: Over how many seconds the WAL that was written is counted.
RATE_WINDOW_S = 300.0


def archive_ready(directory: Path) -> int | None:
    """Segments that wait for the archive (``archive_status/*.ready``), None when the directory cannot be read."""
    try:
        return sum(1 for entry in os.scandir(directory / "archive_status") if entry.name.endswith(".ready"))
    except OSError:
        return None


def wal_rate(directory: Path, now: float, window: float = RATE_WINDOW_S) -> float | None:
    """Bytes of WAL a minute, from the segments that were last written within ``window`` seconds; None: not readable.

    Segments made ready for later use keep the time of their last write, so they do not count.
    """
    total = 0
    try:
        for entry in os.scandir(directory):
            if _SEGMENT.match(entry.name):
                status = entry.stat()
                if now - status.st_mtime <= window:
                    total += status.st_size
    except OSError:
        return None
    return total * 60.0 / window


def read_wal(directory: Path, now: float) -> dict[str, Any]:
    """The WAL directory (a link to another disk is followed): its disk, ``ready`` and ``bytes_per_minute``."""
    place = Path(os.path.realpath(directory / "pg_wal"))
    return {**read_disk(place), "ready": archive_ready(place), "bytes_per_minute": wal_rate(place, now)}


def preflight_facts(
    runner: Runner,
    *,
    host: str,
    peers: Mapping[str, str] | None = None,
    version: str | None = None,
    cluster: str = "main",
    port: int = 5432,
    certificates: Sequence[str] = ("server.crt", "ca.crt"),
    timeout: float = 2.0,
    connect_timeout: float = 3.0,
    root: str = "/",
) -> dict[str, Any]:
    """Facts of this database host. Changes nothing; what is not there or does not answer is None with an ``error``.

    ``peers`` (inventory name to address, this host among them or not) are tried for replication. ``certificates`` are
    names in the cluster's ``tls`` directory. Keys: host, clock, privilege, data (disk), wal (disk, ready,
    bytes_per_minute), certificates, replication (peer to outcome), sql (see FACTS_QUERY, or None) and sql_error.
    """
    clock = Clock()
    found = version or detect_version(cluster, root)
    layout = Layout(found or "0", cluster, root)
    directory = layout.data_directory()
    with ThreadPoolExecutor(max_workers=4) as pool:
        tried = pool.submit(try_all, runner, layout, host, peers or {}, port, connect_timeout)
        privilege = pool.submit(read_privilege, runner, as_user, "postgres")
        tls = [layout.config_dir / "tls" / name for name in certificates]
        dates = pool.submit(read_certificates, runner, tls, timeout)
        answer = Answer(ok=False, error="Postgres does not run")
        if found and postmaster_pid(directory) is not None:
            answer = query_json(runner, layout, FACTS_QUERY, port=port, timeout=timeout)
        return {
            "host": host,
            "privilege": privilege.result(),
            "data": read_disk(directory),
            "wal": read_wal(directory, time.time()),
            "certificates": dates.result(),
            "replication": tried.result(),
            "sql": answer.value if answer.ok else None,
            "sql_error": None if answer.ok else answer.error,
            "clock": clock.read(),
        }
