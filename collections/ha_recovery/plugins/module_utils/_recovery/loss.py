# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failover may lose, said before it acts.

Synchronous (ANY 1): every acknowledged commit is on the primary and on one standby at least. When every standby was
seen, the one with the highest received position holds them all: nothing acknowledged is lost. A standby nobody saw may
be the only one that has some of them: then loss cannot be excluded.

Asynchronous: the primary may have written what nobody received. Known is how far somebody heard that it had written;
the difference to what the candidate holds is the least that is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import lsn_distance, newest_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of


@dataclass(frozen=True)
class Loss:
    """``bytes_known``: WAL that somebody heard of and the candidate lacks. ``excluded``: no acknowledged loss."""

    excluded: bool
    bytes_known: int
    last_heard_lsn: str | None
    candidate_lsn: str | None
    last_commit_at: str | None
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for plan and record."""
        return asdict(self)


def last_heard(nodes: tuple[Node, ...], lost: tuple[str, ...]) -> str | None:
    """The newest WAL position of the lost primary that anybody heard of; its own files speak when it is reachable."""
    heard = [node.received_lsn for node in nodes if node.is_standby]
    heard += [
        node.receiver.latest_end_lsn
        for node in nodes
        if node.receiver is not None and host_of(node.receiver.sender_host, nodes) in lost
    ]
    heard += [node.received_lsn for node in nodes if node.host in lost and node.reachable]
    return newest_lsn(*heard)


def quote(
    nodes: tuple[Node, ...], lost: tuple[str, ...], candidate: Node, *, synchronous: bool, unseen: tuple[str, ...]
) -> Loss:
    """The quote for promoting ``candidate``."""
    heard = last_heard(nodes, lost)
    missing = lsn_distance(heard, candidate.received_lsn) or 0
    since = candidate.last_commit_at or "an unknown time"
    if synchronous and not unseen:
        text = "no acknowledged commit: synchronous replication is on and every standby was seen"
        if missing:
            text += f"; {missing} bytes of WAL that no standby had confirmed are dropped"
    elif synchronous:
        text = f"cannot be excluded: {', '.join(unseen)} may hold commits newer than {since} that nobody else has"
    else:
        text = (
            f"at least {missing} bytes of WAL; the primary may also have written what nobody received since {since}, "
            f"the last commit that {candidate.host} has"
        )
    return Loss(
        excluded=synchronous and not unseen,
        bytes_known=missing,
        last_heard_lsn=heard,
        candidate_lsn=candidate.received_lsn,
        last_commit_at=candidate.last_commit_at,
        text=text,
    )
