# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the primary dead, or is it only us who cannot see it? What each host says, collected.

One host's silence proves nothing: the control node may be cut off. So everybody is heard.

========================================================  ========  ============================================
sign of life                                              strength  why
========================================================  ========  ============================================
another database host's fresh GET /primary answers 200    strong    asked just now, answered by a live primary
a load balancer's check says UP                           weak      checks need up to ~1.5 s to notice a death
its role probe says that Postgres is about to run         weak      not reachable here, it cannot be fenced there
a standby's WAL receiver heard from it within 1 s         weak      the age says how long ago, not whether now
========================================================  ========  ============================================

A strong sign refuses at once. A weak one alone asks for another look once it has aged, and refuses when it persists.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of

# A busy primary is heard from every few milliseconds, an idle one every 2.5 s (half of wal_sender_timeout).
FRESH_S = 1.0
# Within so many seconds of a death the load balancers' checks have noticed it: two that fail, and their time limits.
CHECKED_S = 1.5
# So long one that was about to start is left alone to do so, or to be let in by.
STARTED_S = 1.0
# Clocks and rounding.
MARGIN_S = 0.1
# pg_controldata, "Database cluster state" of a server that replays (src/include/catalog/pg_control.h).
STANDBY_STATES = {"in archive recovery", "shut down in recovery"}


@dataclass(frozen=True)
class Sign:
    """What one host said about a suspect. ``alive`` is None when it says nothing either way."""

    host: str
    about: str
    saw: str
    alive: bool | None
    strong: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the record."""
        return asdict(self)


def _from_control(suspect: Node) -> Sign:
    if not suspect.reachable:
        return Sign("control node", suspect.host, suspect.error or "does not answer", False)
    why = f": {suspect.error}" if suspect.error else ""
    return Sign("control node", suspect.host, f"reachable, Postgres is {suspect.role}{why}", False)


def _from_peer(node: Node, suspect: Node) -> Sign | None:
    view = node.peer(suspect.host)
    if view is None:
        return None
    if view.primary_status == 200:
        return Sign(node.host, suspect.host, "its role probe answers: primary", True, strong=True)
    if view.coming_back and not suspect.reachable:
        # One that the control node reaches is fenced there; this one would run beside the new primary.
        return Sign(node.host, suspect.host, f"its role probe answers: {view.coming_back}", True)
    if view.primary_status is not None:
        return Sign(node.host, suspect.host, f"its role probe answers {view.primary_status}: not a primary", False)
    return Sign(node.host, suspect.host, "its port is open, nobody answers" if view.tcp else "no answer", False)


def _from_receiver(node: Node, suspect: Node, nodes: tuple[Node, ...]) -> Sign | None:
    receiver = node.receiver
    if receiver is None or host_of(receiver.sender_host, nodes) != suspect.host:
        return None
    age = "at an unknown time" if receiver.age_s is None else f"{receiver.age_s:.1f} s ago"
    fresh = receiver.status == "streaming" and receiver.age_s is not None and receiver.age_s < FRESH_S
    return Sign(node.host, suspect.host, f"WAL receiver last heard from it {age}", True if fresh else None)


def _from_balancer(balancer: Balancer, suspect: Node) -> Sign | None:
    server = balancer.server(suspect.host)
    if server is None:
        return None
    if server.up:
        return Sign(balancer.host, suspect.host, f"its check says {server.status}", True)
    return Sign(balancer.host, suspect.host, f"its check says {server.status} {server.check_status}".strip(), False)


def signs_about(suspect: Node, nodes: tuple[Node, ...], balancers: tuple[Balancer, ...]) -> tuple[Sign, ...]:
    """Everything that anybody said about a suspect, in a fixed order."""
    found: list[Sign | None] = [_from_control(suspect)]
    watchers = [node for node in nodes if node.reachable and node.host != suspect.host]
    found += [_from_peer(node, suspect) for node in watchers]
    found += [_from_receiver(node, suspect, nodes) for node in watchers if not suspect.reachable]
    found += [_from_balancer(balancer, suspect) for balancer in balancers if balancer.reachable]
    return tuple(sign for sign in found if sign is not None)


def aged_after(suspect: Node, nodes: tuple[Node, ...], balancers: tuple[Balancer, ...]) -> float:
    """Seconds until every weak sign of life must have gone if the suspect is dead."""
    waits = [0.0]
    for node in nodes:
        sign = _from_receiver(node, suspect, nodes) if node.reachable and not suspect.reachable else None
        if sign is not None and sign.alive and node.receiver is not None:
            waits.append(FRESH_S - (node.receiver.age_s or 0.0))
        peer = _from_peer(node, suspect) if node.reachable and node.host != suspect.host else None
        if peer is not None and peer.alive:
            waits.append(STARTED_S)
    for balancer in balancers:
        sign = _from_balancer(balancer, suspect) if balancer.reachable else None
        if sign is not None and sign.alive:
            waits.append(CHECKED_S)
    return round(max(waits) + MARGIN_S, 3)


def _never_promoted(node: Node) -> bool:
    """A running standby, or a stopped one: a candidate that died in its promotion has accepted no write."""
    return node.is_standby or (node.role == "stopped" and node.control_state in STANDBY_STATES)


def lost_primaries(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """Who the running standbys say their primary was: the far end of each one's upstream.

    When nobody can say (upstreams unknown, or in a circle), every unreachable host and every stopped one that was a
    primary is suspected: fencing a host too many at the load balancers costs nothing while it is away.
    """
    by_name = {node.host: node for node in nodes}
    roots = set()
    for node in nodes:
        if not node.is_standby or node.fenced:
            continue
        seen = {node.host}
        upstream = host_of(node.upstream, nodes)
        while upstream is not None and upstream not in seen and _never_promoted(by_name[upstream]):
            seen.add(upstream)
            upstream = host_of(by_name[upstream].upstream, nodes)
        if upstream is not None and upstream not in seen:
            roots.add(upstream)
    if roots:
        return tuple(sorted(roots))
    return tuple(
        node.host
        for node in nodes
        if not node.reachable or node.role == "hung" or (node.role == "stopped" and not node.fenced)
    )
