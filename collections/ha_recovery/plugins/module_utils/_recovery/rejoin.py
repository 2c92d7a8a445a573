# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide how a database host comes back: the cheapest step of the ladder that is safe. First row that fits:

=======================================================================  ===========================================
observed                                                                 action
=======================================================================  ===========================================
no such host                                                             refuse
two writable primaries, several systems, no primary                      refuse
it is the primary                                                        none
it does not answer, or its files could not be looked at                  refuse
it is out for maintenance                                                refuse
files of something else in its data directory                            refuse
another system identifier                                                refuse
its timeline is ahead of the primary's                                   refuse
streams from the primary, and nothing of its absence is left             none
streams from the primary, still fenced or in maintenance somewhere       finish
no data                                                                  copy
a rewind of it was interrupted, or the primary lacks WAL for it          copy
a standby that streams, or stopped, up to the point where they part      follow
a restored backup that has not streamed yet                              follow
an old primary that stopped cleanly before that point                    follow
the primary has no WAL for it any more, and it has nothing of its own    copy
neither checksums nor wal_log_hints, or no history in common             copy
it was a primary on a timeline of the same number                        copy
anything else: it has WAL that the primary never had, or it crashed      rewind
=======================================================================  ===========================================

A copy is a restore of the newest backup that suits, and otherwise a basebackup of the primary: see the table in
_pgbackrest/reseed.py. Backups are asked for when a copy is due, not before: ``ask_backups`` says that they are to be.
A server that is writable, hangs or has diverged is fenced first. Pure: the same observation always gives the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import back_with, told
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.reseed import AUTO, Line, Policy, choose
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import Left, Parting, parting
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import (
    FAILOVER,
    REJOIN,
    STATUS,
    topology_of,
)

COPIES = {"restore", "basebackup"}
UNDECIDABLE = {"mixed_systems", "split_brain", "no_primary", "bootstrap", "unknown"}
CLEAN = {"shut down", "shut down in recovery"}


@dataclass(frozen=True)
class Files:
    """What a host's files say. ``standby``: standby.signal; ``left``: its history.

    ``oldest_lsn``, ``end_lsn``: where its WAL begins, and where it ends. ``interrupted``: why it has to be copied;
    ``useless``: a note on the disk says so. Files that merely could not be read may hold all that is left.
    ``restored``: the backup that they came from, if they never streamed; ``tried``: one that led nowhere.
    """

    state: str = ""
    timeline: int | None = None
    checkpoint_lsn: str | None = None
    end_lsn: str | None = None
    standby: bool = False
    oldest_lsn: str | None = None
    rewindable: bool | None = None
    interrupted: str = ""
    useless: bool = False
    restored: str = ""
    tried: str = ""
    left: tuple[Left, ...] = ()
    free_bytes: int | None = None
    data_bytes: int | None = None


def files_from(raw: Mapping[str, Any] | None) -> Files | None:
    """Read the answer of the call rejoin_look; None when there was none."""
    if not raw:
        return None
    known = {key: raw[key] for key in Files.__dataclass_fields__ if key in raw and key != "left"}
    return Files(**known, left=tuple((int(tli), str(lsn)) for tli, lsn in raw.get("left") or ()))


@dataclass(frozen=True)
class Seen:
    """Everything the decision is made from. ``lost_slots``: hosts for which the primary has no WAL any more.

    ``discard``: a person gives the old data up, should there be no room to keep it; a restore uses it again.
    ``backups``: what hosts said of the backups, by name, None for no answer; ``policy``: whether they are wanted.
    """

    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    files: Mapping[str, Files | None]
    lost_slots: frozenset[str] = frozenset()
    discard: bool = False
    policy: Policy = AUTO
    backups: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A rung of the ladder, and why it is this one. ``parted``: where the host's WAL leaves the primary's."""

    action: str
    why: str
    parted: Parting | None = None
    backup: Mapping[str, Any] | None = None
    ask: bool = False


@dataclass(frozen=True)
class Plan:
    """The decision for one host. ``backup``: {label, repository} of the one that is restored, ``forced`` when nothing
    else will do; ``patient``: it may have much WAL to replay; ``ask_backups``: not final before the host was asked.
    """

    action: str
    headline: str
    host: str
    why: str = ""
    primary: str | None = None
    fence_first: bool = False
    save_from: Mapping[str, Any] | None = None
    set_aside: bool = False
    discard: bool = False
    backup: Mapping[str, Any] | None = None
    patient: bool = False
    ask_backups: bool = False
    restore_sync: bool = False
    peers: tuple[str, ...] = ()
    load_balancers: tuple[str, ...] = ()
    verify_from: str | None = None
    refusals: tuple[Refusal, ...] = ()

    @property
    def acts(self) -> bool:
        """True when hosts are to be touched."""
        return self.action not in {"refuse", "none"}

    def as_dict(self) -> dict[str, Any]:
        """Plain data with lists, as playbooks and the record hold it."""
        plain = asdict(self)
        plain["load_balancers"], plain["peers"] = list(self.load_balancers), list(self.peers)
        plain["refusals"] = [{**asdict(one), "line": one.line} for one in self.refusals]
        return {**plain, "lines": plan_lines(self), "acts": self.acts}


def plan_lines(plan: Plan) -> list[str]:
    """The plan as a person reads it."""
    lines = [plan.headline, *(f"  {one.line}" for one in plan.refusals)]
    if not plan.acts:
        return lines
    host = plan.host
    lines.append(f"  {host}: {plan.why}")
    if plan.fence_first:
        lines.append(f"  {host}: Postgres is stopped and kept from starting first")
    if plan.save_from:
        lines.append(f"  {host}: WAL from {plan.save_from['lsn']} on, which only it has, is saved beside its data")
    if plan.set_aside:
        lines.append(f"  {host}: its present data is kept aside, beside the new copy")
    if plan.discard and plan.action == "restore":
        lines.append(f"  {host}: its present data is given up; what is the same in the backup is used again")
    elif plan.discard:
        lines.append(f"  {host}: its present data is removed first, for there is no room to keep it")
    does = {
        "follow": f"starts as a standby of {plan.primary}",
        "rewind": f"pg_rewind makes its data that of {plan.primary}; it starts as its standby",
        "basebackup": f"a new copy of {plan.primary}; it starts as its standby",
        "finish": "is readmitted",
    }
    if plan.backup:
        does["restore"] = (
            f"backup {plan.backup['label']} is restored; WAL from there on comes out of the archive and from "
            f"{plan.primary}; it starts as its standby"
        )
    lines.append(f"  {host}: {does[plan.action]}")
    if plan.restore_sync:
        lines.append(f"  {plan.primary}: synchronous replication is switched on again once {host} streams")
    if plan.load_balancers:
        lines.append(f"  {', '.join(plan.load_balancers)}: sessions for {host} again, last of all")
    return lines


def needing(nodes: tuple[Node, ...], balancers: tuple[Balancer, ...]) -> tuple[str, ...]:
    """Every reachable host that is not as it should be, in name order; the primary and maintenance left out."""
    primary = topology_of(nodes).primary
    found = tuple(
        node.host
        for node in nodes
        if node.reachable
        and node.host != primary
        and not node.maintenance
        and not (_streams(node, primary, nodes) and not _leftovers(node, balancers))
    )
    if not found and any(node.host == primary and node.sync_degraded for node in nodes):
        # All streams, and nothing but the switched-off synchronous replication is left: any of them can end that.
        found = tuple(node.host for node in nodes if _streams(node, primary, nodes) and not node.maintenance)[:1]
    return found


def _streams(node: Node, primary: str | None, nodes: tuple[Node, ...]) -> bool:
    return primary is not None and node.streaming and host_of(node.upstream, nodes) == primary


def _leftovers(node: Node, balancers: tuple[Balancer, ...]) -> tuple[str, ...]:
    """What is left of its absence: the fence, and load balancers that keep it in maintenance."""
    kept = tuple(one.host for one in balancers if one.reachable and node.host in _in_maintenance(one))
    return kept or ((node.host,) if node.fenced or node.masked else ())


def _in_maintenance(balancer: Balancer) -> set[str]:
    return {one.name for one in balancer.servers if one.maint}


def _no(host: str, headline: str, *why: Refusal, primary: str | None = None) -> Plan:
    return Plan("refuse", f"refused: {headline}", host, primary=primary, refusals=why)


def _refusal(seen: Seen, host: str) -> Plan | None:
    """The rows that refuse, and the primary's own."""
    node = next((one for one in seen.nodes if one.host == host), None)
    again = REJOIN.format(host=host)
    if node is None:
        names = ", ".join(one.host for one in seen.nodes)
        return _no(host, f"there is no {host}", Refusal(host, "not a database host", names, STATUS))
    topology = topology_of(seen.nodes)
    writable = [one for one in seen.nodes if one.is_primary]
    if len(writable) == 1 and (node.timeline or 0) > (writable[0].timeline or 0):
        return _ahead(node, writable[0])
    if topology.situation in UNDECIDABLE or topology.primary is None:
        bad = [Refusal(r.host, r.observed, r.expected, r.next) for r in topology.reasons if r.severity == "red"]
        words = topology.situation.replace("_", " ")
        bad = bad or [Refusal("cluster", words, "one primary", FAILOVER)]
        return _no(host, f"there is not one primary that {host} could follow ({words})", *bad)
    primary = next(one for one in seen.nodes if one.host == topology.primary)
    if host == primary.host:
        return Plan("none", f"nothing to do: {host} is the primary", host, primary=host)
    if not node.reachable:
        why = Refusal(host, node.error or "it does not answer", "an answer", f"restore it, then {again}")
        return _no(host, f"{host} does not answer", why, primary=primary.host)
    if node.maintenance:
        why = Refusal(host, told(node.maintenance), "in service", back_with(host))
        return _no(host, f"{host} is out for maintenance", why, primary=primary.host)
    if node.data_state == "foreign":
        why = Refusal(
            host,
            "files of something else, or of another major version, in its data directory",
            "this cluster's data, or an empty directory",
            f"move them away yourself on {host}, then {again}",
        )
        return _no(host, f"the data on {host} is not this cluster's", why, primary=primary.host)
    return _wrong_data(node, primary, seen, again)


def _ahead(node: Node, primary: Node) -> Plan:
    """Somebody promoted it, and nobody writes there any more: no program may choose whose writes are kept."""
    why = Refusal(
        node.host,
        f"timeline {node.timeline}",
        f"at most {primary.timeline}, the primary's",
        f"find out who promoted {node.host}, and whose writes are to be kept; {STATUS}",
    )
    return _no(node.host, f"{node.host} has seen a newer timeline than {primary.host}", why, primary=primary.host)


def _wrong_data(node: Node, primary: Node, seen: Seen, again: str) -> Plan | None:
    host = node.host
    if node.system_identifier and primary.system_identifier and node.system_identifier != primary.system_identifier:
        observed, expected = f"system identifier {node.system_identifier}", f"{primary.system_identifier}"
        why = Refusal(host, observed, expected, f"move its data away yourself on {host}, then {again}")
        return _no(host, f"{host} holds another cluster", why, primary=primary.host)
    if seen.files.get(primary.host) is None or seen.files.get(host) is None:
        silent = primary.host if seen.files.get(primary.host) is None else host
        why = Refusal(silent, "its files could not be looked at", "an answer", again)
        return _no(host, f"{silent} does not say what lies on its disk", why, primary=primary.host)
    return None


def _clean(node: Node, files: Files) -> bool:
    return not node.running and files.state in CLEAN


def _gone(end: str | None, its: Files) -> bool:
    """Whether the primary has removed the segment with which streaming would begin."""
    return None not in (end, its.oldest_lsn) and parse_lsn(str(end)) < parse_lsn(str(its.oldest_lsn))


def step_for(node: Node, primary: Node, mine: Files, its: Files, *, slot_lost: bool) -> Step:
    """The ladder: the rows from "no data" on."""
    if node.data_state == "absent":
        return Step("basebackup", "it has no data")
    if mine.interrupted:
        return Step("basebackup", f"{mine.interrupted}: its data is of no use")
    timeline = mine.timeline or node.timeline or 0
    if mine.restored and not mine.left:
        mine = replace(mine, left=_inherited(its.left, timeline))
    common = parting(mine.left, timeline, its.left, primary.timeline or 0)
    if common is None:
        return Step("basebackup", "it has no timeline in common with the primary")
    end = mine.end_lsn or node.received_lsn
    same = timeline == (primary.timeline or 0)
    standby = node.is_standby or (mine.standby and not node.is_primary)
    beyond = common.lsn is not None and (end is None or parse_lsn(end) > parse_lsn(common.lsn))
    where = f"they part at {common.lsn} on timeline {common.timeline}"
    if standby and not beyond and node.role != "hung":
        if mine.restored:
            return Step("follow", f"it is backup {mine.restored}, restored: the archive has the WAL that it lacks")
        if slot_lost or _gone(end, its):
            return Step("basebackup", f"{primary.host} has no WAL any more from where it stopped")
        return Step("follow", "it has nothing that the primary does not have")
    if (
        not standby
        and _clean(node, mine)
        and common.lsn is not None
        and mine.checkpoint_lsn
        and parse_lsn(mine.checkpoint_lsn) < parse_lsn(common.lsn)
    ):
        return Step("follow", f"it stopped cleanly, and all it wrote is the primary's: {where}")
    if mine.rewindable is False:
        return Step("basebackup", "neither data_checksums nor wal_log_hints is on: it cannot be rewound", common)
    if same and not standby:
        return Step("basebackup", f"it was itself a primary on timeline {timeline}", common)
    how = "it may have WAL that the primary never had" if node.running or not _clean(node, mine) else "it went on"
    return Step(
        "rewind", f"{how}: {where}" if common.lsn else f"it did not stop cleanly on timeline {timeline}", common
    )


def _inherited(left: tuple[Left, ...], timeline: int) -> tuple[Left, ...]:
    """The history of a timeline that the primary went through: a backup comes without its history file."""
    numbers = [number for number, _lsn in left]
    return left[: numbers.index(timeline)] if timeline in numbers else left


def _copied(step: Step, seen: Seen, node: Node, primary: Node, files: tuple[Files, Files]) -> Step | Plan:
    """Where a copy comes from. A plan when a person wants it from where it cannot come from."""
    (mine, its), policy = files, seen.policy
    asked = node.host in seen.backups
    ask = policy.on and policy.asked != "basebackup" and not asked
    if not policy.on and policy.asked == "auto":
        return step
    line = Line(primary.system_identifier or "", primary.timeline or 0, its.left)
    choice = choose(policy, seen.backups.get(node.host), line, tried=mine.tried)
    if ask:
        return replace(step, ask=True)
    if choice.source == "refuse":
        again = f"{REJOIN.format(host=node.host)} -e rejoin_copy=basebackup"
        why = Refusal(node.host, choice.why, "a backup that it could be restored from", again)
        return _no(node.host, f"there is no backup for {node.host}", why, primary=primary.host)
    if choice.backup is None:
        return replace(step, why=f"{step.why}; {choice.why}")
    named = {"label": choice.backup.label, "repository": choice.backup.repository, "forced": policy.asked == "backup"}
    return replace(step, action="restore", why=f"{step.why}; {choice.why}", backup=named)


def plan_rejoin(seen: Seen, host: str) -> Plan:
    """See the table at the top."""
    refused = _refusal(seen, host)
    if refused is not None:
        return refused
    node = next(one for one in seen.nodes if one.host == host)
    topology = topology_of(seen.nodes)
    primary = next(one for one in seen.nodes if one.host == topology.primary)
    mine, its = seen.files[host] or Files(), seen.files[primary.host] or Files()
    others = [one.host for one in seen.nodes if one.is_standby and one.host != host and not one.fenced]
    common: dict[str, Any] = {
        "primary": primary.host,
        "restore_sync": primary.sync_degraded,
        "peers": tuple(one.host for one in seen.nodes if one.host != host),
        "load_balancers": tuple(one.host for one in seen.balancers if one.reachable),
        "verify_from": next(iter(others), primary.host),
    }
    if _streams(node, primary.host, seen.nodes):
        if not _leftovers(node, seen.balancers) and not primary.sync_degraded:
            return Plan("none", f"nothing to do: {host} streams from {primary.host}", host, primary=primary.host)
        why = f"it streams from {primary.host}, and something is left of its absence"
        return Plan("finish", f"{host} is readmitted", host, why=why, **common)
    step = step_for(node, primary, mine, its, slot_lost=host in seen.lost_slots)
    if step.action == "basebackup":
        copied = _copied(step, seen, node, primary, (mine, its))
        if isinstance(copied, Plan):
            return copied
        step = copied
    headline = f"{host} comes back as a standby of {primary.host}: {step.action}"
    has_data = node.data_state == "initialized"
    copies = step.action in COPIES and has_data
    lacking = _no_room(host, mine, its, beside=True) if copies else None
    # What a rewind left half done, or what nobody has WAL for, is of no use; anything else only a person gives up.
    discard = lacking is not None and (mine.useless or seen.discard)
    # A restore fetches only what differs: old data that is given up is worth more where it is.
    discard = discard or (copies and step.action == "restore" and seen.discard)
    if discard:
        lacking = _no_room(host, mine, its, beside=False)
    if lacking is not None:
        return _no(host, f"no room for a copy on {host}", lacking, primary=primary.host)
    parted = step.parted if has_data and step.action != "follow" else None
    return Plan(
        step.action,
        headline,
        host,
        why=step.why,
        fence_first=node.is_primary or (node.running and (step.action != "follow" or node.role == "hung")),
        save_from={"timeline": parted.timeline, "lsn": parted.lsn} if parted and parted.lsn else None,
        set_aside=copies and not discard,
        discard=discard,
        backup=step.backup,
        patient=step.action == "restore" or (step.action == "follow" and bool(mine.restored)),
        ask_backups=step.ask,
        **common,
    )


def _no_room(host: str, mine: Files, its: Files, *, beside: bool) -> Refusal | None:
    """The old data stays aside while the new copy grows: both must fit. Not ``beside``: the copy takes its place."""
    if mine.free_bytes is None or its.data_bytes is None:
        return None
    free = mine.free_bytes + (0 if beside else mine.data_bytes or 0)
    if free > its.data_bytes * 1.1:
        return None
    again = REJOIN.format(host=host)
    or_not = f"; or, when nobody needs that data any more: {again} -e rejoin_old_data=discard" if beside else ""
    return Refusal(
        host,
        f"{free >> 20} MiB free" + ("" if beside else " without the present data"),
        f"{its.data_bytes * 11 // 10 >> 20} MiB for a copy" + (" beside the present data" if beside else ""),
        f"make room on {host}, then {again}{or_not}",
    )
