# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide a switchover: refuse, do it, go on with one that was interrupted, or say that there is nothing to do.

First row that fits; "begun" is the newest record of this runbook when it is not finished.

==========================================================================  ===========================================
observed                                                                    action
==========================================================================  ===========================================
several systems, two primaries, no data                                     refuse
no writable primary; begun A to B, A stopped cleanly, B a standby           resume: B catches up and is promoted
no writable primary otherwise                                               refuse: that is a failover
a primary of an older timeline beside the newest one                        refuse: that is a failover to complete
the named host is primary, or B is (begun A to B, nobody named)             complete when something is left, else none
nobody named, and a switchover to this primary was done a moment ago        none: an accidental second run
preflight blocks                                                            refuse
a primary, and a candidate (named, begun, or the one preflight chose)       switchover
==========================================================================  ===========================================

Pure: the same observation always gives the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import (
    FAILOVER,
    STATUS,
    Topology,
    topology_of,
)

SWITCHOVER = "ansible-playbook playbooks/switchover.yml"
CLEAN = {"shut down", "shut down in recovery"}
UNDECIDABLE = {"mixed_systems", "split_brain", "bootstrap", "unknown"}


@dataclass(frozen=True)
class Last:
    """The newest record of this runbook: ``status`` and whom it moved the primary from and to; ``age_s`` since."""

    name: str = ""
    status: str = ""
    old: str | None = None
    new: str | None = None
    age_s: float = 0.0

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Last:
        """What the lookup last_record found."""
        moved = record.get("moved") or {}
        return cls(
            name=str(record.get("name") or ""),
            status=str(record.get("status") or ""),
            old=record.get("old_primary") or moved.get("from"),
            new=record.get("new_primary") or moved.get("to"),
            age_s=float(record.get("age_s") or 0),
        )

    @property
    def begun(self) -> bool:
        """Not finished."""
        return self.status in {"started", "failed"}


@dataclass(frozen=True)
class Wish:
    """What the operator wants: ``to`` a host or None; a second run within ``repeat_after_s`` does nothing."""

    to: str | None = None
    repeat_after_s: float = 600.0


@dataclass(frozen=True)
class Plan:
    """The decision. ``siblings``: standbys besides the new primary; ``pools`` by load balancer; ``shutdown_lsn``: only
    when it is resumed."""

    action: str
    headline: str
    old: str | None = None
    new: str | None = None
    timeline: int | None = None
    siblings: tuple[str, ...] = ()
    start_old: bool = False
    load_balancers: tuple[str, ...] = ()
    pools: Mapping[str, tuple[str, ...]] | None = None
    paused: Mapping[str, tuple[str, ...]] | None = None
    shutdown_lsn: str | None = None
    verify_from: str | None = None
    refusals: tuple[Refusal, ...] = ()
    record: str = ""

    @property
    def acts(self) -> bool:
        """True when hosts are to be touched."""
        return self.action in {"switchover", "resume", "complete"}

    def as_dict(self) -> dict[str, Any]:
        """Plain data with lists, as playbooks and the record hold it."""
        plain = asdict(self)
        for key in ("siblings", "load_balancers"):
            plain[key] = list(plain[key])
        for key in ("pools", "paused"):
            plain[key] = {host: list(names) for host, names in (plain[key] or {}).items()}
        plain["refusals"] = [{**asdict(one), "line": one.line} for one in self.refusals]
        plain["lines"] = plan_lines(self)
        plain["acts"] = self.acts
        return plain


def plan_lines(plan: Plan) -> list[str]:
    """The plan as a person reads it."""
    lines = [plan.headline]
    lines += [f"  {one.line}" for one in plan.refusals]
    if plan.action == "switchover":
        pooled = sorted({name for names in (plan.pools or {}).values() for name in names})
        lines.append(f"  {plan.old}: checkpoint, then a clean stop; comes back as a standby of {plan.new}")
        lines += [f"  {name}: follows {plan.new}, already before the stop" for name in plan.siblings]
        if pooled:
            lines.append(f"  {', '.join(plan.load_balancers)}: pools {', '.join(pooled)} hold queries meanwhile")
        else:
            lines.append(f"  {', '.join(plan.load_balancers)}: no pooler; sessions on {plan.old} end")
        lines.append(f"  {plan.new}: promoted once it has everything, then a write through the virtual IP proves it")
    elif plan.action == "resume":
        lines.append(f"  {plan.new}: promoted once it has replayed up to {plan.shutdown_lsn}, where {plan.old} stopped")
    elif plan.action == "complete":
        lines += [f"  {plan.old}: started as a standby of {plan.new}"] if plan.start_old else []
        lines += [f"  {name}: follows {plan.new}" for name in plan.siblings]
        lines += [f"  {host}: pools {', '.join(names)} resume" for host, names in sorted((plan.paused or {}).items())]
    return lines


@dataclass(frozen=True)
class Seen:
    """Everything the decision is made from. ``pools``: per load balancer, name and state of each pool; ``blocks``:
    refusals of preflight; ``candidate``: whom preflight chose."""

    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    pools: Mapping[str, Mapping[str, str]]
    candidate: str | None
    blocks: tuple[Refusal, ...]
    last: Last

    def node(self, name: str | None) -> Node | None:
        """One node by name."""
        return next((node for node in self.nodes if node.host == name), None)

    @property
    def usable_pools(self) -> dict[str, tuple[str, ...]]:
        """Pools that run, by reachable load balancer; the read-write one last, for it is paused last."""
        return {
            host: tuple(sorted(name for name, state in pools.items() if state not in {"stopped", "unknown"}))
            for host, pools in sorted(self.pools.items())
            if any(state not in {"stopped", "unknown"} for state in pools.values())
        }

    @property
    def paused_pools(self) -> dict[str, tuple[str, ...]]:
        """Pools that somebody left paused."""
        held = {
            host: tuple(
                sorted(name for name, state in pools.items() if state in {"paused", "pausing", "partly_paused"})
            )
            for host, pools in sorted(self.pools.items())
        }
        return {host: names for host, names in held.items() if names}

    @property
    def reachable_balancers(self) -> tuple[str, ...]:
        """Load balancers whose HAProxy answers."""
        return tuple(one.host for one in self.balancers if one.reachable and one.running)


def _refuse(headline: str, *refusals: Refusal, old: str | None = None, new: str | None = None) -> Plan:
    return Plan("refuse", f"refused: {headline}", refusals=refusals, old=old, new=new)


def _siblings(seen: Seen, *without: str | None) -> tuple[str, ...]:
    return tuple(
        node.host for node in seen.nodes if node.is_standby and not node.fenced and node.host not in set(without)
    )


def _verify_from(seen: Seen, new: str) -> str:
    """Where the write through the virtual IP is tried from: a database host, as a client would."""
    return next(iter(_siblings(seen, new)), new)


def _without_primary(seen: Seen, topology: Topology) -> Plan:
    begun = seen.last if seen.last.begun else Last()
    old, new = seen.node(begun.old), seen.node(begun.new)
    if old is None or new is None:
        why = Refusal("cluster", "no writable primary", "one that can be stopped cleanly", FAILOVER)
        return _refuse("there is no primary to switch over from", why)
    control = old.control_state or ""
    if not (new.is_standby and old.reachable and old.role == "stopped" and control in CLEAN and old.received_lsn):
        state = "not reachable" if not old.reachable else f"{old.role} ({control or old.error or 'no control file'})"
        why = Refusal(old.host, f"{state} after {begun.name}", f"stopped cleanly, and {new.host} a standby", FAILOVER)
        return _refuse(f"{begun.name} can not go on", why, old=old.host, new=new.host)
    return Plan(
        "resume",
        f"{begun.name} goes on: {new.host} becomes primary in place of {old.host}",
        old=old.host,
        new=new.host,
        timeline=new.timeline,
        siblings=_siblings(seen, new.host, old.host),
        start_old=True,
        load_balancers=seen.reachable_balancers,
        pools=seen.usable_pools,
        paused=seen.paused_pools,
        shutdown_lsn=old.received_lsn,
        verify_from=_verify_from(seen, new.host),
        record=begun.name,
    )


def _already(seen: Seen, primary: Node) -> Plan:
    """The wanted host is primary: is anything of a switchover left to do?"""
    begun = seen.last if seen.last.begun and seen.last.new == primary.host else Last()
    old = seen.node(begun.old)
    start_old = bool(old and old.reachable and old.role == "stopped" and not old.fenced and not old.maintenance)
    stray = tuple(
        name
        for name in _siblings(seen, primary.host)
        if host_of((seen.node(name) or primary).upstream, seen.nodes) != primary.host
    )
    paused = seen.paused_pools
    if start_old or stray or paused or begun.name:
        return Plan(
            "complete",
            f"{primary.host} is primary on timeline {primary.timeline}; {begun.name or 'what is left'} is completed",
            old=begun.old,
            new=primary.host,
            timeline=primary.timeline,
            siblings=stray,
            start_old=start_old,
            load_balancers=seen.reachable_balancers,
            paused=paused,
            verify_from=_verify_from(seen, primary.host),
            record=begun.name,
        )
    return Plan("none", f"nothing to do: {primary.host} is primary on timeline {primary.timeline}", new=primary.host)


def plan_switchover(seen: Seen, wish: Wish) -> Plan:
    """See the table at the top."""
    topology = topology_of(seen.nodes)
    if topology.situation in UNDECIDABLE:
        reasons = (one for one in topology.reasons if one.severity == "red")
        return _refuse(
            topology.situation.replace("_", " "),
            *(Refusal(one.host, one.observed, one.expected, one.next) for one in reasons),
        )
    if topology.stale:
        which = ", ".join(topology.stale)
        why = Refusal(which, "a writable primary of an older timeline", "fenced, or a standby", FAILOVER)
        return _refuse(f"{which} is a primary that was left behind", why)
    primary = seen.node(topology.primary)
    if primary is None:
        return _without_primary(seen, topology)
    last = seen.last
    wanted = wish.to or (last.new if last.begun and last.new is not None else None)
    if wanted is not None and seen.node(wanted) is None:
        why = Refusal(wanted, "not a database host", ", ".join(node.host for node in seen.nodes), STATUS)
        return _refuse(f"there is no {wanted}", why)
    if wanted == primary.host:
        return _already(seen, primary)
    if wanted is None and last.status == "done" and last.new == primary.host and last.age_s < wish.repeat_after_s:
        return Plan(
            "none",
            f"nothing to do: {last.name} made {primary.host} primary {last.age_s / 60:.0f} min ago. To move it again, "
            f"name a host: {SWITCHOVER} -e switchover_to=...",
            old=last.old,
            new=primary.host,
        )
    new = wanted or seen.candidate
    if seen.blocks:
        return _refuse(f"{primary.host} stays primary", *seen.blocks, old=primary.host, new=new)
    candidate = seen.node(new)
    if candidate is None or not candidate.is_standby:
        state = candidate.role if candidate else "no standby that could take over"
        return _refuse(
            f"{primary.host} stays primary",
            Refusal(new or "cluster", state, "a streaming standby", STATUS),
            old=primary.host,
            new=new,
        )
    return Plan(
        "switchover",
        f"{candidate.host} becomes primary in place of {primary.host}",
        old=primary.host,
        new=candidate.host,
        timeline=primary.timeline,
        siblings=_siblings(seen, candidate.host, primary.host),
        start_old=True,
        load_balancers=seen.reachable_balancers,
        pools=seen.usable_pools,
        paused=seen.paused_pools,
        verify_from=_verify_from(seen, candidate.host),
        record=last.name if last.begun and last.new == candidate.host else "",
    )
