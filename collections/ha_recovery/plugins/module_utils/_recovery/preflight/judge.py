# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every check that applies to what is planned, and sum up.

=====================================================  =========================================================
planned                                                who would become primary
=====================================================  =========================================================
switchover, general                                    the named host, else the best standby
maintenance of the primary, rolling (of all hosts)     the same
maintenance of a standby or a load balancer            nobody
lb_failover                                            nobody
failover                                               the named host, else the one that has the most WAL
=====================================================  =========================================================

The best standby: without a block of its own before one with, then one that streams from the primary, then synchronous
before asynchronous, then least lag (in steps of 1 MiB: a few bytes more or less are chance, and a plan must not change
from one look to the next), then the higher ``failover_priority``, then the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.candidate import choose, standing_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import topology_of

from .check import BLOCK, OK, SERIOUSNESS, WAIVED, WARN, Verdict
from .facts import DatabaseFacts, HostFacts
from .look import MIB, PURPOSES, Limits, Look
from .replication import needs_candidate
from .table import CHECKS, WAIVERS


@dataclass(frozen=True)
class Preflight:
    """The whole answer. ``verdicts`` in the order of the table; ``waivers``: those that were used."""

    purpose: str
    primary: str | None
    candidate: str | None
    verdicts: tuple[Verdict, ...]
    waivers: tuple[str, ...]

    def of(self, level: str) -> tuple[Verdict, ...]:
        """Verdicts of one level."""
        return tuple(one for one in self.verdicts if one.level == level)

    @property
    def level(self) -> str:
        """The most serious level: block, warn or ok. What was waived does not count."""
        return BLOCK if self.of(BLOCK) else WARN if self.of(WARN) else OK

    def as_dict(self) -> dict[str, Any]:
        """Plain data: verdicts and waivers in the shape of the runbooks' record."""
        return {
            "purpose": self.purpose,
            "level": self.level,
            "primary": self.primary,
            "candidate": self.candidate,
            "verdicts": [asdict(one) for one in self.verdicts],
            "waivers": [{"name": name, "accepts": WAIVERS[name]} for name in self.waivers],
        }


def look_at(
    nodes: tuple[Node, ...],
    balancers: tuple[Balancer, ...],
    facts: Mapping[str, DatabaseFacts],
    balancer_facts: Mapping[str, HostFacts],
    *,
    purpose: str,
    now: float,
    named: str | None = None,
    target: str | None = None,
    errors: Mapping[str, str] | None = None,
    others: Mapping[str, str] | None = None,
    pools: Mapping[str, Mapping[str, str]] | None = None,
    limits: Limits | None = None,
    priorities: Mapping[str, int] | None = None,
) -> Look:
    """Everything that was seen, with a candidate chosen. ValueError: no such purpose or host."""
    if purpose not in PURPOSES:
        raise ValueError(f"preflight_for is {purpose!r}; allowed: {', '.join(PURPOSES)}")
    hosts = [node.host for node in nodes]
    if named is not None and named not in hosts:
        raise ValueError(f"the candidate is {named!r}; allowed: {', '.join(hosts)}")
    everybody = hosts + [one.host for one in balancers]
    if target is not None and target not in everybody:
        raise ValueError(f"the host is {target!r}; allowed: {', '.join(everybody)}")
    look = Look(
        purpose=purpose,
        nodes=nodes,
        balancers=balancers,
        facts=facts,
        balancer_facts=balancer_facts,
        topology=topology_of(nodes),
        now=now,
        named=named,
        target=target,
        errors=errors or {},
        others=others or {},
        pools=pools or {},
        limits=limits or Limits(),
        priorities=priorities or {},
    )
    return replace(look, candidate=candidate_for(look))


def _blocks(look: Look, host: str) -> int:
    """How many checks block on that host if it were the candidate."""
    return sum(one.level == BLOCK and one.host == host for one in verdicts_of(replace(look, candidate=host)))


def _rank(look: Look, node: Node) -> tuple[int, int, int, int, int, str]:
    row = look.attached(node.host)
    lag = row.lag_bytes if row is not None and row.lag_bytes is not None else 1 << 62
    order = {"sync": 0, "quorum": 0, "potential": 1}
    return (
        1 if _blocks(look, node.host) else 0,
        0 if node.streaming and row is not None else 1,
        order.get(row.sync_state, 2) if row is not None else 3,
        lag // MIB,
        -look.priorities.get(node.host, 0),
        node.host,
    )


def candidate_for(look: Look) -> str | None:
    """Who would become primary; see the table at the top."""
    if not needs_candidate(look):
        return None
    if look.named is not None:
        return look.named if look.named != look.topology.primary else None
    if look.purpose == "failover":
        found, _standings = choose(look.nodes, look.topology.system_identifier, look.priorities)
        return found.host if found is not None else None
    eligible = [node for node in look.standbys if standing_of(node, look.topology.system_identifier).eligible]
    ranked = sorted(eligible, key=lambda node: _rank(look, node))
    return ranked[0].host if ranked else None


def verdicts_of(look: Look) -> tuple[Verdict, ...]:
    """Every verdict, before waivers."""
    return tuple(verdict for check in CHECKS for verdict in check.verdicts(look))


def preflight(look: Look, waived: frozenset[str] = frozenset()) -> Preflight:
    """Judge. A waiver turns what its check found into 'waived'; where it found nothing, it was not needed."""
    verdicts = []
    used = set()
    for one in verdicts_of(look):
        if SERIOUSNESS[one.level] and one.check in waived and one.check in WAIVERS:
            used.add(one.check)
            verdicts.append(replace(one, level=WAIVED))
        else:
            verdicts.append(one)
    return Preflight(look.purpose, look.topology.primary, look.candidate, tuple(verdicts), tuple(sorted(used)))
