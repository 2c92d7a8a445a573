# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on who follows whom, how closely, and whether roles can change places."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import told
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.candidate import standing_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, host_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import REJOIN, SITE, STATUS

from .check import BLOCK, BLOCK_PLANNED, CLUSTER, PLANNED, WARN, Check, Finding, fine, levels, unknown
from .look import Look


def candidate_standby(look: Look) -> Iterator[Finding]:
    """There is somebody who may take over; a named one is that somebody."""
    if look.named is None and look.candidate is None:
        if needs_candidate(look):
            fix = f"bring a standby back ({STATUS} names the next command)"
            yield Finding(CLUSTER, BLOCK, "no host can become primary", "a running standby", fix)
        return
    name = look.named or look.candidate or ""
    node = look.node(name)
    if node is None:
        hosts = ", ".join(one.host for one in look.nodes)
        yield Finding(name, BLOCK, "not a database host of this estate", f"one of {hosts}", "name one of these")
        return
    standing = standing_of(node, look.topology.system_identifier)
    if standing.eligible:
        yield fine(name, standing.why)
    else:
        why = "it is the primary already" if name == look.topology.primary else standing.why
        yield Finding(name, BLOCK, why, "a running standby of this cluster", f"name another host, or {STATUS}")


def needs_candidate(look: Look) -> bool:
    """Whether what is planned makes another host primary."""
    if look.purpose in ("switchover", "general", "failover"):
        return True
    if look.purpose in ("maintenance", "rolling"):
        return look.target is None or look.target == look.topology.primary
    return False


def _streams(look: Look, primary: Node, node: Node, level: str) -> Finding:
    follows = host_of(node.upstream, look.nodes) or node.upstream
    expected = f"streams from {primary.host}"
    fix = REJOIN.format(host=node.host)
    if follows != primary.host:
        return Finding(node.host, level, f"follows {follows or 'nobody'}", expected, fix)
    if not node.streaming:
        return Finding(node.host, level, "receives no WAL", expected, fix)
    row = look.attached(node.host)
    if row is None:
        return Finding(node.host, level, f"{primary.host} knows no standby of that name", expected, fix)
    if row.state != "streaming":
        return Finding(node.host, level, f"its state on {primary.host} is {row.state}", expected, "wait, or " + fix)
    return fine(node.host, f"streams from {primary.host} ({row.sync_state or 'async'})")


def candidate_streams(look: Look) -> Iterator[Finding]:
    """By its own word and by the primary's."""
    node = look.candidate_node
    if node is not None and look.primary is not None and node.is_standby:
        yield _streams(look, look.primary, node, BLOCK)


def siblings_stream(look: Look) -> Iterator[Finding]:
    """The other standbys; a stopped or empty host counts as one that does not follow."""
    if look.primary is None:
        return
    for node in look.nodes:
        if node.host in (look.candidate, look.primary.host) or not node.reachable or node.fenced or node.is_primary:
            continue
        if node.is_standby:
            yield _streams(look, look.primary, node, WARN)
        elif node.maintenance:
            yield fine(node.host, told(node.maintenance))
        else:
            fix = SITE if node.role == "absent" else REJOIN.format(host=node.host)
            yield Finding(node.host, WARN, f"Postgres is {node.role}", f"streams from {look.primary.host}", fix)


def candidate_timeline(look: Look) -> Iterator[Finding]:
    """A standby on an older timeline has not followed an earlier change yet."""
    node, primary = look.candidate_node, look.primary
    if node is None or primary is None or not node.is_standby:
        return
    if node.timeline is None or primary.timeline is None:
        yield unknown(node.host, "its timeline", BLOCK)
    elif node.timeline != primary.timeline:
        expected = f"timeline {primary.timeline}, the primary's"
        yield Finding(node.host, BLOCK, f"on timeline {node.timeline}", expected, REJOIN.format(host=node.host))
    else:
        yield fine(node.host, f"on timeline {node.timeline}")


def replay_paused(look: Look) -> Iterator[Finding]:
    """What is not replayed cannot be promoted."""
    for node in look.standbys:
        if node.replay_paused:
            level = BLOCK if node.host == look.candidate else WARN
            fix = f"SELECT pg_wal_replay_resume() on {node.host}"
            yield Finding(node.host, level, "replay is paused", "replaying", fix)
        else:
            yield fine(node.host, "replays")


def apply_delay(look: Look) -> Iterator[Finding]:
    """A delayed standby is a safety net, not a candidate."""
    for node in look.standbys:
        facts = look.asked(node.host)
        if facts is None:
            continue
        level = BLOCK if node.host == look.candidate else WARN
        delay = facts.number("recovery_min_apply_delay")
        if delay is None:
            yield unknown(node.host, "recovery_min_apply_delay", level)
        elif delay > 0:
            observed = f"recovery_min_apply_delay is {delay} ms"
            yield Finding(node.host, level, observed, "0", f"name another candidate, or set it to 0 on {node.host}")
        else:
            yield fine(node.host, "applies at once")


def _graded(look: Look, host: str, value: float | None, bounds: tuple[float, float], text: str) -> Finding:
    what, unit = text.split("|")
    warn, block = bounds
    candidate = host == look.candidate
    if value is None:
        return unknown(host, what, BLOCK if candidate else WARN)
    limit = f"{warn:g}" if unit == "s" else str(int(warn))
    observed = f"{value:g} {unit}" if unit == "s" else f"{int(value)} {unit}"
    if value <= warn:
        return fine(host, f"{what} is {observed}")
    level = BLOCK if candidate and value > block else WARN
    fix = f"wait until {host} has caught up, or look at its disk and network"
    return Finding(host, level, f"{what} is {observed}", f"at most {limit} {unit}", fix)


def lag_bytes(look: Look) -> Iterator[Finding]:
    """WAL that the primary has and the standby has not replayed: by the primary's word, or worse by the standby's."""
    limits = look.limits
    for node in look.standbys:
        row = look.attached(node.host)
        told = row.lag_bytes if row is not None else None
        own = node.lag_bytes
        worst = None if told is None and look.primary is not None else max((told or 0, own or 0))
        bounds = (limits.lag_warn_bytes, limits.lag_block_bytes)
        yield _graded(look, node.host, worst, bounds, "the lag|bytes")


def lag_seconds(look: Look) -> Iterator[Finding]:
    """Age of the last transaction replayed while WAL is pending."""
    limits = look.limits
    for node in look.standbys:
        bounds = (limits.lag_warn_seconds, limits.lag_block_seconds)
        yield _graded(look, node.host, node.lag_seconds, bounds, "the age of what was replayed last|s")


def replication_connection(look: Look) -> Iterator[Finding]:
    """Tried: everybody who will have to follow the candidate logs in there for replication."""
    candidate = look.candidate_node
    if candidate is None:
        return
    for node in look.nodes:
        facts = look.facts.get(node.host)
        if node.host == candidate.host or facts is None or not (node.is_primary or node.is_standby):
            continue
        level = BLOCK if node.is_primary else WARN
        tried = facts.replication.get(candidate.host)
        if tried is None:
            yield unknown(node.host, f"whether it can replicate from {candidate.host}", level)
        elif not tried.ok:
            observed = f"cannot replicate from {candidate.host}: {tried.error}"
            expected = f"a replication connection to {candidate.host} as replicator, over TLS"
            yield Finding(
                node.host, level, observed, expected, f"{SITE} puts password, pg_hba.conf and certificates right"
            )
        elif tried.system_identifier != look.topology.system_identifier:
            observed = f"found system {tried.system_identifier} at the address of {candidate.host}"
            expected = f"system {look.topology.system_identifier}"
            yield Finding(node.host, BLOCK, observed, expected, f"look at the ha_address of {candidate.host}")
        else:
            yield fine(node.host, f"can replicate from {candidate.host}")


CHECKS = (
    Check(
        "candidate_standby",
        candidate_standby,
        levels(block=(*PLANNED, "failover")),
        "Only a running, unfenced standby of this cluster can become primary.",
    ),
    Check(
        "candidate_streams",
        candidate_streams,
        levels(block=PLANNED),
        "The last thing a switchover waits for is that the candidate has all that the old primary wrote.",
    ),
    Check(
        "siblings_stream",
        siblings_stream,
        levels(warn=PLANNED),
        "A standby that does not follow now will not follow the new primary either.",
    ),
    Check("candidate_timeline", candidate_timeline, levels(block=PLANNED), "An older timeline lacks a later change."),
    Check("replay_paused", replay_paused, BLOCK_PLANNED, "A switchover would wait for a replay that does not go on."),
    Check("apply_delay", apply_delay, BLOCK_PLANNED, "A switchover would wait for the delay, and clients with it."),
    Check(
        "lag_bytes",
        lag_bytes,
        BLOCK_PLANNED,
        "Clients wait until the candidate has replayed all of it.",
        "clients wait longer, until the candidate has caught up",
    ),
    Check(
        "lag_seconds",
        lag_seconds,
        BLOCK_PLANNED,
        "An old replay position tells of a standby that cannot keep up.",
        "clients wait longer, until the candidate has caught up",
    ),
    Check(
        "replication_connection",
        replication_connection,
        BLOCK_PLANNED,
        "The demoted primary has to follow the candidate at once. It is tried, not assumed.",
        "the demoted primary stays out until site.yml has put it right",
    ),
)
