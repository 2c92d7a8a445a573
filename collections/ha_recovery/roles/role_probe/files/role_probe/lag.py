# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far this standby is behind, and how much that figure is worth. Pure.

A standby that is cut off sees no new WAL, so its own view says "no lag" for ever. Three things correct that: what the
WAL sender said about its own end of WAL, what the probes of the other database hosts report, and the age of the last
sign of life from either.
"""

from __future__ import annotations

from collections.abc import Iterable

from .config import Config
from .state import Peer, Server, View


def known_end(server: Server, peers: Iterable[Peer], remembered: int | None) -> int | None:
    """The newest WAL position that exists in the cluster, as far as anybody told us.

    :param peers: peers with fresh answers only. Another cluster's and an older timeline's positions do not count.
    :param remembered: the last known end on this timeline. It counts only while no primary can be heard: after a
        failover the old primary's last position may lie beyond the new primary's, and would show a lag that is none.
    """
    related = [
        peer
        for peer in peers
        if peer.state == "running"
        and peer.system_identifier == server.system_identifier
        and peer.timeline >= server.timeline
    ]
    told = [server.position, server.replayed, *(peer.position for peer in related)]
    streaming = server.receiver is not None and server.receiver.status == "streaming"
    if server.receiver is not None:
        told.append(server.receiver.latest_end)
    if not streaming and not any(peer.is_primary for peer in related):
        told.append(remembered)
    return max((position for position in told if position is not None), default=None)


def lag_bytes(server: Server, end: int | None, *, mode: str = "apply") -> int | None:
    """Bytes between ``end`` and what this standby has replayed (``apply``) or received (``write``). 0 on a primary."""
    if server.role == "primary":
        return 0
    here = server.position if mode == "write" else server.replayed
    if end is None or here is None:
        return None
    return max(0, end - here)


def lag_seconds(server: Server, end: int | None, wall_now: float) -> float | None:
    """Age of the last replayed commit while WAL is waiting, 0 when everything known is replayed. None: never replayed.

    Compares the primary's clock (commit time) with this host's: keep them in step.
    """
    behind = lag_bytes(server, end)
    if behind is None:
        return None
    if behind == 0:
        return 0.0
    if server.replayed_timestamp is None:
        return None
    return max(0.0, wall_now - server.replayed_timestamp)


def heard_age(view: View, config: Config) -> float | None:
    """Seconds since the rest of the cluster was last heard of: the age of the lag figures. None: never.

    A message of the WAL sender counts, and so does the answer of a probe whose server runs. When *every* peer answers,
    nobody can be ahead unseen, even if all their servers are down: that counts as well.
    """
    server = view.snapshot.server
    ages = []
    if server is not None and server.receiver is not None and server.receiver.message_age is not None:
        ages.append(server.receiver.message_age + view.age)
    answered = [(peer, view.now - peer.answered_at) for peer in view.peers if peer.answered_at is not None]
    ages.extend(age for peer, age in answered if peer.state == "running")
    if view.peers and all(peer.fresh(view.now, config.peer_max_age) for peer in view.peers):
        ages.append(max(age for _peer, age in answered))
    return max(0.0, min(ages)) if ages else None
