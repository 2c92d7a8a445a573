# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier failover, interrupted or run while a host was away, left to do around a healthy primary."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of


@dataclass(frozen=True)
class Leftover:
    """``gone``: hosts that an earlier failover took out. The other fields are what is still to be done."""

    gone: tuple[str, ...]
    fence_hosts: tuple[str, ...]
    fence_servers: tuple[str, ...]
    admit_servers: tuple[str, ...]
    follow: tuple[str, ...]
    degrade_sync: bool
    notes: tuple[str, ...]

    @property
    def any(self) -> bool:
        """True when something is still to be done."""
        return bool(self.fence_hosts or self.fence_servers or self.admit_servers or self.follow or self.degrade_sync)


def _serves(node: Node | None, primary: Node, nodes: tuple[Node, ...]) -> bool:
    """True for the primary itself and for a running standby that is not fenced."""
    return node is not None and (node.host == primary.host or (node.is_standby and not node.fenced))


def leftovers(
    primary: Node,
    stale: tuple[str, ...],
    nodes: tuple[Node, ...],
    balancers: tuple[Balancer, ...],
    *,
    synchronous: bool,
) -> Leftover:
    """Compare the hosts and load balancers with what a complete failover leaves behind.

    A host counts as taken out when it carries a fence marker, when it still runs as a primary of an older timeline, or
    when a load balancer keeps it in maintenance while it does not serve. Every reachable load balancer must agree.
    """
    by_name = {node.host: node for node in nodes}
    reachable = [one for one in balancers if one.reachable and one.running]
    in_maintenance = {name for one in reachable for name in one.in_maintenance()}
    gone = {node.host for node in nodes if node.fenced} | set(stale)
    gone |= {name for name in in_maintenance if not _serves(by_name.get(name), primary, nodes)}
    gone &= {node.host for node in nodes if node.fenced or not node.maintenance}
    unfenced = {name for name in gone for one in reachable if not one.fenced(name) and one.server(name)}
    follow = tuple(
        node.host
        for node in nodes
        if node.is_standby
        and not node.fenced
        and node.host != primary.host
        and host_of(node.upstream, nodes) != primary.host
    )
    attached = any(row.state == "streaming" for row in primary.replication)
    standbys = [node for node in nodes if node.is_standby and not node.fenced]
    admit = {primary.host} if primary.host in in_maintenance else set()
    notes = []
    if primary.sync_degraded:
        notes.append(f"synchronous replication is switched off on {primary.host} until a standby is back")
    return Leftover(
        gone=tuple(sorted(gone)),
        fence_hosts=tuple(sorted(name for name in stale if by_name[name].reachable)),
        fence_servers=tuple(sorted(unfenced)),
        admit_servers=tuple(sorted(admit)),
        follow=follow,
        degrade_sync=bool(synchronous and gone and primary.synchronous_standby_names and not attached and not standbys),
        notes=tuple(notes),
    )
