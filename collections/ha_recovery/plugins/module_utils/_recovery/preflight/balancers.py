# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on the load balancers: one virtual IP, one opinion on who is primary, a way to the candidate."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import told
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import BACKENDS, Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import FAILOVER, SITE, STATUS

from .check import BLOCK, CLUSTER, PLANNED, WARN, Check, Finding, fine, levels
from .look import Look


def vip_holder(look: Look) -> Iterator[Finding]:
    """Exactly one; a load balancer that could not be asked leaves it open."""
    holders = [one.host for one in look.holders]
    silent = [one.host for one in look.balancers if one.holds_vip is None]
    if len(holders) > 1:
        fix = "journalctl -u keepalived on each: they do not hear each other"
        yield Finding(CLUSTER, BLOCK, f"{', '.join(holders)} hold the virtual IP", "exactly one holder", fix)
    elif silent:
        observed = (
            f"held by {holders[0] if holders else 'nobody who was asked'}; {', '.join(silent)} could not be asked"
        )
        yield Finding(CLUSTER, WARN, observed, "exactly one holder", f"restore it, then {STATUS}")
    elif not holders and look.balancers:
        fix = "systemctl status haproxy keepalived on each load balancer"
        yield Finding(CLUSTER, BLOCK, "nobody holds the virtual IP", "exactly one holder", fix)
    elif holders:
        yield fine(CLUSTER, f"{holders[0]} holds the virtual IP")


def _writes(one: Balancer) -> str:
    return ", ".join(sorted(one.routes_writes_to())) or "nobody"


def balancers_agree(look: Look) -> Iterator[Finding]:
    """All of them send writes to the one primary and to nobody else."""
    primary = look.topology.primary
    if primary is None:
        return
    for one in look.balancers:
        if not one.running:
            continue
        if one.routes_writes_to() == {primary}:
            yield fine(one.host, f"sends writes to {primary}")
        else:
            server = one.server(primary)
            fix = (
                FAILOVER
                if server is not None and server.maint
                else f"curl http://{primary}:8008/primary from {one.host}"
            )
            yield Finding(one.host, BLOCK, f"sends writes to {_writes(one)}", f"sends writes to {primary}", fix)


def balancer_running(look: Look) -> Iterator[Finding]:
    """HAProxy runs and answers on its admin socket: it has to be turned in the middle of the change."""
    for one in look.balancers:
        if not one.reachable:
            continue
        if one.maintenance and not one.holds_vip:
            yield fine(one.host, told(one.maintenance))
        elif one.running:
            yield fine(one.host, "HAProxy answers")
        else:
            level = BLOCK if one.holds_vip is not False else WARN
            yield Finding(one.host, level, f"HAProxy does not run ({one.error or 'stopped'})", "running", SITE)


def keepalived_running(look: Look) -> Iterator[Finding]:
    """A holder without Keepalived keeps the address; the other cannot take over."""
    for one in look.balancers:
        if not one.reachable:
            continue
        if one.maintenance and not one.holds_vip:
            yield fine(one.host, told(one.maintenance))
        elif one.keepalived_running:
            yield fine(one.host, "keepalived runs")
        else:
            level = BLOCK if one.holds_vip is not False else WARN
            yield Finding(one.host, level, "keepalived does not run", "running", SITE)


def candidate_in_service(look: Look) -> Iterator[Finding]:
    """The load balancers know the candidate, see it, and nobody put it into maintenance."""
    if look.candidate is None:
        return
    for one in look.balancers:
        if not one.running:
            continue
        servers = [one.server(look.candidate, backend) for backend in BACKENDS]
        if any(server is None for server in servers):
            observed = f"has no server {look.candidate} in every backend"
            yield Finding(one.host, BLOCK, observed, f"{look.candidate} in both backends", SITE)
        elif any(server is not None and server.maint for server in servers):
            observed = f"has {look.candidate} in maintenance"
            fix = f"end the maintenance of {look.candidate}, or name another candidate"
            yield Finding(one.host, BLOCK, observed, "in service", fix)
        elif not any(server is not None and server.up for server in servers):
            told = ", ".join(f"{server.status} {server.check_status}".strip() for server in servers if server)
            fix = f"curl http://{look.candidate}:8008/replica from {one.host}"
            yield Finding(one.host, WARN, f"has {look.candidate} as {told}", "its check answers", fix)
        else:
            yield fine(one.host, f"{look.candidate} is in service")


def _can_hold(one: Balancer, primary: str | None) -> str:
    """Why this load balancer could not serve with the virtual IP; empty when it could."""
    if not one.reachable:
        return "not reachable"
    if one.maintenance:
        return told(one.maintenance)
    if not one.running:
        return "HAProxy does not run"
    if not one.keepalived_running:
        return "keepalived does not run"
    if primary is not None and primary not in one.routes_writes_to():
        return f"sends writes to {_writes(one)}"
    return ""


def spare_balancer(look: Look) -> Iterator[Finding]:
    """Another load balancer could take the virtual IP at once."""
    if not look.balancers:
        return
    target = look.target if any(one.host == look.target for one in look.balancers) else None
    moving = look.purpose == "lb_failover" or target is not None
    if target is None:
        others = [one for one in look.balancers if one.holds_vip is not True]
    elif look.purpose == "lb_failover":
        others = [one for one in look.balancers if one.host == target]
    else:
        others = [one for one in look.balancers if one.host != target]
    why = {one.host: _can_hold(one, look.topology.primary) for one in others}
    able = [host for host, reason in why.items() if not reason]
    if able:
        yield fine(CLUSTER, f"{', '.join(able)} could take the virtual IP")
        return
    told = "; ".join(f"{host}: {reason}" for host, reason in sorted(why.items())) or "there is no other"
    expected = "a second load balancer that serves"
    yield Finding(
        CLUSTER, BLOCK if moving else WARN, told, expected, f"bring it back ({STATUS} names the next command)"
    )


def pools_ready(look: Look) -> Iterator[Finding]:
    """Poolers hold queries during the change: each must listen. Where none runs at all, there is no pooler.

    A paused one only warns: an interrupted switchover resumes what it paused, when it is run again.
    """
    if all(state == "stopped" for pools in look.pools.values() for state in pools.values()):
        return
    out = {one.host for one in look.balancers if one.maintenance}
    for host, pools in sorted(look.pools.items()):
        if host in out:
            continue
        hung = sorted(name for name, state in pools.items() if state == "unknown")
        bad = [f"{name} is {state}" for name, state in sorted(pools.items()) if state != "active"]
        if bad:
            fix = f"systemctl status 'pgbouncer*' on {host}"
            yield Finding(host, BLOCK if hung else WARN, f"pool {', '.join(bad)}", "running, not paused", fix)
        elif pools:
            yield fine(host, f"pools {', '.join(sorted(pools))} run")


CHECKS = (
    Check(
        "vip_holder",
        vip_holder,
        levels(block=(*PLANNED, "lb_failover"), warn=("failover",)),
        "Two holders mean that clients reach either; a change would reach only half of them.",
    ),
    Check(
        "balancers_agree",
        balancers_agree,
        levels(block=(*PLANNED, "lb_failover")),
        "A load balancer with another opinion would send writes to the wrong host once it holds the virtual IP.",
        "clients of that load balancer get errors until its checks have noticed",
    ),
    Check(
        "balancer_running",
        balancer_running,
        levels(block=(*PLANNED, "lb_failover"), warn=("failover",)),
        "The load balancers are turned in the middle of the change.",
        "clients of that load balancer have no way until it runs",
    ),
    Check(
        "keepalived_running",
        keepalived_running,
        levels(block=(*PLANNED, "lb_failover"), warn=("failover",)),
        "Without it nobody takes the virtual IP over.",
        "the virtual IP stays where it is, whatever happens to its holder",
    ),
    Check(
        "candidate_in_service",
        candidate_in_service,
        levels(block=PLANNED, warn=("failover",)),
        "Traffic goes to the new primary only where it is in service.",
        "that load balancer serves nobody until the server is put back into service",
    ),
    Check(
        "pools_ready",
        pools_ready,
        levels(block=("switchover", "maintenance", "rolling", "general"), warn=("lb_failover", "failover")),
        "Poolers hold queries while the primary changes; one that does not listen lets its clients see errors.",
        "clients of that pooler get errors",
    ),
    Check(
        "spare_balancer",
        spare_balancer,
        levels(block=("lb_failover", "maintenance"), warn=("switchover", "rolling", "general")),
        "The virtual IP needs somewhere to go.",
        "clients have no way while the only load balancer is away",
    ),
)
