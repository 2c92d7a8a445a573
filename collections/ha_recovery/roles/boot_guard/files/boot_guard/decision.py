# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May this server start, when starting makes it writable? Pure: what is here and what the others say, a verdict.

The table, first row that fits. "Voices" are the other database hosts (their role probes) and the load balancers;
whoever answered counts, and so does this host itself.

==========================================================================================  =======
what is known                                                                               verdict
==========================================================================================  =======
the fence marker is here                                                                    refuse
standby.signal is here: a standby is never writable                                         start
no cluster in the data directory: the server cannot start anyhow                            start
the operator's one-time override is here                                                    start
policy off: nobody is asked                                                                 start
the control file cannot be read                                                             refuse
data of a standby without standby.signal, a copy, a half rewound server                     refuse
a voice of this cluster knows a newer timeline                                              refuse
a load balancer was told to keep clients away from this server, for good                    refuse
another host is a writable primary of this timeline                                         refuse
failover.yml is at work                                                                     wait
a load balancer sends writes to another server                                              wait
another host wants to start as primary of this timeline as well                             wait
a majority of the cluster's hosts was asked (policy peers: anybody), nobody knows better    start
too few have answered                                                                       wait
==========================================================================================  =======

Wait: ask again, for what keeps it from starting may pass by itself. Data of another cluster is no voice of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

START, WAIT, REFUSE = "start", "wait", "refuse"
DATABASE, LOAD_BALANCER = "database", "load balancer"
MAJORITY, PEERS, OFF = "majority", "peers", "off"
POLICIES = (MAJORITY, PEERS, OFF)
#: States of a control file that only a standby leaves behind (src/include/catalog/pg_control.h, DBState).
STANDBY_STATES = frozenset({"shut down in recovery", "in archive recovery"})
FAILOVER = "ansible-playbook playbooks/failover.yml"
STATUS = "ansible-playbook playbooks/status.yml"


@dataclass(frozen=True)
class Own:
    """What is on this host. ``newest_in_wal``: the newest timeline that a file in pg_wal carries in its name."""

    name: str
    has_data: bool = True
    standby: bool = False
    fenced: str = ""
    restoring: bool = False
    copied: bool = False
    state: str | None = None
    timeline: int | None = None
    newest_in_wal: int = 0
    system_identifier: str = ""
    lsn: str = ""
    runbook: str = ""


@dataclass(frozen=True)
class Voice:
    """What one other host answered; ``error`` when it did not, or why that does not count.

    ``counts``: it can say that nobody went on. What does not count may still say that somebody did. ``slow``: it is
    there and may count in a moment.
    Of a database host: ``timeline`` is the newest one it knows (0: not known), ``wants_primary``: its own guard holds a
    server that would come up writable. Of a load balancer: ``keeps_away`` from this server, ``routes_to`` others.
    """

    name: str
    kind: str
    counts: bool = False
    slow: bool = False
    error: str = ""
    system_identifier: str = ""
    timeline: int = 0
    is_primary: bool = False
    wants_primary: bool = False
    lsn: str = ""
    runbook: str = ""
    keeps_away: bool = False
    routes_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What comes of it. ``row`` names the row of the table, ``next`` the command; ``notes`` are for the journal."""

    action: str
    row: str
    reason: str
    next: str = ""
    notes: tuple[str, ...] = ()

    @property
    def starts(self) -> bool:
        """The server may start."""
        return self.action == START


def rejoin(name: str) -> str:
    """The runbook that makes an old primary a standby."""
    return f"ansible-playbook playbooks/rejoin.yml -e rejoin_host={name}"


def without_asking(own: Own, *, policy: str, override: str) -> Verdict | None:
    """The rows that need nobody else; None when the others have to be asked."""
    if own.fenced:
        return Verdict(REFUSE, "fenced", f"the fence marker is here: {own.fenced}", rejoin(own.name))
    if own.standby:
        return Verdict(START, "standby", "a standby, never writable")
    if not own.has_data:
        return Verdict(START, "no_data", "there is no cluster in the data directory")
    if override:
        return Verdict(START, "override", f"the operator's override: {override}")
    if policy == OFF:
        return Verdict(START, "off", "boot_guard_policy is off: nobody was asked")
    if own.timeline is None or not own.system_identifier:
        return Verdict(REFUSE, "no_control", "its control file cannot be read", "pg_controldata on this host says why")
    if own.restoring:
        return None
    if own.state in STANDBY_STATES or own.copied or own.newest_in_wal > own.timeline:
        if own.state in STANDBY_STATES:
            seen = f"its control file says '{own.state}', and standby.signal is missing"
        elif own.copied:
            seen = "it is a copy of another server (backup_label), and standby.signal is missing"
        else:
            seen = f"its control file is on timeline {own.timeline}, its pg_wal knows {own.newest_in_wal}"
        why = f"{seen}: started like this it would be a second primary"
        return Verdict(REFUSE, "no_primary_s_data", why, rejoin(own.name))
    return None


def decide(own: Own, voices: Sequence[Voice], *, policy: str) -> Verdict:
    """The rows that need the others."""
    ours = [v for v in voices if v.kind == LOAD_BALANCER or v.system_identifier == own.system_identifier]
    notes = tuple(
        f"{voice.name} has data of another cluster ({voice.system_identifier}): not counted"
        for voice in voices
        if voice not in ours and voice.system_identifier
    ) + tuple(f"{voice.name} {voice.error}" for voice in voices if voice.error)
    found = _against(own, ours) or _not_yet(own, ours)
    if found is not None:
        return Verdict(found.action, found.row, found.reason, found.next, notes)
    knowing = [voice.name for voice in ours if voice.counts]
    total = 1 + len(voices)
    needed = total // 2 + 1 if policy == MAJORITY else min(2, total)
    asked = f"asked {', '.join(knowing) or 'nobody'}"
    if 1 + len(knowing) >= needed:
        reason = f"{asked}: nobody knows a newer timeline than {own.timeline}"
        return Verdict(START, "nobody_newer", reason, notes=notes)
    reason = (
        f"{asked}: with this host {1 + len(knowing)} of {total} hosts, {needed} are needed to know that nobody went on"
    )
    after = f"bring the other hosts or the network back, it then starts by itself; or {FAILOVER}"
    return Verdict(WAIT, "no_majority", reason, after, notes)


def _against(own: Own, voices: Sequence[Voice]) -> Verdict | None:
    """Somebody went on without this host: it may never start writable again."""
    timeline = own.timeline or 0
    newest = max((v for v in voices if v.kind == DATABASE), key=lambda v: v.timeline, default=None)
    if newest is not None and newest.timeline > timeline:
        seen = f"{newest.name} {'is primary on' if newest.is_primary else 'knows'} timeline {newest.timeline}"
        return Verdict(REFUSE, "newer_timeline", f"{seen}, this server is on {timeline}", rejoin(own.name))
    away = [voice.name for voice in voices if voice.keeps_away]
    if away:
        seen = f"{', '.join(away)} was told by a runbook to send nobody to {own.name} any more"
        after = f"{FAILOVER} when there is no primary; else {rejoin(own.name)}"
        return Verdict(REFUSE, "kept_away", seen, after)
    rivals = [voice.name for voice in voices if voice.is_primary and voice.timeline == timeline]
    if rivals:
        seen = f"{', '.join(rivals)} is a writable primary of the same timeline {timeline}"
        return Verdict(REFUSE, "other_primary", seen, STATUS)
    return None


def _not_yet(own: Own, voices: Sequence[Voice]) -> Verdict | None:
    """Somebody may be about to go on without this host."""
    timeline = own.timeline or 0
    held = [
        name for name, what in [(own.name, own.runbook), *((v.name, v.runbook) for v in voices)] if what == "failover"
    ]
    if held:
        seen = f"failover.yml is at work on {', '.join(held)}"
        return Verdict(WAIT, "failover", seen, f"wait until it has ended, then {STATUS}")
    for voice in voices:
        others = [name for name in voice.routes_to if name != own.name]
        if others:
            return Verdict(WAIT, "routed", f"{voice.name} sends writes to {', '.join(others)}", STATUS)
    rivals = [voice for voice in voices if voice.wants_primary and voice.timeline == timeline]
    if rivals:
        seen = ", ".join(f"{voice.name} (checkpoint at {voice.lsn or 'an unknown position'})" for voice in rivals)
        reason = f"{seen} would become primary of the same timeline {timeline} as well; this one's is at {own.lsn}"
        after = f"decide whose data is kept and override on that host (docs/boot_guard.md); then {STATUS}"
        return Verdict(WAIT, "two_would_be_primaries", reason, after)
    return None
