# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole-cluster restore is decided from, for restore.yml and disaster_recovery.yml. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.archive import runs_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import InfoError, parse_info
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import (
    Archive,
    Choice,
    ChoiceRefused,
    Live,
    choose,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import (
    Target,
    TargetRefused,
    parse_target,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.basebackup import size
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import format_lsn, parse_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer, balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node, nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.observed import value_of, why_silent
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import STATUS

RESTORE = "ansible-playbook playbooks/restore.yml"
UNDO = f"{RESTORE} -e restore_undo=true"
#: What is left free beside the restored files, for the WAL of recovery and of the first hours.
SPARE_BYTES = 512 << 20


@dataclass(frozen=True)
class Asked:
    """What a person typed. ``now``: seconds since 1970, ``stamp``: the same for names; ``dry``: a dry run.

    ``command``: the runbook that was typed, for what a refusal names as next.
    """

    cluster: str
    stanza: str
    now: float
    stamp: str
    kind: str = ""
    value: str = ""
    label: str = ""
    inclusive: bool = True
    timeline: str = ""
    wanted_set: str = ""
    host: str = ""
    without: tuple[str, ...] = ()
    discard: bool = False
    undo: bool = False
    again: bool = False
    confirm: str = ""
    dry: bool = False
    command: str = RESTORE


@dataclass(frozen=True)
class Look:
    """What a database host said; see the call restore_look. ``version``: the Postgres it has, or its release offers."""

    free_bytes: int
    data_bytes: int | None
    is_mount: bool
    data_directory: str
    note: Mapping[str, Any]
    installed: bool
    version: str = ""


@dataclass(frozen=True)
class Seen:
    """Everything the decision is made from; absent answers are None."""

    nodes: tuple[Node, ...]
    balancers: tuple[Balancer, ...]
    looks: Mapping[str, Look | None]
    repository_host: str
    repository: Mapping[str, Any] | None
    repository_error: str = ""


class Refused(Exception):
    """A row that refuses."""

    def __init__(self, headline: str, *why: Refusal) -> None:
        super().__init__(headline)
        self.headline, self.why = headline, why


def look_from(raw: Mapping[str, Any] | None) -> Look | None:
    """Read the answer of the call restore_look."""
    return Look(**{key: raw[key] for key in Look.__dataclass_fields__ if key in raw}) if raw else None


def seen_from(
    observed: Mapping[str, Any],
    hosts: Mapping[str, Any],
    databases: Sequence[str],
    load_balancers: Sequence[str],
    repository: str,
) -> Seen:
    """Put together what the runbook's look at the estate, restore_look and restore_repository answered."""
    where = hosts.get(repository, {})
    return Seen(
        nodes_from(observed["nodes"], databases),
        balancers_from(observed["load_balancers"], load_balancers),
        {name: look_from(value_of(hosts.get(name, {}), "restore_look")) for name in databases},
        repository,
        value_of(where, "restore_repository"),
        why_silent(where, ["restore_repository"]),
    )


def asked_from(raw: Mapping[str, Any]) -> Asked:
    """Read what a person typed; raises ValueError for a word that nothing knows."""
    unknown = sorted(set(raw) - set(Asked.__dataclass_fields__))
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}")
    return Asked(**{**raw, "without": tuple(raw.get("without") or ())})


def refused(headline: str, why: Sequence[Refusal], lines: Sequence[str] = ()) -> dict[str, Any]:
    """A plan that does nothing."""
    head = f"refused: {headline}"
    plain = [{**asdict(one), "line": one.line} for one in why]
    return {
        "action": "refuse",
        "acts": False,
        "headline": head,
        "lines": [head, *(f"  {one.line}" for one in why), *lines],
        "refusals": plain,
        "note": {},
        "host": "",
    }


def look_of(seen: Seen, host: str) -> Look:
    """Of a host that answered; the rows before make sure of that."""
    found = seen.looks.get(host)
    if found is None:
        raise Refused("not everybody answers", Refusal(host, "no answer", "an answer", RESTORE))
    return found


def newest_note(seen: Seen) -> dict[str, Any]:
    """The note of the newest restore: that of the host it is on, for it is the one that is kept up to date."""
    notes = {host: look.note for host, look in seen.looks.items() if look is not None and look.note}
    bad = [host for host, note in notes.items() if note.get("phase") == "unreadable"]
    if bad:
        why = Refusal(bad[0], "the note of a restore that cannot be read", "one that can, or none",
                      f"look at /var/lib/ha_recovery/restore-*.json on {bad[0]}")  # fmt: skip
        raise Refused("what an earlier restore did is not known", why)
    newest = max(notes.values(), key=lambda note: (str(note.get("id")), bool(note.get("undo"))), default=None)
    if newest is None:
        return {}
    same = [note for note in notes.values() if all(note.get(key) == newest.get(key) for key in ("id", "undo"))]
    mine = notes.get(str(newest.get("host")), newest)
    found = dict(mine if mine in same else newest)
    archived = next((note["archived_lsn"] for note in same if note.get("archived_lsn")), "")
    return {**found, "archived_lsn": archived} if archived else found


def asked_target(asked: Asked) -> Target:
    """What was typed, as a target; raises Refused."""
    try:
        return parse_target(
            asked.kind, asked.value, label=asked.label, inclusive=asked.inclusive, timeline=asked.timeline
        )
    except TargetRefused as problem:
        why = Refusal("restore", problem.observed, problem.expected, f"{asked.command} --check with such a target")
        raise Refused("the target is not one", why) from None


def last_segment(choice: Choice) -> str:
    """Where the last archived segment begins: recovery that came less far is not at the end."""
    return format_lsn(max(0, parse_lsn(choice.window.ends_lsn) - (16 << 20)))


def live_of(primaries: Sequence[Node]) -> Live | None:
    """The primary that runs, when it says how far it is."""
    if len(primaries) != 1 or not primaries[0].current_lsn or not primaries[0].timeline:
        return None
    one = primaries[0]
    return Live(one.host, int(one.timeline or 0), str(one.current_lsn), one.last_commit_at)


def choice_of(seen: Seen, asked: Asked, target: Target, there: Sequence[Node], live: Live | None) -> Choice:
    """Backup and timeline to the target; raises Refused."""
    raw = seen.repository or {}
    where = seen.repository_host
    try:
        stanza = parse_info(str(raw.get("info") or ""), asked.stanza)
    except InfoError as problem:
        raise Refused(
            "its backups are not known", Refusal(where, str(problem), "what is in it", asked.command)
        ) from None
    histories = {int(key): tuple((int(tli), str(lsn)) for tli, lsn in rows) for key, rows in raw["histories"].items()}
    systems = {one.system_identifier for one in stanza.repositories if one.system_identifier}
    mine = {one.system_identifier for one in there if one.system_identifier}
    if systems and mine and not systems & mine:
        why = Refusal(
            where, f"backups of the system {', '.join(sorted(systems))}", f"of {', '.join(sorted(mine))}", STATUS
        )
        raise Refused("its backups are another cluster's", why)
    found = Archive(stanza, runs_from(raw["runs"]), histories)
    try:
        return choose(target, found, live=live, now=asked.now, wanted=asked.wanted_set)
    except ChoiceRefused as problem:
        why = Refusal(where, problem.observed, problem.expected, problem.hint or f"{asked.command} --check")
        raise Refused("there is no way to the target", why) from None


def room_for(seen: Seen, asked: Asked, host: str, choice: Choice) -> None:
    """Raises Refused when the backup does not fit."""
    look, needed = look_of(seen, host), choice.backup.database_bytes + SPARE_BYTES
    discard = f"-e restore_old_data=discard gives up the data that is there; or make room on {host}"
    if asked.discard:
        needed = max(0, needed - (look.data_bytes or 0))
        discard = f"make room on {host}"
    elif look.is_mount:
        why = Refusal(host, f"{look.data_directory} is a mount point", "a directory that can be moved aside", discard)
        raise Refused("the old data cannot be kept", why)
    if look.free_bytes < needed:
        why = Refusal(
            host, f"{size(look.free_bytes)} free", f"{size(needed)} for backup {choice.backup.label}", discard
        )
        raise Refused(f"there is no room on {host}", why)
