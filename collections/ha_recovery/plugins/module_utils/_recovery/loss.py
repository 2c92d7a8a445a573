# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failover may lose, said before it acts.

Synchronous (ANY 1): every acknowledged commit is on the primary and on one standby at least. When every standby was
seen, the one with the highest received position holds them all: nothing acknowledged is lost. A standby nobody saw may
be the only one that has some of them: then loss cannot be excluded.

Asynchronous: the primary may have written what nobody received. Known is how far somebody heard that it had written:
a WAL receiver from the primary's messages, which wait behind WAL on a slow line, and each role probe, which asks every
half second. The difference to what the candidate holds is the least that is lost. What it wrote between the last answer
and its death is estimated: at the pace of its last seconds, for as long as the next answer was due. The sum is quoted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import lsn_distance, newest_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Heard, Node, host_of

# A probe asks every 0.5 s and waits 0.4 s for an answer; a death right before the next question, and one lost answer.
UNHEARD_S = 1.5


@dataclass(frozen=True)
class Loss:
    """``bytes_known``: WAL that somebody heard of and the candidate lacks. ``excluded``: no acknowledged loss.

    ``bytes_unheard``: what it may have written since, at its pace until then. ``bytes_quoted``: the sum, which is held
    against the budget.
    """

    excluded: bool
    bytes_known: int
    bytes_unheard: int
    bytes_quoted: int
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
    heard += [one.lsn for one in _of(nodes, lost)]
    return newest_lsn(*heard)


def _of(nodes: tuple[Node, ...], lost: tuple[str, ...]) -> list[Heard]:
    """What the probes of the others heard of the lost primary."""
    return [one for node in nodes if node.host not in lost for one in node.heard if one.name in lost]


def unheard(nodes: tuple[Node, ...], lost: tuple[str, ...]) -> int:
    """What it may have written after the newest answer that a probe got; 0 when its own files speak."""
    if any(node.reachable for node in nodes if node.host in lost):
        return 0
    heard = _of(nodes, lost)
    return round(max((one.bytes_per_s for one in heard), default=0) * UNHEARD_S)


def quote(
    nodes: tuple[Node, ...], lost: tuple[str, ...], candidate: Node, *, synchronous: bool, unseen: tuple[str, ...]
) -> Loss:
    """The quote for promoting ``candidate``."""
    heard = last_heard(nodes, lost)
    missing = lsn_distance(heard, candidate.received_lsn) or 0
    more = 0 if synchronous else unheard(nodes, lost)
    since = candidate.last_commit_at or "an unknown time"
    if synchronous and not unseen:
        text = "no acknowledged commit: synchronous replication is on and every standby was seen"
        if missing:
            text += f"; {missing} bytes of WAL that no standby had confirmed are dropped"
    elif synchronous:
        text = f"cannot be excluded: {', '.join(unseen)} may hold commits newer than {since} that nobody else has"
    else:
        text = (
            f"{missing + more} bytes of WAL: {missing} that somebody heard of, {more} at the pace of the last seconds; "
            f"commits since {since}, the last one that {candidate.host} has"
        )
    return Loss(
        excluded=synchronous and not unseen,
        bytes_known=missing,
        bytes_unheard=more,
        bytes_quoted=missing + more,
        last_heard_lsn=heard,
        candidate_lsn=candidate.received_lsn,
        last_commit_at=candidate.last_commit_at,
        text=text,
    )
