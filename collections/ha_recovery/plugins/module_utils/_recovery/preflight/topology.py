# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on the cluster as a whole: one primary, one system, one version, everybody there."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import FAILOVER, REJOIN, SITE, STATUS

from .check import BLOCK, CLUSTER, PLANNED, WARN, WARN_ALWAYS, Check, Finding, fine, levels, unknown
from .look import PURPOSES, Look

_SITUATIONS = {
    "split_brain": ("two writable primaries on one timeline", f"stop the one whose writes you give up, then {STATUS}"),
    "stale_primary": ("a writable primary behind the newest timeline", FAILOVER),
    "no_primary": ("no writable primary", FAILOVER),
    "bootstrap": ("no data on any host", SITE),
    "unknown": ("no data on the hosts that answered", STATUS),
    "mixed_systems": ("data of different clusters", STATUS),
}


def one_primary(look: Look) -> Iterator[Finding]:
    """Exactly one writable primary, on the newest timeline anybody has seen."""
    situation = look.topology.situation
    if situation == "one_primary":
        yield fine(CLUSTER, f"{look.topology.primary} is primary on timeline {look.topology.timeline}")
        return
    observed, fix = _SITUATIONS.get(situation, (situation, STATUS))
    who = sorted(node.host for node in look.nodes if node.is_primary)
    names = f" ({', '.join(who)})" if who else ""
    yield Finding(CLUSTER, BLOCK, observed + names, "one writable primary, on the newest timeline", fix)


def one_system(look: Look) -> Iterator[Finding]:
    """All data comes from one initdb."""
    seen = {node.host: node.system_identifier for node in look.nodes if node.reachable and node.system_identifier}
    for node in look.nodes:
        if node.reachable and node.data_state == "initialized" and node.host not in seen:
            yield unknown(node.host, "its system identifier", BLOCK if look.matters(node.host) else WARN)
    if len(set(seen.values())) > 1:
        told = ", ".join(f"{host} {identifier}" for host, identifier in sorted(seen.items()))
        fix = f"decide whose data is the cluster's, keep the others aside, then {SITE}"
        yield Finding(CLUSTER, BLOCK, told, "one system identifier on all hosts", fix)
    elif seen:
        yield fine(CLUSTER, f"system {min(seen.values())}")


def same_version(look: Look) -> Iterator[Finding]:
    """Streaming needs one major version; minor ones may differ for the length of an update."""
    versions = {node.host: facts.version for node, facts in look.running()}
    for host, version in sorted(versions.items()):
        if version is None:
            yield unknown(host, "the server's version")
    known = {host: version for host, version in versions.items() if version is not None}
    told = ", ".join(f"{host} {version // 10000}.{version % 10000}" for host, version in sorted(known.items()))
    if len({version // 10000 for version in known.values()}) > 1:
        yield Finding(CLUSTER, BLOCK, told, "one major version", f"upgrade the hosts that are behind, then {SITE}")
    elif len(set(known.values())) > 1:
        yield Finding(CLUSTER, WARN, told, "one minor version", "ansible-playbook playbooks/rolling_update.yml")
    elif known:
        yield fine(CLUSTER, told)


def hosts_reachable(look: Look) -> Iterator[Finding]:
    """Every host of the estate answers: one that does not can neither follow nor be turned."""
    hosts = [(node.host, node.reachable, node.error) for node in look.nodes]
    hosts += [(one.host, one.reachable, one.error) for one in look.balancers]
    for host, reachable, error in hosts:
        if reachable:
            yield fine(host, "answers")
        else:
            yield Finding(host, BLOCK, error or "does not answer", "reachable", f"restore it, then {STATUS}")
    for host, error in sorted(look.others.items()):
        if error:
            yield Finding(host, WARN, error, "reachable, with root by sudo", f"restore it, then {STATUS}")
        else:
            yield fine(host, "answers, and lets us be root")


def fenced_hosts(look: Look) -> Iterator[Finding]:
    """A fenced host is one standby fewer."""
    for node in look.nodes:
        if node.fenced:
            why = f"fenced ({node.fence_reason})" if node.fence_reason else "fenced"
            yield Finding(node.host, WARN, why, "a streaming standby", REJOIN.format(host=node.host))
        elif node.reachable:
            yield fine(node.host, "not fenced")


CHECKS = (
    Check(
        "one_primary",
        one_primary,
        levels(block=(*PLANNED, "lb_failover")),
        "Acting on two primaries, or on an old one, would lose writes.",
    ),
    Check("one_system", one_system, levels(block=PURPOSES), "Data of another system can never follow this primary."),
    Check(
        "same_version",
        same_version,
        levels(block=PLANNED, warn=("failover",)),
        "WAL of one major version cannot be replayed by another.",
    ),
    Check(
        "hosts_reachable",
        hosts_reachable,
        levels(block=(*PLANNED, "lb_failover"), warn=("failover",)),
        "A host that is away can neither follow the new primary nor be turned to it.",
        "hosts that are away stay behind; a load balancer among them notices the new primary by its own checks",
    ),
    Check("fenced_hosts", fenced_hosts, WARN_ALWAYS, "A fenced host is one standby fewer until it is brought back."),
)
