# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a load balancer keeps its clients away from a server: what it answered is compared with what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import READ_WRITE


def balancer_proof(host: str, answer: Mapping[str, Any], servers: Sequence[str]) -> list[str]:
    """What is missing on one load balancer: every server in maintenance, in the read-write backend at least."""
    if answer.get("failed") or answer.get("unreachable") or "servers" not in answer:
        return [f"{host}: {answer.get('msg') or 'did not say that its servers are in maintenance'}"]
    states: dict[str, dict[str, str]] = {name: {} for name in servers}
    for row in answer["servers"]:
        states.setdefault(str(row["server"]), {})[str(row["backend"])] = str(row["state"])
    return [
        f"{host}: {name} is not proven to be in maintenance"
        for name in servers
        if states[name].get(READ_WRITE) != "maint" or set(states[name].values()) != {"maint"}
    ]
