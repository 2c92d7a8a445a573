# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a replication connection to another host, as this host will have to once that one is primary.

Tried, not assumed: name resolution, the way there, TLS with the other's certificate, its pg_hba.conf, the password
here and the one there. The question (IDENTIFY_SYSTEM) costs the other side a WAL sender for a moment and changes
nothing. Source: PostgreSQL manual, "Streaming Replication Protocol".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import (
    Upstream,
    conninfo,
    slot_name_for,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user

#: Not the host's own name, which would make this connection look like the standby it is not.
APPLICATION_NAME = "ha_recovery preflight"


def upstream_to(layout: Layout, me: str, host: str, address: str, port: int) -> Upstream:
    """How ``me`` would follow ``host``; the same files and the same TLS as postgresql_follow sets up."""
    return Upstream(
        host=host,
        address=address,
        port=port,
        user="replicator",
        passfile=str(layout.config_dir / "replication.pgpass"),
        sslmode="verify-full",
        sslrootcert=str(layout.config_dir / "tls" / "ca.crt"),
        slot_name=slot_name_for(me),
        application_name=me,
    )


def reason_of(done: Completed) -> str:
    """What the server or libpq said. It stands in psql's first line; what follows are remarks about files."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.timed_out or not lines:
        return done.reason
    return lines[0].rpartition(" failed: ")[2].removeprefix("FATAL:").strip()


def try_replication(runner: Runner, layout: Layout, upstream: Upstream, timeout: float = 1.0) -> dict[str, Any]:
    """``ok``, ``error``, ``seconds``, ``system_identifier`` and ``timeline`` as the other side identifies itself."""
    # libpq counts whole seconds; a busy host has taken more than 2. Ours ends the process when the time is over.
    asked = replace(upstream, application_name=APPLICATION_NAME, connect_timeout=3)
    argv = [str(layout.bin_dir / "psql"), "-XAtq", "-F", "|", "-d", f"{conninfo(asked)} replication=true"]
    began = time.monotonic()
    # libpq looks for a client certificate in the home directory and must not be sent to root's.
    home = {"HOME": "/var/lib/postgresql"}
    done = runner.run(as_user("postgres", [*argv, "-c", "IDENTIFY_SYSTEM"]), timeout=timeout, env=home)
    fields = done.stdout.strip().split("|")
    identified = done.ok and len(fields) >= 2 and fields[1].isdigit()
    return {
        "ok": identified,
        "error": None if identified else reason_of(done),
        "seconds": round(time.monotonic() - began, 3),
        "system_identifier": fields[0] if identified else None,
        "timeline": int(fields[1]) if identified else None,
    }


def try_all(
    runner: Runner, layout: Layout, me: str, hosts: Mapping[str, str], port: int, timeout: float = 1.0
) -> dict[str, dict[str, Any]]:
    """:func:`try_replication` to every host (name to address) but this one, all at once."""
    others = {name: address for name, address in hosts.items() if name != me}
    if not others:
        return {}
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        asked = {
            name: pool.submit(try_replication, runner, layout, upstream_to(layout, me, name, address, port), timeout)
            for name, address in others.items()
        }
        return {name: future.result() for name, future in asked.items()}
