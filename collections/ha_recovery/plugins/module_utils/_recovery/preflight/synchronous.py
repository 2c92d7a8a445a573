# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on synchronous replication: what commits wait for now, meanwhile, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import REJOIN, SITE, STATUS

from .check import BLOCK, BLOCK_PLANNED, PLANNED, WARN, Check, Finding, fine, levels
from .look import Look


def sync_names(look: Look) -> Iterator[Finding]:
    """The candidate must demand as much of its commits as the primary does of its own."""
    primary = look.primary
    for node in look.standbys:
        wanted = primary.synchronous_standby_names if primary is not None else node.synchronous_standby_names
        if node.sync_degraded or node.synchronous_standby_names != wanted:
            level = BLOCK if node.host == look.candidate else WARN
            names = node.synchronous_standby_names or "empty"
            yield Finding(node.host, level, f"synchronous_standby_names is {names}", wanted or "empty", SITE)
        else:
            yield fine(node.host, f"synchronous_standby_names is {wanted or 'empty, as on the primary'}")


def _synchronous(look: Look, without: str | None = None) -> list[str]:
    rows = look.primary.replication if look.primary is not None else ()
    return [
        row.name
        for row in rows
        if row.name != without and row.state == "streaming" and row.sync_state in ("sync", "quorum", "potential")
    ]


def sync_streaming(look: Look) -> Iterator[Finding]:
    """Commits go through now."""
    primary = look.primary
    if primary is None:
        return
    if primary.sync_degraded:
        fix = REJOIN.format(host="...")
        observed = "synchronous replication is switched off (95-degraded.conf)"
        yield Finding(primary.host, WARN, observed, "one synchronous standby", fix)
    elif primary.synchronous_standby_names and not _synchronous(look):
        expected = f"one of {primary.synchronous_standby_names}"
        fix = f"bring a standby back ({STATUS} names the next command)"
        yield Finding(primary.host, BLOCK, "commits wait: no synchronous standby streams", expected, fix)
    else:
        yield fine(primary.host, f"synchronous: {', '.join(_synchronous(look)) or 'nobody, and none is asked for'}")


def sync_remaining(look: Look) -> Iterator[Finding]:
    """Commits still go through while one host is away."""
    primary = look.primary
    if primary is None or not primary.synchronous_standby_names or primary.sync_degraded:
        return
    streaming = _synchronous(look)
    if look.purpose in ("maintenance", "rolling") and look.target not in (None, primary.host):
        left = _synchronous(look, look.target)
    else:
        left = streaming[1:]
    if not left:
        gone = look.target or look.candidate or "one standby"
        rolling = look.purpose in ("maintenance", "rolling")
        observed = f"without {gone} no synchronous standby is left: commits would wait until it is back"
        expected = "a second synchronous standby that streams"
        fix = f"bring another standby back first ({STATUS} names the next command)"
        yield Finding(primary.host, BLOCK if rolling else WARN, observed, expected, fix)
    else:
        yield fine(primary.host, f"{', '.join(left)} stays synchronous")


CHECKS = (
    Check(
        "sync_names",
        sync_names,
        BLOCK_PLANNED,
        "A candidate that asks for less would acknowledge writes that only it has.",
        "commits on the new primary may be acknowledged by nobody else until site.yml ran",
    ),
    Check(
        "sync_streaming",
        sync_streaming,
        levels(block=PLANNED),
        "While commits wait, no transaction ends, and nothing can be drained.",
        "transactions that wait are broken off",
    ),
    Check(
        "sync_remaining",
        sync_remaining,
        levels(block=("maintenance", "rolling"), warn=("switchover", "general")),
        "With synchronous replication a commit needs one standby at all times.",
        "commits wait while the host is away",
    ),
)
