# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on disks: room for data, for WAL, and a bound on what slots may keep."""

from __future__ import annotations

from collections.abc import Iterator

from .check import BLOCK, BLOCK_PLANNED, WARN, WARN_ALWAYS, Check, Finding, fine, unknown
from .facts import DatabaseFacts, Disk
from .look import MIB, Look


def _room(look: Look, host: str, disk: Disk, level: str) -> Finding:
    if not disk.total_bytes or disk.free_bytes is None:
        return unknown(host, f"how much room {disk.path or 'its data directory'} has", level)
    percent = 100.0 * disk.free_bytes / disk.total_bytes
    observed = f"{disk.path}: {percent:.0f} % free ({disk.free_bytes // MIB} MiB)"
    if percent >= look.limits.disk_warn_percent:
        return fine(host, observed)
    worst = level if percent < look.limits.disk_block_percent else WARN
    fix = f"make room on {host}, or give it a larger disk"
    return Finding(host, worst, observed, f"{look.limits.disk_warn_percent:g} % free", fix)


def disk_space(look: Look) -> Iterator[Finding]:
    """Data directory, WAL directory where it is elsewhere, and the load balancers' own disks."""
    for node in look.nodes:
        facts = look.facts.get(node.host)
        if facts is None or node.data_state == "absent":
            continue
        level = BLOCK if look.matters(node.host) else WARN
        yield _room(look, node.host, facts.data, level)
        if facts.wal.device is None or facts.wal.device != facts.data.device:
            yield _room(look, node.host, facts.wal, level)
    for host, balancer in sorted(look.balancer_facts.items()):
        seen: set[int | None] = set()
        for disk in balancer.disks:
            if disk.device not in seen:
                seen.add(disk.device)
                yield _room(look, host, disk, WARN)


def _reserve(facts: DatabaseFacts, bound_mib: int) -> int:
    """Bytes that slots may still come to keep within their bound."""
    kept = max((slot.retained_bytes or 0 for slot in facts.slots or ()), default=0)
    return max(0, bound_mib * MIB - kept)


def wal_space(look: Look) -> Iterator[Finding]:
    """Minutes of WAL at the present rate, and room for what slots may keep."""
    limits = look.limits
    primary = look.facts.get(look.topology.primary or "")
    rate = primary.wal_bytes_per_minute if primary is not None else None
    for node, facts in look.running():
        free, bound = facts.wal.free_bytes, facts.number("max_slot_wal_keep_size")
        if free is None or bound is None or (rate is None and look.primary is not None):
            yield unknown(node.host, "how long its WAL directory has room")
            continue
        minutes = free / rate if rate else None
        observed = f"room for {minutes:.0f} minutes of WAL" if minutes is not None else f"{free // MIB} MiB for WAL"
        fix = f"make room on {node.host}, or lower max_slot_wal_keep_size"
        expected = f"{limits.wal_warn_minutes:g} minutes at the present rate"
        if minutes is not None and minutes < limits.wal_warn_minutes:
            heavy = minutes < limits.wal_block_minutes and look.matters(node.host)
            yield Finding(node.host, BLOCK if heavy else WARN, observed, expected, fix)
        elif bound >= 0 and free < _reserve(facts, bound):
            observed = f"{free // MIB} MiB free, and slots may come to keep {_reserve(facts, bound) // MIB} MiB more"
            yield Finding(node.host, WARN, observed, "room for all that slots may keep", fix)
        else:
            yield fine(node.host, observed)


def slot_wal_limit(look: Look) -> Iterator[Finding]:
    """A standby that is away must not be able to fill the primary's disk."""
    for node, facts in look.running():
        bound = facts.number("max_slot_wal_keep_size")
        if bound is None:
            yield unknown(node.host, "max_slot_wal_keep_size")
        elif bound < 0:
            fix = "set max_slot_wal_keep_size in postgresql_settings below the size of the disk"
            yield Finding(node.host, WARN, "max_slot_wal_keep_size is -1: slots may fill the disk", "a bound", fix)
        else:
            yield fine(node.host, f"slots keep at most {bound} MiB")


CHECKS = (
    Check(
        "disk_space",
        disk_space,
        BLOCK_PLANNED,
        "A primary without room stops; a load balancer without room cannot keep its state.",
        "the host may run out of room",
    ),
    Check(
        "wal_space",
        wal_space,
        BLOCK_PLANNED,
        "While a standby is away its slot keeps WAL; the disk must hold it.",
        "the WAL directory may run full while a standby is away",
    ),
    Check("slot_wal_limit", slot_wal_limit, WARN_ALWAYS, "Without a bound one lost standby stops all writes."),
)
