# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fence before promote, with proof: what the fencing steps answered is compared with what the plan requires."""

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


def host_proof(host: str, result: Mapping[str, Any]) -> list[str]:
    """What is missing on one fenced database host."""
    if result.get("fenced") is True and not result.get("failed"):
        return []
    return [f"{host}: {result.get('msg') or 'did not say that it is fenced'}"]


def missing_proofs(plan: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Everything that keeps the plan's promotion from being safe; an empty list means go.

    ``answers``: host name to ``{"balancer": result of haproxy_server, "fence": result of postgresql_fence}``. Every
    reachable load balancer has to be proven. A host that did not let itself be fenced (a stuck disk) is like one that
    is not reachable: it blocks only when a load balancer was skipped.
    """
    missing = []
    for name in plan["fence_load_balancers"] if plan["fence_servers"] else ():
        answer = answers.get(name, {})
        missing += balancer_proof(name, answer.get("balancer") or {}, plan["fence_servers"])
    unfenced = unfenced_hosts(plan, answers)
    if missing or plan["skipped_load_balancers"]:
        missing += unfenced
    return missing


def unfenced_hosts(plan: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Reachable hosts that did not prove their fence; said in the record even when the load balancers make it safe."""
    return [line for name in plan["fence_hosts"] for line in host_proof(name, answers.get(name, {}).get("fence") or {})]
