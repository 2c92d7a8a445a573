# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which standby becomes primary: the one that has the most, never the first in the inventory.

Order: newest timeline, then highest received WAL position, then the standby that others already follow (an
interrupted failover goes on as it began), then the higher ``failover_priority``, then a named synchronous standby, then
the name. A priority never weighs against WAL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import told
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import lsn_or_none, parse_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of

# A promotion writes: a history file, an end-of-recovery record, the first segment of the new timeline.
ROOM = 64 << 20


@dataclass(frozen=True)
class Standing:
    """One database host as a candidate: eligible, or why not."""

    host: str
    eligible: bool
    why: str


def priorities_from(given: Mapping[str, Any]) -> dict[str, int]:
    """Whole numbers by host. Raises ValueError for anything else."""
    found = {}
    for host, value in given.items():
        try:
            found[str(host)] = int(str(value))
        except ValueError as error:
            raise ValueError(f"{host}: failover_priority is {value!r}; expected a whole number") from error
    return found


def standing_of(node: Node, system_identifier: str | None) -> Standing:
    """Whether this host may be promoted, first reason that fits."""
    if not node.reachable:
        return Standing(node.host, False, "not reachable")
    if node.fenced:
        return Standing(node.host, False, "fenced")
    if node.maintenance:
        return Standing(node.host, False, told(node.maintenance))
    if node.role != "standby":
        return Standing(node.host, False, f"not a running standby ({node.role})")
    if system_identifier is not None and node.system_identifier != system_identifier:
        return Standing(node.host, False, f"belongs to another system ({node.system_identifier})")
    received, replayed = lsn_or_none(node.received_lsn), lsn_or_none(node.replayed_lsn)
    if received is None or node.timeline is None:
        return Standing(node.host, False, "its WAL position is not known")
    if node.replay_paused and (replayed is None or replayed < received):
        return Standing(node.host, False, "its replay is paused with WAL pending")
    if node.wal_free_bytes is not None and node.wal_free_bytes < ROOM:
        free = f"{node.wal_free_bytes >> 20} MiB free where it writes WAL"
        return Standing(node.host, False, f"{free}, expected {ROOM >> 20}: it would not survive its promotion")
    return Standing(node.host, True, f"timeline {node.timeline}, received {node.received_lsn}")


def _rank(node: Node, nodes: tuple[Node, ...], priorities: Mapping[str, int]) -> tuple[int, int, int, int, int, str]:
    followers = sum(1 for other in nodes if other.is_standby and host_of(other.upstream, nodes) == node.host)
    named = f'"{node.host}"' in node.synchronous_standby_names or node.host in node.synchronous_standby_names.split()
    received = parse_lsn(node.received_lsn) if node.received_lsn is not None else 0
    return (-(node.timeline or 0), -received, -followers, -priorities.get(node.host, 0), 0 if named else 1, node.host)


def _has(node: Node) -> tuple[int, int]:
    return (node.timeline or 0, parse_lsn(node.received_lsn) if node.received_lsn else 0)


def choose(
    nodes: tuple[Node, ...], system_identifier: str | None, priorities: Mapping[str, int] | None = None
) -> tuple[Node | None, tuple[Standing, ...]]:
    """The candidate, or None, and every host's standing. ``priorities``: by host, 0 where nothing is said."""
    standings = tuple(standing_of(node, system_identifier) for node in nodes)
    names = {standing.host for standing in standings if standing.eligible}
    eligible = sorted(
        (node for node in nodes if node.host in names), key=lambda node: _rank(node, nodes, priorities or {})
    )
    return (eligible[0] if eligible else None), standings


def unseen_standbys(nodes: tuple[Node, ...], lost: tuple[str, ...], candidate: str) -> tuple[tuple[str, str], ...]:
    """Hosts that may hold WAL newer than the candidate's, with what is known of them.

    A fenced or an empty host has acknowledged nothing since; a running standby was compared, and counts when it has
    more and may not be promoted; what a host had that went out for maintenance, others had too. All others are unseen.
    """
    unseen = []
    chosen = next((node for node in nodes if node.host == candidate), None)
    for node in nodes:
        if node.host in lost or node.host == candidate or node.fenced or node.is_primary:
            continue
        if node.is_standby:
            # One that has more and may be promoted would be the candidate.
            if chosen is not None and not node.maintenance and _has(node) > _has(chosen):
                unseen.append((node.host, f"has {node.received_lsn} and may not be promoted, see above"))
            continue
        if node.maintenance and node.maintenance.get("covered") and node.role == "stopped":
            continue
        if node.reachable and node.data_state != "initialized":
            continue
        unseen.append((node.host, "not reachable" if not node.reachable else f"Postgres is {node.role}"))
    return tuple(unseen)
