# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on backups that run and on the archive."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import SITE

from .check import BLOCK, PLANNED, WARN, Check, Finding, fine, levels, unknown
from .facts import DatabaseFacts
from .look import Look


def base_backup(look: Look) -> Iterator[Finding]:
    """A backup of any kind, from any host: shutdown and promotion both break it off."""
    for node, facts in look.running():
        level = BLOCK if look.matters(node.host) or node.host == look.target else WARN
        if facts.backups is None:
            yield unknown(node.host, "whether a backup runs", level)
        elif facts.backups:
            told = "; ".join(f"{one.name} of {one.who}" for one in facts.backups)
            yield Finding(node.host, level, f"a backup runs: {told}", "no running backup", "wait until it has ended")
        else:
            yield fine(node.host, "no backup is seen")


def _archives(node: Node, facts: DatabaseFacts) -> bool | None:
    """Whether this host archives in its present role; None: not known."""
    mode = facts.settings.get("archive_mode")
    if mode is None:
        return None
    return mode == "always" or (mode == "on" and node.is_primary)


def archive_settings(look: Look) -> Iterator[Finding]:
    """Archiving must not end with the primary that did it."""
    primary, candidate = look.asked(look.topology.primary), look.asked(look.candidate)
    if primary is None or candidate is None:
        return
    mode = primary.settings.get("archive_mode")
    if mode is None or candidate.settings.get("archive_mode") is None:
        yield unknown(candidate.host, "archive_mode")
        return
    how = candidate.settings.get("archive_command") or candidate.settings.get("archive_library")
    if mode != "off" and candidate.settings["archive_mode"] == "off":
        expected = f"{mode}, as on {primary.host}"
        yield Finding(candidate.host, BLOCK, "archive_mode is off", expected, f"{SITE}, then rolling_restart.yml")
    elif mode != "off" and not how:
        observed = "archive_mode is on, but there is no archive_command"
        yield Finding(candidate.host, BLOCK, observed, f"a command, as on {primary.host}", SITE)
    else:
        yield fine(candidate.host, f"archive_mode is {candidate.settings['archive_mode']}")


def archive_failing(look: Look) -> Iterator[Finding]:
    """The last attempt decides. A shutdown waits for the archiver's last attempts, and clients with it."""
    for node, facts in look.running():
        archives = _archives(node, facts)
        if archives is None or (archives and facts.archiver is None):
            yield unknown(node.host, "whether archiving works")
        elif archives and facts.archiver is not None and facts.archiver.failing:
            since = facts.archiver.last_archived_age_s
            last = "never archived anything" if since is None else f"last archived {since:g} s ago"
            observed = f"archiving {facts.archiver.last_failed_wal} failed; {last}"
            fix = f"look at the log of {node.host} for the archive command's own words"
            yield Finding(node.host, BLOCK if look.matters(node.host) else WARN, observed, "archiving works", fix)
        else:
            yield fine(node.host, "archiving works" if archives else "does not archive")


def archive_backlog(look: Look) -> Iterator[Finding]:
    """Segments that wait; a primary that is shut down leaves them behind unarchived."""
    limits = look.limits
    for node, facts in look.running():
        if facts.settings.get("archive_mode") == "off":
            yield fine(node.host, "does not archive")
        elif facts.archive_ready is None or facts.settings.get("archive_mode") is None:
            yield unknown(node.host, "how many segments wait for the archive")
        elif facts.archive_ready > limits.archive_warn_files:
            heavy = facts.archive_ready > limits.archive_block_files and look.matters(node.host)
            observed = f"{facts.archive_ready} segments wait for the archive"
            fix = f"wait until they are archived, or look at the archive command in the log of {node.host}"
            yield Finding(
                node.host, BLOCK if heavy else WARN, observed, f"at most {int(limits.archive_warn_files)}", fix
            )
        else:
            yield fine(node.host, f"{facts.archive_ready} segments wait for the archive")


CHECKS = (
    Check(
        "base_backup",
        base_backup,
        levels(block=PLANNED),
        "Shutting a server down, or promoting it, breaks its backup off.",
        "the backup is broken off",
    ),
    Check(
        "archive_settings",
        archive_settings,
        levels(block=PLANNED, warn=("failover",)),
        "WAL of the new primary must reach the archive, or point-in-time recovery ends here.",
        "there is no archive of what the new primary writes",
    ),
    Check(
        "archive_failing",
        archive_failing,
        levels(block=PLANNED, warn=("failover",)),
        "The shutdown waits for the archiver's last attempts, and a gap in the archive goes unnoticed.",
        "the shutdown takes longer; the archive may lack the last segments of the old primary",
    ),
    Check(
        "archive_backlog",
        archive_backlog,
        levels(block=PLANNED, warn=("failover",)),
        "The shutdown waits for the archiver, and clients wait for the shutdown.",
        "the shutdown takes longer; segments may stay on the old primary only",
    ),
)
