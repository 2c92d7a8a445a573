# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on server settings that decide whether roles can change places, now and at the next restart."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import slot_name_for
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_query import STANDBY_SETTINGS
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import SITE

from .check import BLOCK, BLOCK_PLANNED, WARN, Check, Finding, fine, levels, unknown
from .facts import DatabaseFacts
from .look import Look

_RESTART = "ansible-playbook playbooks/rolling_restart.yml"


def rewind_possible(look: Look) -> Iterator[Finding]:
    """pg_rewind needs hint bits in the WAL, and whole pages (manual, pg_rewind)."""
    for node, facts in look.running():
        level = BLOCK if look.matters(node.host) else WARN
        sums, hints, pages = (facts.on(name) for name in ("data_checksums", "wal_log_hints", "full_page_writes"))
        lacking = []
        if not sums and not hints:
            lacking.append("neither data_checksums nor wal_log_hints is on" if None not in (sums, hints) else "")
        if pages is False:
            lacking.append("full_page_writes is off")
        if pages is None or "" in lacking:
            yield unknown(node.host, "whether it can be rewound", level)
        elif lacking:
            expected = "data_checksums or wal_log_hints on, and full_page_writes on"
            yield Finding(node.host, level, "; ".join(lacking), expected, f"{SITE}, then {_RESTART}")
        else:
            yield fine(node.host, "can be rewound")


def _lower_than(leader: DatabaseFacts, facts: DatabaseFacts) -> tuple[dict[str, str], list[str]]:
    lower, missing = {}, []
    for name in STANDBY_SETTINGS:
        mine, theirs = facts.number(name), leader.number(name)
        if mine is None or theirs is None:
            missing.append(name)
        elif mine < theirs:
            lower[f"{name} is {mine}, on {leader.host} {theirs}"] = name
    return lower, missing


def standby_settings(look: Look) -> Iterator[Finding]:
    """Standbys against the present primary, and everybody else against the next one.

    In the middle of a rolling restart they differ, and what differs waits for somebody's restart.
    """
    for node, facts in look.running():
        leaders = [look.asked(look.topology.primary) if node.is_standby else None]
        leaders += [look.asked(look.candidate)]
        lower: dict[str, str] = {}
        missing: list[str] = []
        for leader in leaders:
            if leader is not None and leader.host != node.host:
                found = _lower_than(leader, facts)
                lower, missing = {**lower, **found[0]}, missing + found[1]
        if lower:
            expected = "at least the primary's, the present one's and the next one's"
            fix = f"raise it for {node.host} in postgresql_settings, {SITE}, then {_RESTART}"
            concerned = [facts, *(leader for leader in leaders if leader is not None)]
            pending = {name for one in concerned for name in one.pending_restart or ()}
            waits = look.purpose == "rolling" and set(lower.values()) <= pending
            yield Finding(node.host, WARN if waits else BLOCK, "; ".join(lower), expected, fix)
        elif missing:
            yield unknown(node.host, ", ".join(dict.fromkeys(missing)), BLOCK)
        else:
            yield fine(node.host, "not lower than on a primary")


def pending_restart(look: Look) -> Iterator[Finding]:
    """The demoted primary restarts: what waits for a restart happens then, in the middle of the change."""
    for node, facts in look.running():
        names = facts.pending_restart
        if names is None:
            yield unknown(node.host, "which settings wait for a restart")
        elif names:
            risky = sorted(set(names) & set(STANDBY_SETTINGS))
            level = BLOCK if risky and node.is_primary and look.candidate is not None else WARN
            observed = f"{', '.join(names)} changes at the next restart"
            yield Finding(node.host, level, observed, "no setting that waits for a restart", _RESTART)
        else:
            yield fine(node.host, "no setting waits for a restart")


def walsenders(look: Look) -> Iterator[Finding]:
    """Every other host needs one on the candidate, and one more is for a backup or a new standby."""
    for node, facts in look.running():
        most, used = facts.number("max_wal_senders"), facts.walsenders
        if most is None or used is None:
            yield unknown(node.host, "how many WAL senders are free", BLOCK if node.host == look.candidate else WARN)
            continue
        needed = len(look.nodes) - 1 if node.host == look.candidate else 0
        observed = f"{used} of {most} WAL senders are in use"
        fix = f"raise max_wal_senders in postgresql_settings, {SITE}, then {_RESTART}"
        if most - used < needed:
            yield Finding(node.host, BLOCK, observed, f"{needed} free for those who will follow it", fix)
        elif most - used < needed + 1:
            yield Finding(node.host, WARN, observed, f"{needed + 1} free", fix)
        else:
            yield fine(node.host, observed)


def replication_slots(look: Look) -> Iterator[Finding]:
    """A slot for every other host is there beforehand, so that it can follow at once and misses nothing."""
    for node, facts in look.running():
        level = BLOCK if node.host == look.candidate else WARN
        if facts.slots is None:
            yield unknown(node.host, "which replication slots it has", level)
            continue
        wanted = [slot_name_for(other.host) for other in look.nodes if other.host != node.host]
        lacking = [name for name in wanted if facts.slot(name) is None]
        most = facts.number("max_replication_slots")
        if lacking:
            room = "" if most is None or most - len(facts.slots) >= len(lacking) else f", and {most} is the most"
            observed = f"it has no slot {', '.join(lacking)}{room}"
            yield Finding(node.host, level, observed, "a slot for every other database host", f"{SITE} makes them")
        else:
            yield fine(node.host, f"has {', '.join(wanted)}")


def wal_level(look: Look) -> Iterator[Finding]:
    """The new primary must write as much into the WAL as the old one did."""
    primary = look.asked(look.topology.primary)
    rank = {"minimal": 0, "replica": 1, "logical": 2}
    for node, facts in look.running():
        level = BLOCK if look.matters(node.host) else WARN
        mine = facts.settings.get("wal_level", "")
        wanted = max(1, rank.get(primary.settings.get("wal_level", ""), 1) if primary is not None else 1)
        if mine not in rank:
            yield unknown(node.host, "wal_level", level)
        elif rank[mine] < wanted:
            expected = "logical, as on the primary" if wanted == 2 else "replica"
            yield Finding(node.host, level, f"wal_level is {mine}", expected, f"{SITE}, then {_RESTART}")
        else:
            yield fine(node.host, f"wal_level is {mine}")


def read_only_default(look: Look) -> Iterator[Finding]:
    """default_transaction_read_only looks like a primary that never was promoted."""
    for node, facts in look.running():
        level = BLOCK if look.matters(node.host) else WARN
        value = facts.on("default_transaction_read_only")
        if value is None:
            yield unknown(node.host, "default_transaction_read_only", level)
        elif value:
            fix = f"ALTER SYSTEM RESET default_transaction_read_only on {node.host}, and reload"
            yield Finding(node.host, level, "default_transaction_read_only is on", "off", fix)
        else:
            yield fine(node.host, "transactions may write")


CHECKS = (
    Check(
        "rewind_possible",
        rewind_possible,
        BLOCK_PLANNED,
        "Without them a host that went its own way cannot be rewound, only copied anew.",
        "a host that diverges has to be copied anew",
    ),
    Check(
        "standby_settings",
        standby_settings,
        BLOCK_PLANNED,
        "A standby with less than its primary stops replaying, or does not start.",
        "the host may not start as a standby",
    ),
    Check(
        "pending_restart",
        pending_restart,
        levels(block=("switchover", "maintenance", "general"), warn=("failover",)),
        "The demoted primary restarts with values nobody has tried. (rolling_restart.yml exists to bring them in.)",
        "the values take effect in the middle of the change",
    ),
    Check(
        "walsenders",
        walsenders,
        BLOCK_PLANNED,
        "The demoted primary and every sibling need a WAL sender on the new primary.",
        "a standby may have to wait for a free WAL sender",
    ),
    Check(
        "replication_slots",
        replication_slots,
        BLOCK_PLANNED,
        "A standby whose slot is missing on the new primary does not stream.",
        "standbys without a slot stay behind until site.yml ran",
    ),
    Check(
        "wal_level",
        wal_level,
        BLOCK_PLANNED,
        "A primary that writes less than its standbys and subscribers need breaks them.",
        "logical decoding ends",
    ),
    Check(
        "read_only_default",
        read_only_default,
        BLOCK_PLANNED,
        "Clients would get read-only errors from a healthy primary.",
        "clients that do not ask for read-write transactions get errors",
    ),
)
