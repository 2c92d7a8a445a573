# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that preflight looks at: who is what, what is planned, facts and limits, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Attached, Node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import Topology

from .facts import DatabaseFacts, HostFacts

MIB = 1024 * 1024

#: What can be planned. ``general``: is everything ready, should a switchover be wanted now?
PURPOSES = ("switchover", "maintenance", "rolling", "lb_failover", "failover", "general")


@dataclass(frozen=True)
class Limits:
    """Where warnings and refusals begin. Bytes, seconds, files, days, percent, minutes, as the names say."""

    lag_warn_bytes: int = 16 * MIB
    lag_block_bytes: int = 128 * MIB
    lag_warn_seconds: float = 10.0
    lag_block_seconds: float = 60.0
    archive_warn_files: int = 16
    archive_block_files: int = 128
    transaction_warn_seconds: float = 15.0
    transaction_block_seconds: float = 300.0
    slot_warn_bytes: int = 64 * MIB
    disk_warn_percent: float = 15.0
    disk_block_percent: float = 5.0
    wal_warn_minutes: float = 30.0
    wal_block_minutes: float = 5.0
    clock_warn_seconds: float = 0.5
    clock_block_seconds: float = 2.0
    certificate_warn_days: float = 30.0


def limits_from(given: Mapping[str, Any] | None) -> Limits:
    """Limits with some of them changed. Raises ValueError for one that does not exist or is no number."""
    allowed = {one.name for one in fields(Limits)}
    wrong = sorted(set(given or {}) - allowed)
    if wrong:
        raise ValueError(f"preflight_limits has {', '.join(wrong)}; allowed: {', '.join(sorted(allowed))}")
    try:
        return Limits(**{name: float(value) for name, value in (given or {}).items()})  # type: ignore[arg-type]
    except (TypeError, ValueError) as problem:
        raise ValueError(f"preflight_limits: {problem}; allowed: numbers") from problem


@dataclass(frozen=True)
class Look:
    """``named``: the candidate that a person asked for; ``target``: the host that is to be taken out of service.

    ``candidate``: who would become primary, None when nobody would. ``now``: seconds since 1970 on the control node.
    ``errors``: why a host's facts could not be had. ``others``: hosts without a part (the backup host), and why they
    do not answer; empty when they do. ``pools``: by load balancer, the state of each of its poolers' pools.
    ``priorities``: which of two standbys that are as good is preferred; the higher one.
    """

    purpose: str
    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    facts: Mapping[str, DatabaseFacts]
    balancer_facts: Mapping[str, HostFacts]
    topology: Topology
    now: float
    named: str | None = None
    target: str | None = None
    candidate: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    priorities: Mapping[str, int] = field(default_factory=dict)

    def node(self, host: str | None) -> Node | None:
        """A database host by name."""
        return next((node for node in self.nodes if node.host == host), None)

    @property
    def primary(self) -> Node | None:
        """The one writable primary of the newest timeline."""
        return self.node(self.topology.primary)

    @property
    def candidate_node(self) -> Node | None:
        """Who would become primary."""
        return self.node(self.candidate)

    @property
    def standbys(self) -> tuple[Node, ...]:
        """Running standbys that are not fenced."""
        return tuple(node for node in self.nodes if node.is_standby and not node.fenced)

    @property
    def siblings(self) -> tuple[Node, ...]:
        """Running standbys other than the candidate."""
        return tuple(node for node in self.standbys if node.host != self.candidate)

    @property
    def holders(self) -> tuple[Balancer, ...]:
        """Load balancers that have the virtual IP."""
        return tuple(one for one in self.balancers if one.holds_vip)

    def matters(self, host: str) -> bool:
        """The present primary or the next one: the hosts on which a switchover stands or falls."""
        return host in (self.topology.primary, self.candidate)

    def asked(self, host: str | None) -> DatabaseFacts | None:
        """Facts of a database host whose server answered; None is reported by the check ``facts``."""
        found = self.facts.get(host or "")
        return found if found is not None and found.answered else None

    def running(self) -> tuple[tuple[Node, DatabaseFacts], ...]:
        """Every running server that answered, with its facts."""
        pairs = ((node, self.asked(node.host)) for node in self.nodes if node.is_primary or node.is_standby)
        return tuple((node, facts) for node, facts in pairs if facts is not None)

    def attached(self, host: str) -> Attached | None:
        """What the primary says of a standby, if that standby is attached to it."""
        rows = self.primary.replication if self.primary is not None else ()
        return next((row for row in rows if row.name == host), None)
