# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is about to go wrong, or has, between the primary and its standbys. Each row that fits:

=====================================================================  ============================================
observed on the primary                                                next
=====================================================================  ============================================
the slot of a host has lost its WAL                                    rejoin.yml, which takes a copy
the slot of a host loses its WAL at the next checkpoint                rejoin.yml, at once
the slot of a host that reads nothing holds more than max_wal_size     rejoin.yml, before it is lost
a standby streams, and is more than the limits behind                  its disk, its line
a slot of no host, that nobody reads, holds more than max_wal_size     drop it
a slot of no host has lost its WAL                                     drop it
=====================================================================  ============================================

Source: PostgreSQL manual, pg_replication_slots (wal_status, safe_wal_size) and pg_stat_replication.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import slot_name_for
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, Slot
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import REJOIN, Reason

LAG_BYTES = 64 << 20
LAG_SECONDS = 60.0
HOLDS = {"extended", "unreserved"}


def _size(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size} B"


def _left(slot: Slot) -> str:
    return "" if slot.safe_bytes is None or slot.safe_bytes < 0 else f"; {_size(slot.safe_bytes)} more, and it is lost"


def _of_host(slot: Slot, node: Node, primary: Node) -> Reason | None:
    after, expected = REJOIN.format(host=node.host), f"{primary.host} keeps the WAL that it needs"
    if slot.wal_status == "lost":
        return Reason(
            node.host, f"{primary.host} has no WAL for it any more (slot {slot.name} is lost)", expected, after
        )
    if slot.active:
        return None
    holds = f"{primary.host} holds {_size(slot.retained_bytes)} of WAL for it"
    if slot.wal_status == "unreserved":
        return Reason(node.host, f"{holds}, and gives it up at its next checkpoint", expected, after)
    if slot.wal_status == "extended":
        return Reason(node.host, f"{holds}, and nobody reads it{_left(slot)}", "a streaming standby", after)
    return None


def _of_nobody(slot: Slot, primary: Node) -> Reason | None:
    if slot.active or slot.wal_status not in {*HOLDS, "lost"}:
        return None
    drop = f"if nobody needs it, on {primary.host}: SELECT pg_drop_replication_slot('{slot.name}')"
    if slot.wal_status == "lost":
        observed = f"the {slot.kind} slot {slot.name} has lost its WAL and is of no use"
        return Reason(primary.host, observed, "no such slot", drop)
    observed = f"the {slot.kind} slot {slot.name} of no host holds {_size(slot.retained_bytes)} of WAL{_left(slot)}"
    return Reason(primary.host, observed, "somebody reads it, or no such slot", drop)


def _lags(node: Node, primary: Node) -> Reason | None:
    sent = next(
        (row for row in primary.replication if row.name == slot_name_for(node.host) or row.name == node.host), None
    )
    behind = max((sent.lag_bytes if sent else None) or 0, node.lag_bytes or 0)
    late = node.lag_seconds or 0.0
    if not node.streaming or node.maintenance or (behind <= LAG_BYTES and (late <= LAG_SECONDS or not node.lag_bytes)):
        return None
    observed = f"{_size(behind)} behind {primary.host}" + (f", {late:.0f} s" if late > 1 else "")
    expected = f"at most {_size(LAG_BYTES)} and {LAG_SECONDS:.0f} s"
    return Reason(node.host, observed, expected, f"its disk, its line to {primary.host}, its queries; docs/status.md")


def standby_reasons(primary: Node, nodes: tuple[Node, ...]) -> Iterator[Reason]:
    """The rows of the table at the top that fit; ``primary`` is one of ``nodes``."""
    hosts = {slot_name_for(node.host): node for node in nodes}
    for slot in primary.slots:
        node = hosts.get(slot.name)
        other = node if node is not primary else None
        found = _of_host(slot, other, primary) if other else _of_nobody(slot, primary)
        if found is not None:
            yield found
    for node in nodes:
        late = _lags(node, primary)
        if late is not None:
            yield late
