# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide a failover: refuse, look again, do it, complete one, or say that there is nothing to do.

=======================================================================  ==========
observed                                                                 action
=======================================================================  ==========
data of several systems, two primaries on one timeline, no data          refuse
a writable primary, nothing of an earlier failover left to do            none, when an earlier failover is visible
                                                                         refuse, when not: the primary is healthy
a writable primary, and work of an earlier failover left                 complete
no writable primary, a strong sign of life of the lost one               refuse: the control node is cut off
no writable primary, only weak signs of life                             recheck; refuse on the last look
no writable primary, no sign of life, everything proven or waived        failover
no writable primary, something neither proven nor waived                 refuse, naming the waiver
=======================================================================  ==========

Pure: the same observation always gives the same plan, whoever runs it and however often.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.candidate import (
    Standing,
    choose,
    unseen_standbys,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.completion import Leftover, leftovers
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.evidence import (
    Sign,
    aged_after,
    lost_primaries,
    signs_about,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.loss import Loss, quote
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import (
    FAILOVER,
    STATUS,
    Topology,
    topology_of,
)

UNSEEN_STANDBY = "unseen_standby"
UNFENCED_LOAD_BALANCER = "unfenced_load_balancer"
LOSS_ABOVE_BUDGET = "loss_above_budget"
WAIVERS = {
    UNSEEN_STANDBY: "a standby that nobody saw may hold acknowledged commits; they would be lost",
    UNFENCED_LOAD_BALANCER: "a load balancer that nobody reached may still send writes to the old primary",
    LOSS_ABOVE_BUDGET: "more WAL is known to be lost than failover_max_loss_bytes allows",
}

# Situations in which no host may be chosen by a program.
UNDECIDABLE = {
    "mixed_systems": "refused: the hosts hold data of different clusters",
    "split_brain": "refused: two hosts are writable primaries of the same timeline",
    "bootstrap": "refused: there is no cluster yet",
    "unknown": "refused: nothing was seen that could be promoted",
}


@dataclass(frozen=True)
class Refusal:
    """Why nothing is done: host, observed, expected, the next command, and the waiver that would let it go on."""

    host: str
    observed: str
    expected: str
    next: str
    waiver: str = ""


@dataclass(frozen=True)
class Settings:
    """What the operator and the inventory say. ``last_look``: weak signs of life refuse now.

    ``fencing``: the method by which a host is fenced from outside, for those that have one.
    ``priorities``: which of two standbys that have the same is preferred; the higher one.
    """

    synchronous: bool
    max_loss_bytes: int
    waivers: frozenset[str] = frozenset()
    last_look: bool = True
    unfinished: str = ""
    fencing: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The whole decision; every list is in the order in which it is carried out."""

    action: str
    headline: str
    topology: Topology
    old_primary: str | None = None
    candidate: str | None = None
    primary: str | None = None
    expect_timeline: int | None = None
    expect_received_lsn: str | None = None
    fence_hosts: tuple[str, ...] = ()
    fence_servers: tuple[str, ...] = ()
    admit_servers: tuple[str, ...] = ()
    fence_load_balancers: tuple[str, ...] = ()
    skipped_load_balancers: tuple[str, ...] = ()
    follow: tuple[str, ...] = ()
    promote: bool = False
    degrade_sync: bool = False
    loss: Loss | None = None
    waived: tuple[str, ...] = ()
    verify_from: str | None = None
    refusals: tuple[Refusal, ...] = ()
    signs: tuple[Sign, ...] = ()
    standings: tuple[Standing, ...] = ()
    notes: tuple[str, ...] = ()
    look_again_after_s: float = 0.0
    fencing_methods: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data with lists, as filters hand it to playbooks."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        plain["topology"] = self.topology.as_dict()
        return plain

    @property
    def acts(self) -> bool:
        """True when hosts are to be touched."""
        return self.action in {"failover", "complete"}


def parse_waivers(value: Any) -> frozenset[str]:
    """A list, or a comma-separated text as ``-e`` gives it. Raises ValueError for a waiver that does not exist."""
    words = value.split(",") if isinstance(value, str) else [str(one) for one in value or ()]
    given = frozenset(word.strip() for word in words if word.strip())
    unknown = sorted(given - set(WAIVERS))
    if unknown:
        raise ValueError(f"failover_waive is {', '.join(unknown)}; allowed: {', '.join(sorted(WAIVERS))}")
    return given


def _verify_from(primary: str, nodes: tuple[Node, ...]) -> str:
    """Where the write through the virtual IP is tried from: another running database host, as a client would."""
    others = [node.host for node in nodes if node.is_standby and node.host != primary]
    return others[0] if others else primary


def _unanswerable(topology: Topology, nodes: tuple[Node, ...]) -> tuple[Refusal, ...]:
    """What is red; and, where too little was seen, why each host that is missing did not answer."""
    silent = [node for node in nodes if not node.reachable] if topology.situation == "unknown" else []
    return (
        *(
            Refusal(node.host, node.error or "it does not answer", "an answer", f"restore it, then {FAILOVER}")
            for node in silent
        ),
        *(
            Refusal(reason.host, reason.observed, reason.expected, reason.next)
            for reason in topology.reasons
            if reason.severity == "red"
        ),
    )


def _with_primary(
    topology: Topology, nodes: tuple[Node, ...], balancers: tuple[Balancer, ...], settings: Settings
) -> Plan:
    """There is a writable primary on the newest timeline: complete an earlier failover, or leave everything alone."""
    primary = next(node for node in nodes if node.host == topology.primary)
    left: Leftover = leftovers(primary, topology.stale, nodes, balancers, synchronous=settings.synchronous)
    if left.any or (left.gone and settings.unfinished):
        return Plan(
            action="complete",
            headline=f"{primary.host} is primary on timeline {primary.timeline}; an earlier failover is completed",
            topology=topology,
            primary=primary.host,
            candidate=primary.host,
            old_primary=(left.gone or (None,))[0],
            expect_timeline=primary.timeline,
            fence_hosts=left.fence_hosts,
            fence_servers=left.fence_servers,
            admit_servers=left.admit_servers,
            fence_load_balancers=tuple(one.host for one in balancers if one.reachable)
            if left.fence_servers or left.admit_servers
            else (),
            follow=left.follow,
            degrade_sync=left.degrade_sync,
            notes=(*left.notes, f"the record {settings.unfinished} is completed")
            if settings.unfinished
            else left.notes,
            verify_from=_verify_from(primary.host, nodes),
        )
    if left.gone:
        return Plan(
            action="none",
            headline=(
                f"nothing to do: {primary.host} is the healthy primary on timeline {primary.timeline}, and "
                f"{', '.join(left.gone)} is fenced"
            ),
            topology=topology,
            primary=primary.host,
            old_primary=left.gone[0],
            notes=left.notes,
        )
    routed = sorted(one.host for one in balancers if primary.host in one.routes_writes_to())
    seen = f"writable primary on timeline {primary.timeline}"
    seen += (
        f", and {', '.join(routed)} route{'' if len(routed) > 1 else 's'} writes to it"
        if routed
        else ", though no load balancer routes writes to it"
    )
    return Plan(
        action="refuse",
        headline=f"refused: the primary {primary.host} is healthy",
        topology=topology,
        primary=primary.host,
        refusals=(Refusal(primary.host, seen, "a primary that is gone", STATUS),),
    )


def _life_refusals(suspect: Node, signs: tuple[Sign, ...]) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            sign.host,
            f"sees {suspect.host} alive: {sign.saw}",
            f"nobody sees {suspect.host}",
            f"restore the control node's way to {suspect.host}, then {STATUS}"
            if not suspect.reachable
            else f"look at {suspect.host}, then {FAILOVER}",
        )
        for sign in signs
        if sign.alive
    )


def _unproven(
    lost: tuple[str, ...],
    nodes: tuple[Node, ...],
    balancers: tuple[Balancer, ...],
    candidate: Node,
    loss: Loss,
    unseen: tuple[tuple[str, str], ...],
    settings: Settings,
) -> tuple[Refusal, ...]:
    """Everything that only a named waiver lets pass, waived or not."""
    found = []
    if settings.synchronous:
        for host, state in unseen:
            found.append(
                Refusal(
                    host,
                    f"{state}; it may hold acknowledged commits that {candidate.host} lacks",
                    "every standby seen",
                    f"bring {host} back and run {FAILOVER} again, or accept the risk: "
                    f"{FAILOVER} -e failover_waive={UNSEEN_STANDBY}",
                    UNSEEN_STANDBY,
                )
            )
    elif loss.bytes_quoted > settings.max_loss_bytes:
        found.append(
            Refusal(
                candidate.host,
                f"may lack {loss.bytes_quoted} bytes of WAL that the primary wrote, {loss.bytes_known} for certain",
                f"at most {settings.max_loss_bytes} (failover_max_loss_bytes)",
                f"{FAILOVER} -e failover_max_loss_bytes={loss.bytes_quoted}",
                LOSS_ABOVE_BUDGET,
            )
        )
    # Only a stopped server proves that a load balancer which nobody reached sends no write to it.
    unfenceable = [node.host for node in nodes if node.host in lost and not node.reachable]
    # What can be switched off from outside is not refused now: nothing is promoted unless that is proven.
    hopeless = [name for name in unfenceable if name not in settings.fencing]
    if UNFENCED_LOAD_BALANCER in settings.waivers:
        hopeless = unfenceable
    for one in balancers:
        if hopeless and not one.reachable:
            found.append(
                Refusal(
                    one.host,
                    f"not reachable; it may hold the virtual IP and send writes to {', '.join(hopeless)}, "
                    "which cannot be stopped either",
                    "every load balancer fenced, or the old primary stopped",
                    f"switch {one.host} off for good or restore it, then {FAILOVER}; or, when you know that it is off: "
                    f"{FAILOVER} -e failover_waive={UNFENCED_LOAD_BALANCER}",
                    UNFENCED_LOAD_BALANCER,
                )
            )
    return tuple(found)


def _without_primary(
    topology: Topology, nodes: tuple[Node, ...], balancers: tuple[Balancer, ...], settings: Settings
) -> Plan:
    """No writable primary of the newest timeline: find out who it was, whether it lives, and who takes its place."""
    by_name = {node.host: node for node in nodes}
    lost = tuple(dict.fromkeys((*lost_primaries(nodes), *topology.stale)))
    suspects = [by_name[name] for name in lost if name not in topology.stale]
    signs = tuple(sign for suspect in suspects for sign in signs_about(suspect, nodes, balancers))
    old = suspects[0].host if suspects else None
    life = tuple(
        refusal
        for suspect in suspects
        for refusal in _life_refusals(suspect, tuple(sign for sign in signs if sign.about == suspect.host))
    )
    if life and not settings.last_look and not any(sign.strong for sign in signs if sign.alive):
        return Plan(
            action="recheck",
            headline=f"{old} may be alive; looking again",
            topology=topology,
            old_primary=old,
            signs=signs,
            look_again_after_s=max(aged_after(suspect, nodes, balancers) for suspect in suspects),
        )
    if life:
        return Plan(
            action="refuse",
            headline=f"refused: {old} is alive, only the control node does not reach it",
            topology=topology,
            old_primary=old,
            refusals=life,
            signs=signs,
        )
    candidate, standings = choose(nodes, topology.system_identifier, settings.priorities)
    if candidate is None:
        refusals = tuple(
            Refusal(one.host, one.why, "a running standby", f"bring {one.host} back, then {FAILOVER}")
            for one in standings
        )
        headline = "refused: no host can be promoted"
        return Plan("refuse", headline, topology, old_primary=old, refusals=refusals, signs=signs, standings=standings)
    unseen = unseen_standbys(nodes, lost, candidate.host)
    loss = quote(
        nodes, lost, candidate, synchronous=settings.synchronous, unseen=tuple(host for host, _state in unseen)
    )
    unproven = _unproven(lost, nodes, balancers, candidate, loss, unseen, settings)
    open_ones = tuple(one for one in unproven if one.waiver not in settings.waivers)
    siblings = [node for node in nodes if node.is_standby and not node.fenced and node.host != candidate.host]
    notes = []
    if not any(one.reachable for one in balancers) and balancers:
        notes.append("no load balancer is reachable: clients stay without a way until one is back")
    known = Plan(
        action="refuse",
        headline="",
        topology=topology,
        old_primary=old,
        candidate=candidate.host,
        loss=loss,
        signs=signs,
        standings=standings,
    )
    if open_ones:
        return replace(known, headline=f"refused: {open_ones[0].host} {open_ones[0].observed}", refusals=open_ones)
    return replace(
        known,
        action="failover",
        headline=f"{candidate.host} becomes primary in place of {', '.join(lost) or 'a primary nobody remembers'}",
        expect_timeline=candidate.timeline,
        expect_received_lsn=candidate.received_lsn,
        fence_hosts=tuple(name for name in lost if by_name[name].reachable and by_name[name].data_state != "absent"),
        fence_servers=lost,
        admit_servers=tuple(sorted({candidate.host for one in balancers if candidate.host in one.in_maintenance()})),
        fence_load_balancers=tuple(one.host for one in balancers if one.reachable),
        skipped_load_balancers=tuple(one.host for one in balancers if not one.reachable),
        follow=tuple(node.host for node in siblings),
        promote=True,
        degrade_sync=settings.synchronous and not siblings,
        waived=tuple(sorted({one.waiver for one in unproven})),
        notes=tuple(notes),
        verify_from=_verify_from(candidate.host, nodes),
        fencing_methods={name: settings.fencing[name] for name in lost if name in settings.fencing},
    )


def plan_failover(nodes: tuple[Node, ...], balancers: tuple[Balancer, ...], settings: Settings) -> Plan:
    """The decision; see the table at the top."""
    topology = topology_of(nodes)
    if topology.situation in UNDECIDABLE:
        return Plan(
            action="refuse",
            headline=UNDECIDABLE[topology.situation],
            topology=topology,
            refusals=_unanswerable(topology, nodes),
        )
    if topology.primary is not None:
        return _with_primary(topology, nodes, balancers, settings)
    return _without_primary(topology, nodes, balancers, settings)


def waiver_names(names: Iterable[str]) -> list[str]:
    """Waivers with what each accepts, for the record."""
    return [f"{name}: {WAIVERS[name]}" for name in sorted(names)]
