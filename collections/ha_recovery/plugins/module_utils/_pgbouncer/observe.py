# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a load balancer's PgBouncer: its version, and whether each pool runs with its files as they are now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import console, operate
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import POOLS, Instance

BINARY = "/usr/sbin/pgbouncer"
FILES = ("userlist.txt", "hba.conf", "tls/server.crt", "tls/ca.crt")


@dataclass(frozen=True)
class Unit:
    """systemd's view of a pool: whether it runs, and when it was last started or reloaded (seconds since 1970)."""

    active: bool
    since: int


def observe(
    runner: Runner, host: str, *, root: str = "/", ask: Callable[..., dict[str, Any]] = operate.info
) -> dict[str, Any]:
    """{host, installed, version, pools: [what :func:`operate.info` says, and port, stale: [file, …]]}.

    ``stale``: files that are newer than the last start or reload of a pool that runs. ``port``: None when it does not.
    """
    done = runner.run([BINARY, "--version"], timeout=5)
    names = [f"pgbouncer@{pool}.service" for pool in POOLS]
    shown = runner.run(
        ["systemctl", "show", "--property=Id,ActiveState,StateChangeTimestamp", "--timestamp=unix", *names], timeout=5
    )
    units = parse_units(shown.stdout if shown.ok else "")
    pools = []
    for pool in POOLS:
        instance = Instance(pool, run=str(Path(root, "run")), etc=str(Path(root, "etc/pgbouncer")))
        unit = units.get(f"pgbouncer@{pool}.service", Unit(False, 0))
        changed = modified(Path(instance.etc), (f"{pool}.ini", *FILES))
        pools.append({**ask(runner, instance), "port": port(instance), "stale": stale(unit, changed)})
    return {"host": host, "installed": done.rc != 127, "version": parse_version(done.stdout), "pools": pools}


def parse_version(text: str) -> str | None:
    """``1.24.1`` out of ``PgBouncer 1.24.1`` and what follows; None when there is none."""
    found = re.search(r"PgBouncer (\d+(?:\.\d+)*)", text)
    return found.group(1) if found else None


def parse_units(text: str) -> dict[str, Unit]:
    """``systemctl show`` of several units: blocks of ``Name=value`` with an empty line between them."""
    units = {}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        since = values.get("StateChangeTimestamp", "").removeprefix("@")
        unit = Unit(values.get("ActiveState") == "active", int(since) if since.isdigit() else 0)
        units[values.get("Id", "")] = unit
    return units


def stale(unit: Unit, changed: Mapping[str, float]) -> list[str]:
    """Files (name to time of change) that a running pool has not read yet. A second is as exact as systemd tells."""
    return [name for name, when in changed.items() if unit.active and int(when) > unit.since]


def modified(folder: Path, names: Iterable[str]) -> dict[str, float]:
    """When each of the files that exist was last changed."""
    found = {}
    for name in names:
        try:
            found[name] = (folder / name).stat().st_mtime
        except OSError:
            continue
    return found


def port(instance: Instance) -> int | None:
    """The port that a pool listens on: its socket's name carries it."""
    try:
        return int(console.socket_in(instance.socket_directory).rpartition(".")[2])
    except console.NotRunning:
        return None
