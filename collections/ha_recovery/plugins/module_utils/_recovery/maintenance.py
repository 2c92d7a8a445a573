# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what takes one host out of service, or brings it back. First row that fits.

================================================================  =====================================================
observed; wanted out                                              action
================================================================  =====================================================
no such host; it does not answer; it is fenced                    refuse
out already, and nothing of it left to do                         none
out, should be stopped and runs, and preflight blocks             refuse
out, but not everywhere, or it should be stopped and runs         out: completed
several systems, two primaries, no primary                        refuse
a database host that neither is primary nor streams               refuse: put it right, or leave it as it is
preflight blocks                                                  refuse
the primary                                                       out, after a switchover to the host preflight chose
a standby, a load balancer                                        out
================================================================  =====================================================

================================================================  =====================================================
observed; wanted in                                               action
================================================================  =====================================================
no such host; it does not answer; it is fenced                    refuse
it is not out                                                     none
a database host, and no single primary to follow                  refuse
out                                                               in
================================================================  =====================================================

Pure: the same observation always gives the same plan.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import back_with, told
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import UNDECIDABLE
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import (
    FAILOVER,
    REJOIN,
    STATUS,
    Topology,
    topology_of,
)


@dataclass(frozen=True)
class Asked:
    """What the operator wants: ``state`` out or in; ``stop``: its services are stopped, and stay so across a reboot."""

    host: str
    state: str = "out"
    stop: bool = True


@dataclass(frozen=True)
class Seen:
    """Everything the decision is made from. ``blocks``: refusals of preflight; ``candidate``: whom it chose."""

    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    blocks: tuple[Refusal, ...] = ()
    candidate: str | None = None

    def node(self, name: str | None) -> Node | None:
        """A database host by name."""
        return next((node for node in self.nodes if node.host == name), None)

    def balancer(self, name: str) -> Balancer | None:
        """A load balancer by name."""
        return next((one for one in self.balancers if one.host == name), None)


@dataclass(frozen=True)
class Plan:
    """The decision. ``kind``: database or load_balancer; ``switchover_to``: who becomes primary beforehand;
    ``load_balancers``: where the host is taken out of service; ``vip_to``: who takes the virtual IP over."""

    action: str
    headline: str
    host: str
    kind: str = ""
    stop: bool = True
    primary: str | None = None
    switchover_to: str | None = None
    load_balancers: tuple[str, ...] = ()
    vip_to: tuple[str, ...] = ()
    verify_from: str | None = None
    begun: bool = False
    refusals: tuple[Refusal, ...] = ()

    @property
    def acts(self) -> bool:
        """True when hosts are to be touched."""
        return self.action in {"out", "in"}

    def as_dict(self) -> dict[str, Any]:
        """Plain data with lists, as playbooks and the record hold it."""
        plain = asdict(self)
        plain["load_balancers"], plain["vip_to"] = list(self.load_balancers), list(self.vip_to)
        plain["refusals"] = [{**asdict(one), "line": one.line} for one in self.refusals]
        return {**plain, "lines": plan_lines(self), "acts": self.acts}


def plan_lines(plan: Plan) -> list[str]:
    """The plan as a person reads it."""
    lines = [plan.headline, *(f"  {one.line}" for one in plan.refusals)]
    others = ", ".join(plan.load_balancers)
    if not plan.acts:
        return lines
    if plan.switchover_to:
        lines.append(f"  {plan.switchover_to}: becomes primary first, and {plan.host} its standby")
    if plan.kind == "database" and plan.action == "out":
        lines.append(f"  {others}: no new sessions for {plan.host}; those there are may end, then they are ended")
        if plan.stop:
            lines.append(f"  {plan.host}: Postgres stops cleanly and stays stopped, also across a reboot")
        lines.append(f"  {plan.host}: comes back with {back_with(plan.host)}")
    elif plan.kind == "database":
        lines.append(f"  {plan.host}: starts, streams from {plan.primary} and catches up")
        lines.append(f"  {others}: in service again")
    elif plan.action == "out":
        if plan.vip_to:
            lines.append(f"  {plan.host}: gives the virtual IP to {' or '.join(plan.vip_to)}; its sessions end")
        what = "keepalived, HAProxy and the pools stop and stay" if plan.stop else "keepalived stops and stays"
        lines.append(f"  {plan.host}: {what} stopped, also across a reboot")
        lines.append(f"  {plan.host}: comes back with {back_with(plan.host)}")
    else:
        lines.append(f"  {plan.host}: HAProxy, the pools and keepalived start; the virtual IP stays where it is")
    return lines


def _refuse(host: str, headline: str, *refusals: Refusal, primary: str | None = None) -> Plan:
    return Plan("refuse", f"refused: {headline}", host, refusals=refusals, primary=primary)


def _unusable(seen: Seen, asked: Asked) -> Plan | None:
    """The rows that hold for out and in."""
    node, balancer = seen.node(asked.host), seen.balancer(asked.host)
    if node is None and balancer is None:
        names = ", ".join([*(one.host for one in seen.nodes), *(one.host for one in seen.balancers)])
        return _refuse(asked.host, f"there is no {asked.host}", Refusal(asked.host, "not a host", names, STATUS))
    if not (node.reachable if node else balancer and balancer.reachable):
        why = Refusal(
            asked.host, "it does not answer", "an answer, for its note lies there", f"restore it, or {STATUS}"
        )
        return _refuse(asked.host, f"{asked.host} does not answer", why)
    if node is not None and node.fenced:
        rejoin = REJOIN.format(host=asked.host)
        why = Refusal(asked.host, f"fenced ({node.fence_reason})", "a host in service", rejoin)
        return _refuse(asked.host, f"{asked.host} was taken out by a failover", why)
    return None


def without_one_primary(host: str, topology: Topology) -> Plan | None:
    """Nobody to hand over to, or to follow."""
    if topology.situation in UNDECIDABLE or topology.stale or topology.primary is None:
        bad = [
            Refusal(one.host, one.observed, one.expected, one.next) for one in topology.reasons if one.severity == "red"
        ]
        bad = bad or [Refusal("cluster", topology.situation.replace("_", " "), "one primary", FAILOVER)]
        return _refuse(host, f"there is not one primary ({topology.situation.replace('_', ' ')})", *bad)
    return None


def _left_to_do(seen: Seen, asked: Asked) -> bool:
    """A host with a note: does anything of being out still lack?"""
    node, balancer = seen.node(asked.host), seen.balancer(asked.host)
    if node is not None:
        there = [one for one in seen.balancers if one.reachable and one.running and one.server(node.host)]
        lacks = [one.host for one in there if not one.fenced(node.host)]
        return bool(lacks) or (asked.stop and not (node.role == "stopped" and node.masked))
    if balancer is None:
        return False
    return bool(balancer.holds_vip) or balancer.keepalived_running or (asked.stop and balancer.running)


def _database(seen: Seen, asked: Asked, action: str, primary: str | None, **more: Any) -> Plan:
    standbys = [one.host for one in seen.nodes if one.is_standby and not one.maintenance and one.host != asked.host]
    words = "goes out of service" if action == "out" else "comes back into service"
    return Plan(
        action,
        f"{asked.host} {words}",
        asked.host,
        kind="database",
        stop=asked.stop,
        primary=primary,
        load_balancers=tuple(one.host for one in seen.balancers if one.reachable),
        verify_from=next(iter(standbys), primary),
        **more,
    )


def _balancer(seen: Seen, asked: Asked, action: str, primary: str | None, **more: Any) -> Plan:
    mine = seen.balancer(asked.host)
    others = [one for one in seen.balancers if one.host != asked.host and one.running and not one.maintenance]
    able = tuple(one.host for one in others if one.keepalived_running)
    words = "goes out of service" if action == "out" else "comes back into service"
    moves = action == "out" and mine is not None and mine.holds_vip
    return Plan(
        action,
        f"{asked.host} {words}",
        asked.host,
        kind="load_balancer",
        stop=asked.stop,
        primary=primary,
        vip_to=able if moves else (),
        verify_from=primary,
        **more,
    )


def host_plan(seen: Seen, asked: Asked, action: str, primary: str | None, **more: Any) -> Plan:
    """How this host leaves or comes back, given that nothing speaks against it."""
    make = _database if seen.node(asked.host) is not None else _balancer
    return make(seen, asked, action, primary, **more)


def plan_maintenance(seen: Seen, asked: Asked) -> Plan:
    """See the tables at the top."""
    unusable = _unusable(seen, asked)
    if unusable is not None:
        return unusable
    node, balancer = seen.node(asked.host), seen.balancer(asked.host)
    note = node.maintenance if node is not None else balancer.maintenance if balancer is not None else None
    topology = topology_of(seen.nodes)
    if asked.state == "in":
        if not note:
            return Plan("none", f"nothing to do: {asked.host} is not out for maintenance", asked.host)
        return (without_one_primary(asked.host, topology) if node is not None else None) or host_plan(
            seen, asked, "in", topology.primary, begun=True
        )
    if note and asked.host != topology.primary:
        if node is not None and node.running and asked.stop and seen.blocks:
            return _refuse(asked.host, f"{asked.host} goes on running", *seen.blocks, primary=topology.primary)
        if _left_to_do(seen, asked):
            return host_plan(seen, asked, "out", topology.primary, begun=True)
        return Plan("none", f"nothing to do: {asked.host} is {told(note)}. {back_with(asked.host)} ends it", asked.host)
    bad = without_one_primary(asked.host, topology)
    if bad is not None:
        return bad
    if node is not None and not node.is_primary and not node.streaming:
        state = "does not stream" if node.is_standby else f"Postgres is {node.role}"
        why = Refusal(node.host, state, f"streams from {topology.primary}", STATUS)
        return _refuse(asked.host, f"{asked.host} is out of order already", why)
    if seen.blocks:
        return _refuse(asked.host, f"{asked.host} stays in service", *seen.blocks, primary=topology.primary)
    if asked.host == topology.primary:
        candidate = seen.node(seen.candidate)
        if candidate is None or not candidate.streaming:
            why = Refusal(asked.host, "it is the primary, and no standby can take over", "a streaming standby", STATUS)
            return _refuse(asked.host, f"{asked.host} stays in service", why, primary=topology.primary)
        return host_plan(seen, asked, "out", candidate.host, switchover_to=candidate.host)
    return host_plan(seen, asked, "out", topology.primary)
