# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the running nodes say the cluster is. The inventory names hosts; only observation says who is primary.

The table, first row that fits:

=====================================================================  ==============
observed                                                               situation
=====================================================================  ==============
data of more than one system identifier                                mixed_systems
no data anywhere and every expected host was seen                      bootstrap
two writable primaries on the newest timeline                          split_brain
a writable primary, and any host has seen a newer timeline             stale_primary
one writable primary                                                   one_primary
data somewhere, no writable primary                                    no_primary
only empty hosts were seen, and some were not seen                     unknown
=====================================================================  ==============
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import back_with, told
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of

STATUS = "ansible-playbook playbooks/status.yml"
FAILOVER = "ansible-playbook playbooks/failover.yml"
REJOIN = "ansible-playbook playbooks/rejoin.yml -e rejoin_host={host}"
SITE = "ansible-playbook playbooks/site.yml"


@dataclass(frozen=True)
class Reason:
    """Why the verdict is not green: the host, what was seen, what would be fine, and the next command."""

    host: str
    observed: str
    expected: str
    next: str
    severity: str = "yellow"


@dataclass(frozen=True)
class Topology:
    """The cluster as observed. ``primary`` is the one writable node of the newest timeline, or None."""

    situation: str
    verdict: str
    primary: str | None
    standbys: tuple[str, ...]
    unreachable: tuple[str, ...]
    fenced: tuple[str, ...]
    empty: tuple[str, ...]
    stale: tuple[str, ...]
    system_identifier: str | None
    timeline: int | None
    reasons: tuple[Reason, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data with lists, as filters hand it to playbooks."""
        plain = asdict(self)
        for key in ("standbys", "unreachable", "fenced", "empty", "stale"):
            plain[key] = list(plain[key])
        plain["reasons"] = [dict(reason) for reason in plain["reasons"]]
        return plain


def _situation(nodes: tuple[Node, ...]) -> tuple[str, str | None, tuple[str, ...]]:
    """Situation, primary, and the stale primaries; see the table at the top."""
    with_data = [node for node in nodes if node.reachable and node.data_state != "absent"]
    systems = {node.system_identifier for node in with_data if node.system_identifier}
    if len(systems) > 1:
        return "mixed_systems", None, ()
    if not with_data:
        return ("bootstrap" if nodes and all(node.reachable for node in nodes) else "unknown"), None, ()
    newest = max((node.timeline or 0 for node in with_data), default=0)
    primaries = [node for node in nodes if node.is_primary]
    current = [node.host for node in primaries if (node.timeline or 0) == newest]
    stale = tuple(node.host for node in primaries if (node.timeline or 0) < newest)
    if len(current) > 1:
        return "split_brain", None, stale
    if stale:
        return "stale_primary", (current[0] if current else None), stale
    if current:
        return "one_primary", current[0], ()
    return "no_primary", None, ()


def _situation_reasons(
    nodes: tuple[Node, ...], situation: str, primary: str | None, stale: tuple[str, ...]
) -> list[Reason]:
    """One reason per host that makes the whole situation bad."""
    if situation == "mixed_systems":
        return [
            Reason(
                node.host,
                f"data of system {node.system_identifier}",
                "one system identifier on all hosts",
                f"decide whose data is the cluster's; keep the others aside, then {SITE}",
                "red",
            )
            for node in nodes
            if node.system_identifier
        ]
    if situation == "split_brain":
        return [
            Reason(
                node.host,
                f"writable primary on timeline {node.timeline}",
                "one writable primary",
                f"stop Postgres on the one whose writes you will not keep (systemctl stop postgresql@*), then {STATUS}",
                "red",
            )
            for node in nodes
            if node.is_primary
        ]
    if situation == "stale_primary":
        after = FAILOVER if primary else STATUS
        newest = max(node.timeline or 0 for node in nodes)
        return [
            Reason(host, f"writable primary behind timeline {newest}", "fenced or following", after, "red")
            for host in stale
        ]
    if situation == "no_primary":
        return [Reason("cluster", "no writable primary", "one writable primary", FAILOVER, "red")]
    if situation == "bootstrap":
        return [Reason("cluster", "no data on any host", "one primary", SITE, "red")]
    if situation == "unknown":
        return [Reason("cluster", "no data on the hosts that answered", "every host seen", STATUS, "red")]
    return []


def _host_reason(node: Node, primary: Node | None, nodes: tuple[Node, ...]) -> Reason | None:
    """What is wrong with one host, most serious first; None when it is as it should be."""
    rejoin = REJOIN.format(host=node.host)
    if not node.reachable:
        return Reason(node.host, "not reachable from the control node", "reachable", f"restore it, then {STATUS}")
    if node.data_state == "foreign":
        return Reason(
            node.host,
            "its data directory holds files of something else or of another major version",
            "an empty directory or this cluster's data",
            f"move the files away, then {SITE}",
            "red",
        )
    if node.fenced:
        why = f" ({node.fence_reason})" if node.fence_reason else ""
        return Reason(node.host, f"fenced{why}", "a streaming standby", rejoin)
    if node.maintenance and node.role in {"stopped", "standby"}:
        return Reason(node.host, told(node.maintenance), "in service", back_with(node.host))
    if node.role == "absent":
        return Reason(node.host, "no data", "a streaming standby", SITE)
    if node.role == "hung":
        how = "cannot write" if (node.error or "").startswith(("disk stuck", "disk full")) else "does not answer"
        return Reason(node.host, f"Postgres runs and {how}: {node.error}", "an answering server", FAILOVER, "red")
    if node.role == "stopped" and node.boot_guard is not None and node.boot_guard.holds:
        held = f"its boot guard keeps Postgres from starting: {node.boot_guard.reason}"
        return Reason(node.host, held, "a streaming standby" if primary else "running", node.boot_guard.next or rejoin)
    if node.role == "primary" and node.boot_guard is not None and node.boot_guard.verdict == "refused":
        past = f"runs although its boot guard refused: {node.boot_guard.reason}"
        return Reason(node.host, past, "started by systemctl", "docs/boot_guard.md", "red")
    if node.role == "stopped":
        return Reason(node.host, f"Postgres is stopped ({node.control_state or node.error})", "running", rejoin)
    if primary is None or node.role == "primary":
        return None
    follows = host_of(node.upstream, nodes) or node.upstream
    if follows != primary.host:
        return Reason(node.host, f"follows {follows or 'nobody'}", f"follows {primary.host}", FAILOVER)
    if not node.streaming:
        return Reason(node.host, "receives no WAL", f"streams from {primary.host}", rejoin)
    if node.timeline is not None and primary.timeline is not None and node.timeline < primary.timeline:
        return Reason(node.host, f"on timeline {node.timeline}", f"on timeline {primary.timeline}", rejoin)
    if node.replay_paused:
        return Reason(node.host, "replay is paused", "replaying", f"SELECT pg_wal_replay_resume() on {node.host}")
    return None


def _primary_reasons(primary: Node) -> list[Reason]:
    """Synchronous replication: switched off by a failover, or waiting for a standby that is not there."""
    if primary.sync_degraded:
        return [
            Reason(
                primary.host,
                "synchronous replication is switched off (95-degraded.conf)",
                "one synchronous standby",
                REJOIN.format(host="..."),
            )
        ]
    if primary.synchronous_standby_names and not any(
        row.sync_state in {"sync", "quorum"} and row.state == "streaming" for row in primary.replication
    ):
        return [
            Reason(
                primary.host,
                "commits wait: no synchronous standby is streaming",
                f"one of {primary.synchronous_standby_names}",
                "bring a standby back (its own line says how)",
                "red",
            )
        ]
    return []


def topology_of(nodes: tuple[Node, ...]) -> Topology:
    """Judge the observed nodes. Green: nothing to do; yellow: serves, needs care; red: does not serve safely."""
    situation, primary, stale = _situation(nodes)
    primary_node = next((node for node in nodes if node.host == primary), None)
    reasons = _situation_reasons(nodes, situation, primary, stale)
    if situation not in {"bootstrap", "mixed_systems"}:
        found = [_host_reason(node, primary_node, nodes) for node in nodes if node.host not in stale]
        reasons += [reason for reason in found if reason is not None]
    if primary_node is not None:
        reasons += _primary_reasons(primary_node)
    severities = {reason.severity for reason in reasons}
    reachable = [node for node in nodes if node.reachable]
    identifiers = {node.system_identifier for node in reachable if node.system_identifier}
    timelines = [node.timeline for node in reachable if node.timeline is not None]
    return Topology(
        situation=situation,
        verdict="red" if "red" in severities else "yellow" if severities else "green",
        primary=primary,
        standbys=tuple(node.host for node in nodes if node.is_standby),
        unreachable=tuple(node.host for node in nodes if not node.reachable),
        fenced=tuple(node.host for node in nodes if node.fenced),
        empty=tuple(node.host for node in reachable if node.data_state == "absent"),
        stale=stale,
        system_identifier=identifiers.pop() if len(identifiers) == 1 else None,
        timeline=max(timelines) if timelines else None,
        reasons=tuple(reasons),
    )
