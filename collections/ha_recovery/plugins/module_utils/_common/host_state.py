# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role finds on its host before it does anything: packages, users, services, and whether these read their files.

One look answers what a dozen tasks would ask one after another; the tasks that act are skipped where nothing is due.
"""

from __future__ import annotations

import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner

# A file's time is exact, systemd's of a service are whole seconds.
GRACE_S = 1.0


@dataclass(frozen=True)
class Service:
    """A unit as systemd knows it. ``since``: last start or reload, seconds since 1970; 0 when it is not active."""

    active: bool
    enabled: bool
    known: bool
    reload_needed: bool
    since: float


def parse_show(text: str) -> dict[str, str]:
    """``KEY=value`` lines of ``systemctl show``."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def service_from(shown: Mapping[str, str]) -> Service:
    """Source: systemctl(1), ``show --timestamp=unix``; org.freedesktop.systemd1(5) for the properties."""
    stamp = shown.get("StateChangeTimestamp", "").lstrip("@")
    active = shown.get("ActiveState") in ("active", "reloading")
    return Service(
        active=active,
        enabled=shown.get("UnitFileState") in ("enabled", "enabled-runtime", "static", "alias", "linked"),
        known=shown.get("LoadState") == "loaded",
        reload_needed=shown.get("NeedDaemonReload") == "yes",
        since=float(stamp) if active and stamp.isdigit() else 0.0,
    )


def stale_files(service: Service, changed_at: Mapping[str, float]) -> list[str]:
    """Files that were written after the service last started or reloaded: an earlier run was cut off in between."""
    if not service.active:
        return []
    return sorted(path for path, at in changed_at.items() if at > service.since + GRACE_S)


def due(service: Service, stale: Sequence[str]) -> list[str]:
    """Why something has to be done about a service; empty when it is as it should be."""
    reasons = []
    if not service.known:
        reasons.append("is not known to systemd")
    if service.reload_needed:
        reasons.append("its unit changed on disk")
    if not service.active:
        reasons.append("does not run")
    if not service.enabled:
        reasons.append("does not start at boot")
    if stale:
        reasons.append(f"does not run with {', '.join(stale)} yet")
    return reasons


def missing_packages(runner: Runner, packages: Sequence[str]) -> list[str]:
    """Debian packages that are not installed (dpkg-query(1))."""
    if not packages:
        return []
    done = runner.run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages], timeout=20)
    there = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in there]


def missing_users(users: Sequence[str]) -> list[str]:
    """System users that do not exist."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return [name for name in users if name not in known]


def look_at(runner: Runner, unit: str, reads: Sequence[str]) -> tuple[Service, list[str]]:
    """The unit, and which of the files that it reads are newer than its last start or reload."""
    properties = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,StateChangeTimestamp"
    done = runner.run(["systemctl", "show", "--timestamp=unix", f"--property={properties}", unit], timeout=10)
    service = service_from(parse_show(done.stdout))
    changed_at = {path: Path(path).stat().st_mtime for path in reads if Path(path).exists()}
    return service, stale_files(service, changed_at)
