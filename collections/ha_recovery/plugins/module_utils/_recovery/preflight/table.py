# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check of preflight, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import backup, balancers, disk, hosts, replication, settings, synchronous, topology, workload
from .check import Check

#: Subject to its checks.
SUBJECTS: dict[str, tuple[Check, ...]] = {
    "cluster": topology.CHECKS,
    "hosts": hosts.CHECKS,
    "replication": (*replication.CHECKS, *synchronous.CHECKS),
    "settings": settings.CHECKS,
    "workload": workload.CHECKS,
    "backup and archive": backup.CHECKS,
    "disk": disk.CHECKS,
    "load balancers": balancers.CHECKS,
}
CHECKS: tuple[Check, ...] = tuple(check for checks in SUBJECTS.values() for check in checks)
BY_NAME: dict[str, Check] = {check.name: check for check in CHECKS}

#: Name to what a person accepts who waives it.
WAIVERS: dict[str, str] = {check.name: check.accepts for check in CHECKS if check.accepts}


def parse_waivers(value: Any) -> frozenset[str]:
    """A list, or a comma-separated text as ``-e`` gives it. Raises ValueError for a name that cannot be waived."""
    words: Iterable[str] = value.split(",") if isinstance(value, str) else [str(one) for one in value or ()]
    given = frozenset(word.strip() for word in words if word.strip())
    never = sorted(name for name in given if name in BY_NAME and name not in WAIVERS)
    unknown = sorted(given - set(BY_NAME))
    if never or unknown:
        wrong = [f"{name} (this check cannot be waived)" for name in never] + [
            f"{name} (no such check)" for name in unknown
        ]
        raise ValueError(f"preflight_waive is {', '.join(wrong)}; allowed: {', '.join(sorted(WAIVERS))}")
    return given
