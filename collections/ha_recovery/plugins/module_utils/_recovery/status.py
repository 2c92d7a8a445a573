# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One screen: every host, who is primary, who holds the virtual IP, what is wrong and what to type next.

========================================================  ========  ==============================
observed                                                  verdict   next
========================================================  ========  ==============================
a restore that is not complete                            red       the same restore again
anything red in the topology                              red       its own
no load balancer reachable                                red       restore one
two holders of the virtual IP                             red       look at keepalived on both
no holder, every load balancer seen                       red       start keepalived
writes routed to a host that is not the primary           red       failover.yml
the holder routes writes to nobody                        red       look at its checks
a pool of the holder does not run or answer               red       look at its journal
a pool of the holder is paused, and without a lease       red       resume it
anything yellow in the topology                           yellow    its own
a slot, or a standby that lags: see standby_faults.py      yellow    its own
a load balancer not reachable, or its HAProxy down        yellow    restore it
another load balancer does not route to the primary       yellow    look at its checks
a load balancer is out for maintenance                    yellow    bring it back
a host out for maintenance is in service somewhere        yellow    maintenance.yml completes it
a fenced host is not in maintenance everywhere            yellow    failover.yml completes it
a healthy standby gets no reads                           yellow    look at its checks
the same of a pool of another load balancer               yellow    the same
a pool is paused under a lease                            yellow    wait: it resumes by itself
backups and the archive: see backups.py                   both      its own
backups of files, and dumps: see copies.py                both      its own
none of these                                             green     nothing
========================================================  ========  ==============================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import back_with, told
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_note import ENDS
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.backups import (
    archive_reasons,
    backup_detail,
    repository_reasons,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import READ_ONLY, Balancer, Pool
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.copies import copy_detail, copy_reasons
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.standby_faults import standby_reasons
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import (
    FAILOVER,
    SITE,
    STATUS,
    Reason,
    Topology,
    topology_of,
)

RESTORE = "ansible-playbook playbooks/restore.yml"
DISASTER = "ansible-playbook playbooks/disaster_recovery.yml"


@dataclass(frozen=True)
class Report:
    """What status.yml shows and writes."""

    cluster: str
    verdict: str
    primary: str | None
    vip: str
    vip_holders: tuple[str, ...]
    topology: Topology
    reasons: tuple[Reason, ...]
    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    backups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    copies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def _restore_reasons(nodes: tuple[Node, ...]) -> Iterator[Reason]:
    """One for all hosts: they wait for the same restore. What else is wrong meanwhile is wrong because of it.

    The newest note counts, and of that restore the note of the host it is on: an older one, on a host that was away
    when its restore ended, says nothing.
    """
    notes = {one.host: one.restore for one in nodes if one.restore}
    for host, note in notes.items():
        if note["phase"] == "unreadable":
            look = f"look at /var/lib/ha_recovery/restore-*.json on {host}"
            yield Reason(host, "the note of a restore cannot be read", "one that can, or none", look, "red")
            return
    newest = max(notes.values(), key=_which, default=None)
    if newest is None:
        return
    mine = notes.get(newest["host"], newest)
    note = mine if _which(mine) == _which(newest) else newest
    if note["phase"] in ENDS:
        return
    what = f"a restore to {note['target']}"
    then = f"{RESTORE} goes on with it; {RESTORE} -e restore_undo=true goes back"
    if note["disaster"]:
        what, then = f"a disaster recovery to {note['target']}", DISASTER
    elif note["undo"]:
        what, then = "the way back from a restore", RESTORE
    yield Reason(note["host"], f"{what} is not complete (phase {note['phase']})", "none under way", then, "red")


def _which(note: Mapping[str, Any]) -> tuple[str, bool]:
    return str(note["id"]), bool(note["undo"])


def _vip_reasons(balancers: tuple[Balancer, ...], vip: str) -> Iterator[Reason]:
    holders = [one.host for one in balancers if one.holds_vip]
    if len(holders) > 1:
        for host in holders:
            yield Reason(
                host,
                f"holds the virtual IP {vip}, and so do others ({', '.join(holders)})",
                "one holder",
                "journalctl -u keepalived on each: they do not hear each other",
                "red",
            )
    if not holders and balancers and all(one.reachable for one in balancers):
        running = [one for one in balancers if one.keepalived_running]
        yield Reason(
            "load balancers",
            f"nobody holds the virtual IP {vip}",
            "one holder",
            "systemctl status haproxy keepalived on each load balancer" if running else SITE,
            "red",
        )


def _balancer_reasons(
    one: Balancer, primary: str | None, topology: Topology, nodes: tuple[Node, ...]
) -> Iterator[Reason]:
    if not one.reachable:
        yield Reason(one.host, f"not reachable ({one.error or 'no answer'})", "reachable", f"restore it, then {STATUS}")
        return
    if one.maintenance and not one.holds_vip:
        yield Reason(one.host, told(one.maintenance), "in service", back_with(one.host))
        return
    severity = "red" if one.holds_vip else "yellow"
    if not one.running:
        yield Reason(one.host, f"HAProxy does not run ({one.error or 'stopped'})", "running", SITE, severity)
        return
    if not one.keepalived_running:
        yield Reason(one.host, "keepalived does not run", "running", SITE)
    routed = one.routes_writes_to()
    wrong = sorted(routed - {primary}) if primary else sorted(routed)
    if wrong:
        yield Reason(
            one.host, f"routes writes to {', '.join(wrong)}", f"routes writes to {primary or 'nobody'}", FAILOVER, "red"
        )
    if primary and primary not in routed:
        server = one.server(primary)
        state = f"{server.status} {server.check_status}".strip() if server else "not configured"
        after = FAILOVER if server and server.maint else f"curl http://{primary}:8008/primary from {one.host}"
        yield Reason(one.host, f"has {primary} as {state}", f"routes writes to {primary}", after, severity)
    for name in topology.fenced:
        if one.server(name) and not one.fenced(name):
            yield Reason(one.host, f"{name} is fenced but not in maintenance here", "in maintenance", FAILOVER)
    for node in nodes:
        server = one.server(node.host, READ_ONLY)
        if node.maintenance:
            if server is not None and not one.fenced(node.host):
                out = f"ansible-playbook playbooks/maintenance.yml -e maintenance_host={node.host}"
                observed = f"{node.host} is out for maintenance but not in maintenance here"
                yield Reason(one.host, observed, "in maintenance", out)
            continue
        if server is not None and not server.up and node.streaming and not node.fenced:
            yield Reason(
                one.host,
                f"sends no reads to {node.host} ({server.status} {server.check_status})".replace(" )", ")"),
                "reads on every healthy standby",
                f"curl http://{node.host}:8008/replica from {one.host}",
            )


def _pool_reasons(one: Balancer) -> Iterator[Reason]:
    severity = "red" if one.holds_vip else "yellow"
    for pool in one.pools if not one.maintenance else ():
        reason = _pool_reason(one.host, pool, severity)
        if reason:
            yield reason


def _pool_reason(host: str, pool: Pool, severity: str) -> Reason | None:
    if pool.state in {"stopped", "unknown"}:
        what = "does not run" if pool.state == "stopped" else "does not answer"
        why = f" ({pool.error})" if pool.error else ""
        unit = f"pgbouncer@{pool.name}"
        after = (
            f"journalctl -u {unit} -n 50 on {host}" if pool.state == "unknown" else f"systemctl status {unit} on {host}"
        )
        return Reason(host, f"the pool {pool.name} {what}{why}", "running", after, severity)
    if pool.state == "active":
        return None
    shown = pool.state.replace("_", " ")
    resume = f"ansible {host} -m sre.ha_recovery.pgbouncer_pool -a 'pool={pool.name} state=resumed'"
    if pool.lease_s is None:
        return Reason(host, f"the pool {pool.name} is {shown}, without a lease", "active", resume, severity)
    observed = f"the pool {pool.name} is {shown} and resumes by itself in {pool.lease_s:.0f} s"
    return Reason(host, observed, "active", f"wait for the runbook that paused it, or: {resume}")


def report_of(
    nodes: tuple[Node, ...],
    balancers: tuple[Balancer, ...],
    *,
    cluster: str,
    vip: str,
    backups: Mapping[str, Mapping[str, Any]] | None = None,
    archives: Mapping[str, Mapping[str, Any]] | None = None,
    copies: Mapping[str, Mapping[str, Any]] | None = None,
) -> Report:
    """Judge everything that was observed. ``backups``, ``archives``: see backups.py; ``copies``: see copies.py."""
    topology = topology_of(nodes)
    reasons = [*_restore_reasons(nodes), *topology.reasons]
    primary = next((node for node in nodes if node.host == topology.primary), None)
    if primary is not None:
        reasons += standby_reasons(primary, nodes)
    reasons += _vip_reasons(balancers, vip)
    for one in balancers:
        reasons += _balancer_reasons(one, topology.primary, topology, nodes)
        reasons += _pool_reasons(one)
    for name, seen in (backups or {}).items():
        reasons += repository_reasons(name, seen)
    reasons += copy_reasons(copies or {}, tuple(backups or ()))
    if topology.primary and backups:
        reasons += archive_reasons(topology.primary, (archives or {}).get(topology.primary) or {})
    if balancers and not any(one.reachable for one in balancers):
        reasons.append(
            Reason("load balancers", "none is reachable", "at least one", f"restore one, then {STATUS}", "red")
        )
    severities = {reason.severity for reason in reasons}
    return Report(
        cluster=cluster,
        verdict="red" if "red" in severities else "yellow" if severities else "green",
        primary=topology.primary,
        vip=vip,
        vip_holders=tuple(one.host for one in balancers if one.holds_vip),
        topology=topology,
        reasons=tuple(sorted(reasons, key=lambda reason: reason.severity != "red")),
        nodes=nodes,
        balancers=balancers,
        backups=backups or {},
        copies=copies or {},
    )


def _lag(node: Node) -> str:
    if not node.is_standby:
        return "-"
    size = "?" if node.lag_bytes is None else f"{node.lag_bytes} B"
    return size if not node.lag_seconds else f"{size} {node.lag_seconds:g} s"


def _node_detail(node: Node, nodes: tuple[Node, ...]) -> str:
    if not node.reachable:
        return node.error or ""
    if node.fenced:
        return f"fenced: {node.fence_reason}".rstrip(": ")
    if node.maintenance:
        return told(node.maintenance)
    if node.is_primary:
        synchronous = [row.name for row in node.replication if row.sync_state in {"sync", "quorum"}]
        others = [row.name for row in node.replication if row.sync_state not in {"sync", "quorum"}]
        words = [f"synchronous: {', '.join(synchronous)}"] if synchronous else []
        words += [f"asynchronous: {', '.join(others)}"] if others else []
        words += ["synchronous replication is switched off"] if node.sync_degraded else []
        return "; ".join(words) or "no standby is attached"
    if node.is_standby:
        follows = host_of(node.upstream, nodes) or node.upstream or "nobody"
        return f"{'streams' if node.streaming else 'does not stream'} from {follows}"
    if node.role == "stopped" and node.boot_guard is not None and node.boot_guard.holds:
        return f"held back by its boot guard: {node.boot_guard.reason}"
    return node.error or node.control_state or ""


def host_rows(report: Report) -> list[dict[str, str]]:
    """One row per host: host, role, timeline, lag, detail; database hosts first."""
    rows = [
        {
            "host": node.host,
            "role": "fenced" if node.fenced else "maintenance" if node.maintenance else node.role,
            "timeline": "-" if node.timeline is None else str(node.timeline),
            "lag": _lag(node),
            "detail": _node_detail(node, report.nodes),
        }
        for node in report.nodes
    ]
    for one in report.balancers:
        if not one.reachable:
            role, detail = "unreachable", one.error or ""
        elif one.maintenance and not one.holds_vip:
            role, detail = "maintenance", told(one.maintenance)
        else:
            role = "VIP holder" if one.holds_vip else "standby LB" if one.keepalived_running else "no keepalived"
            reads = sorted(server.name for server in one.servers if server.backend == READ_ONLY and server.up)
            writes = ", ".join(sorted(one.routes_writes_to())) or "nobody"
            detail = (
                f"writes -> {writes}; reads -> {', '.join(reads) or 'nobody'}" if one.running else "HAProxy is down"
            )
            if one.in_maintenance():
                detail += f"; maintenance: {', '.join(sorted(one.in_maintenance()))}"
            if one.pools:
                states = ", ".join(f"{pool.name} {pool.state.replace('_', ' ')}" for pool in one.pools)
                detail += f"; pools: {states}"
        rows.append({"host": one.host, "role": role, "timeline": "-", "lag": "-", "detail": detail})
    return rows


def status_lines(report: Report, others: dict[str, str]) -> list[str]:
    """The screen. ``others``: hosts without a part in the verdict (the backup host) and what is known of them."""
    rows = host_rows(report)
    rows += [
        {
            "host": name,
            "role": "backup",
            "timeline": "-",
            "lag": "-",
            "detail": "; ".join(
                [
                    backup_detail(report.backups[name]) if name in report.backups else text,
                    *copy_detail(report.copies, name),
                ]
            ),
        }
        for name, text in sorted(others.items())
    ]
    holder = ", ".join(report.vip_holders) or "nobody"
    lines = [
        f"{report.cluster}: {report.verdict.upper()}   primary {report.primary or 'none'}, "
        f"timeline {report.topology.timeline or '-'}, virtual IP {report.vip} on {holder}",
        "",
    ]
    columns = ("host", "role", "timeline", "lag", "detail")
    width = {key: max([len(key), *(len(row[key]) for row in rows)]) for key in columns}
    lines.append("  ".join(key.upper().ljust(width[key]) for key in columns).rstrip())
    lines += ["  ".join(row[key].ljust(width[key]) for key in columns).rstrip() for row in rows]
    if report.reasons:
        lines.append("")
    for reason in report.reasons:
        lines.append(f"{reason.severity.upper()}  {reason.host}: {reason.observed}; expected: {reason.expected}")
        lines.append(f"     next: {reason.next}")
    return lines


def report_json(report: Report) -> dict[str, Any]:
    """What artifacts/status.json holds: ``verdict`` and ``primary`` at its top."""
    return {
        "verdict": report.verdict,
        "primary": report.primary,
        "cluster": report.cluster,
        "situation": report.topology.situation,
        "timeline": report.topology.timeline,
        "system_identifier": report.topology.system_identifier,
        "vip": report.vip,
        "vip_holders": list(report.vip_holders),
        "hosts": host_rows(report),
        "backups": {name: dict(seen) for name, seen in report.backups.items()},
        **{name: {host: dict(one) for host, one in seen.items()} for name, seen in report.copies.items() if seen},
        "reasons": [
            {
                "severity": reason.severity,
                "host": reason.host,
                "observed": reason.observed,
                "expected": reason.expected,
                "next": reason.next,
            }
            for reason in report.reasons
        ],
    }
