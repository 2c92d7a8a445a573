# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load balancer says of itself before a change; routing and the virtual IP are asked for elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.host_facts import (
    Clock,
    read_certificates,
    read_disk,
    read_privilege,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user

#: Where the roles put certificates of a load balancer, as patterns below the root.
CERTIFICATES = ("etc/pgbouncer/tls/*.crt", "etc/haproxy/tls/*.crt")
#: HAProxy keeps its servers' state here, and systemd the sockets.
DISKS = ("var/lib/haproxy", "run")


def balancer_facts(
    runner: Runner,
    *,
    host: str,
    certificates: Sequence[str] = CERTIFICATES,
    disks: Sequence[str] = DISKS,
    timeout: float = 2.0,
    root: str = "/",
) -> dict[str, Any]:
    """``host``, ``clock``, ``privilege``, ``certificates`` (those that are there), ``disks``. Changes nothing.

    ``certificates`` are glob patterns and ``disks`` directories, both below ``root``.
    """
    clock = Clock()
    found = sorted({path for pattern in certificates for path in Path(root).glob(pattern.lstrip("/"))})
    return {
        "host": host,
        "privilege": read_privilege(runner, as_user, ""),
        "certificates": read_certificates(runner, found, timeout),
        "disks": [read_disk(Path(root, directory)) for directory in (one.lstrip("/") for one in disks)],
        "clock": clock.read(),
    }
