# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on what is going on: transactions, and slots that hold WAL or would be lost."""

from __future__ import annotations

from collections.abc import Iterator

from .check import BLOCK, PLANNED, WARN, WARN_ALWAYS, Check, Finding, fine, levels, unknown
from .facts import Session
from .look import Look


def _told(sessions: list[Session]) -> str:
    """The three oldest, and how many there are besides."""
    shown = [f"{one.name} of {one.who}, {one.age_s or 0:g} s" for one in sessions[:3]]
    more = [f"and {len(sessions) - 3} more"] if len(sessions) > 3 else []
    return "; ".join(shown + more)


def long_transactions(look: Look) -> Iterator[Finding]:
    """Old transactions on the primary: the pooler cannot pause around them, and the shutdown breaks them off."""
    facts = look.asked(look.topology.primary)
    if facts is None:
        return
    if facts.transactions is None:
        yield unknown(facts.host, "which transactions run")
        return
    limits = look.limits
    old = [one for one in facts.transactions if one.age_s is None or one.age_s > limits.transaction_warn_seconds]
    if not old:
        yield fine(facts.host, f"no transaction is older than {limits.transaction_warn_seconds:g} s")
        return
    blocked = any((one.age_s or 0) > limits.transaction_block_seconds for one in old)
    expected = f"no transaction older than {limits.transaction_warn_seconds:g} s"
    fix = "let them end, or SELECT pg_terminate_backend(<process>) for those that may be lost"
    yield Finding(facts.host, BLOCK if blocked else WARN, _told(old), expected, fix)


def prepared_transactions(look: Look) -> Iterator[Finding]:
    """They survive the change and keep their locks; whoever prepared them has to find them again."""
    facts = look.asked(look.topology.primary)
    if facts is None:
        return
    if facts.prepared is None:
        yield unknown(facts.host, "which transactions are prepared")
    elif facts.prepared:
        fix = "let their manager end them, or COMMIT PREPARED / ROLLBACK PREPARED '<name>'"
        yield Finding(facts.host, WARN, _told(list(facts.prepared)), "no prepared transaction", fix)
    else:
        yield fine(facts.host, "no prepared transaction")


def logical_slots(look: Look) -> Iterator[Finding]:
    """A logical slot stays on the old primary, unless it is a failover slot that the candidate has a copy of."""
    primary, candidate = look.asked(look.topology.primary), look.asked(look.candidate)
    if primary is None or look.candidate is None:
        return
    if primary.slots is None:
        yield unknown(primary.host, "which logical slots it has", BLOCK)
        return
    lost = []
    for slot in primary.slots:
        if not slot.logical or slot.temporary:
            continue
        copy = candidate.slot(slot.name) if candidate is not None else None
        if not slot.failover or copy is None or not copy.synced or copy.wal_status == "lost":
            lost.append(slot.name)
    if lost:
        observed = f"{', '.join(lost)} has no synchronised copy on {look.candidate}"
        expected = "no logical slot, or failover slots (PostgreSQL 17) that are synchronised"
        fix = "make it a failover slot with sync_replication_slots on, or make it anew afterwards and resynchronise"
        yield Finding(primary.host, BLOCK, observed, expected, fix)
    else:
        yield fine(primary.host, f"no logical slot that {look.candidate} would lack")


def inactive_slots(look: Look) -> Iterator[Finding]:
    """Slots that nobody uses and that keep WAL, and those that have lost it already."""
    for node, facts in look.running():
        if facts.slots is None:
            yield unknown(node.host, "which replication slots it has")
            continue
        bad = []
        for slot in facts.slots:
            if slot.wal_status in ("lost", "unreserved"):
                bad.append(f"{slot.name} is {slot.wal_status}")
            elif not slot.active and (slot.retained_bytes or 0) > look.limits.slot_warn_bytes:
                bad.append(f"{slot.name} is inactive and holds {slot.retained_bytes} bytes of WAL")
        if bad:
            expected = f"inactive slots that hold at most {int(look.limits.slot_warn_bytes)} bytes"
            fix = "bring its reader back, or SELECT pg_drop_replication_slot('<name>') when nobody needs it any more"
            yield Finding(node.host, WARN, "; ".join(bad), expected, fix)
        else:
            yield fine(node.host, "no inactive slot holds WAL")


CHECKS = (
    Check(
        "long_transactions",
        long_transactions,
        levels(block=PLANNED),
        "The poolers wait for them, clients wait behind them, and the shutdown breaks them off.",
        "they are broken off and rolled back",
    ),
    Check(
        "prepared_transactions",
        prepared_transactions,
        levels(warn=PLANNED),
        "They keep their locks on the new primary until their manager ends them there.",
        "they stay prepared on the new primary",
    ),
    Check(
        "logical_slots",
        logical_slots,
        levels(block=PLANNED),
        "Subscribers lose their place, and with it changes.",
        "logical slots without a copy are lost; subscribers have to be synchronised anew",
    ),
    Check("inactive_slots", inactive_slots, WARN_ALWAYS, "WAL that nobody fetches fills the disk."),
)
