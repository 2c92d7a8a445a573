# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a backup now, or say why not. Pure.

==============================================  ==========================
observed                                        action
==============================================  ==========================
backups are not set up                          refuse: ha_backup
a type or a label that there is not             refuse
the repository host does not answer             refuse: restore it
its repositories cannot be read                 refuse: pgbackrest info
no primary                                      refuse: status.yml
the primary does not archive                    refuse: site.yml, rolling_restart.yml
the primary's archiver fails                    refuse: its log
the newest is younger than ``max_age``          none
anything else                                   take
==============================================  ==========================

Without the WAL that is written meanwhile a backup cannot be restored, so an archive that does not work is refused here
rather than after an hour of copying. A backup that runs already is waited for, by the program that takes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.backups import ago
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import SITE, STATUS

TYPES = {"full": "full", "diff": "differential", "incr": "incremental"}
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:+/-]{0,79}")
AGAIN = "ansible-playbook playbooks/backup.yml"


@dataclass(frozen=True)
class Plan:
    """What backup.yml does. ``acts``: something is to be done; ``max_age``: seconds, handed on to who takes it."""

    action: str
    headline: str
    lines: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    host: str
    primary: str | None
    type: str
    label: str
    max_age: float | None

    @property
    def acts(self) -> bool:
        """There is something to do."""
        return self.action == "take"


def _wrong_words(kind: str, label: str) -> Iterator[Refusal]:
    if kind not in TYPES:
        yield Refusal("backup_type", repr(kind), ", ".join(TYPES), f"{AGAIN} -e backup_type=incr")
    if label and not LABEL.fullmatch(label):
        allowed = "up to 80 letters, digits, blanks and . _ : + / -, a letter or digit first"
        yield Refusal("backup_label", repr(label), allowed, "the same command with another label")


def _wrong_estate(
    host: str, seen: Mapping[str, Any], primary: str | None, archive: Mapping[str, Any]
) -> Iterator[Refusal]:
    info = f"sudo -u postgres pgbackrest info on {host}"
    if not seen.get("reachable"):
        yield Refusal(
            host, f"not reachable ({seen.get('error') or 'no answer'})", "reachable", f"restore it, then {AGAIN}"
        )
    elif seen.get("error"):
        yield Refusal(host, f"pgBackRest does not show its repositories: {seen['error']}", "an answer", info)
    elif not seen.get("repositories") or not all(one["there"] for one in seen["repositories"]):
        yield Refusal(host, seen.get("message") or "no stanza", "repositories that know the cluster", SITE)
    if primary is None:
        yield Refusal("cluster", "no writable primary", "one, whose WAL goes to the archive", STATUS)
    elif not archive:
        yield Refusal(primary, "did not say whether it archives", "an answer", STATUS)
    elif not archive.get("on"):
        yield Refusal(
            primary, "archive_mode is off", "on", f"{SITE}, then ansible-playbook playbooks/rolling_restart.yml"
        )
    elif archive.get("failing"):
        look = f"the end of /var/log/postgresql on {primary}"
        yield Refusal(
            primary, f"archiving {archive.get('last_failed_wal')} failed", "WAL that goes to the archive", look
        )


def plan_backup(
    backups: Mapping[str, Mapping[str, Any]],
    archives: Mapping[str, Mapping[str, Any]],
    primary: str | None,
    *,
    kind: str = "incr",
    label: str = "",
    max_age: float | None = None,
) -> Plan:
    """Decide. ``backups``, ``archives``: what the repository hosts and the database hosts answered, by name."""
    host = next(iter(sorted(backups)), "")
    refusals = [*_wrong_words(kind, label)]
    if not host:
        refusals.append(Refusal("ha_backup", "none", "pgbackrest", f"set it in the inventory, then {SITE}"))
    else:
        refusals += _wrong_estate(host, backups[host], primary, archives.get(primary or "") or {})
    seen = backups.get(host) or {}

    def made(action: str, headline: str, *lines: str) -> Plan:
        return Plan(action, headline, (headline, *lines), tuple(refusals), host, primary, kind, label, max_age)

    if refusals:
        return made("refuse", "refused: no backup was begun", *(f"  {one.line}" for one in refusals))
    age, newest = seen.get("age_s"), seen.get("newest")
    last = f"the newest, {newest['label']}, ended {ago(age)} ago" if newest and age is not None else "there is none yet"
    if max_age is not None and age is not None and age <= max_age:
        return made("none", f"nothing to do: {last}")
    named = f", labelled {label!r}" if label else ""
    notes = ["  one runs already; this one begins when that one has ended"] if seen.get("running") else []
    first = "  it will be a full one, for there is none that it could build on" if not newest and kind != "full" else ""
    return made(
        "take",
        f"{'an' if kind == 'incr' else 'a'} {TYPES[kind]} backup{named} on {host}",
        f"  {last}",
        *([first] if first else []),
        *notes,
        "  it runs on the repository host and goes on when this command is ended; no other runbook waits for it",
    )
