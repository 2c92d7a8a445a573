# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide how a cluster whose database hosts are all gone comes back from its backups on empty ones. Pure.

==================================================================  ====================================================
seen                                                                action
==================================================================  ====================================================
a host or the repository does not answer                            refuse
the note of a restore cannot be read                                refuse
a restore of restore.yml is under way                               refuse
a disaster recovery is under way, to this target or none typed      go on with it
a disaster recovery to another target is under way                  refuse
a writable primary that an earlier run brought back                 none
a writable primary                                                  refuse: there is no disaster
a database host has data                                            refuse: what is there is newer than any backup
the target cannot be read, or there is no way to it                 refuse
the backups are of another major version than the host offers       refuse
no room on the host                                                 refuse
the cluster's name was not typed as disaster_confirm                refuse (a dry run shows the plan)
otherwise                                                           recover
==================================================================  ====================================================

Nothing here can fence hosts that nobody reaches any more: the plan says so, and the person who confirms it knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_note import ENDS
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import Choice, moment
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import target_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.basebackup import size
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_seen import (
    RESTORE,
    Asked,
    Refused,
    Seen,
    asked_target,
    choice_of,
    last_segment,
    look_of,
    newest_note,
    refused,
    room_for,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import STATUS

DISASTER = "ansible-playbook playbooks/disaster_recovery.yml"
#: From here on a server runs, and site.yml brings up what belongs to it.
WRITABLE = ("promoted", *ENDS)


def plan_disaster(seen: Seen, asked: Asked) -> dict[str, Any]:
    """The plan as plain data: {action, acts, prepare, headline, lines, refusals, note, host, rest, ...}."""
    asked = replace(asked, command=DISASTER, discard=True)
    try:
        return {"prepare": False, "version": "", **_decide(seen, asked)}
    except Refused as problem:
        return {"prepare": False, "version": "", **refused(problem.headline, problem.why)}


def _decide(seen: Seen, asked: Asked) -> dict[str, Any]:
    _everybody(seen)
    note = newest_note(seen)
    if note and note.get("phase") not in ENDS:
        return _confirmed(_go_on(seen, asked, note), asked)
    primaries = [one for one in seen.nodes if one.is_primary]
    if primaries and note.get("disaster"):
        words = f"nothing to recover: {asked.cluster} was brought back at {note.get('ended_at')}, on {note['host']}"
        return {"action": "none", "acts": False, "headline": words, "lines": [words], "refusals": [],
                "note": dict(note), "host": str(note["host"]), "rest": []}  # fmt: skip
    if primaries:
        found = [
            Refusal(one.host, f"a writable primary on timeline {one.timeline}", "no server on any database host",
                    f"{STATUS}; to go back in time: {RESTORE}")
            for one in primaries
        ]  # fmt: skip
        raise Refused("there is no disaster", *found)
    with_data = [one for one in seen.nodes if one.data_state not in ("", "absent")]
    if with_data:
        found = [
            Refusal(one.host, f"data in {look_of(seen, one.host).data_directory}", "an empty data directory",
                    f"{STATUS} and failover.yml, for it may have more than any backup; else move it away there")
            for one in with_data
        ]  # fmt: skip
        raise Refused("there is data left", *found)
    return _confirmed(_fresh(seen, asked), asked)


def _everybody(seen: Seen) -> None:
    """Raises Refused unless every host of the inventory answers."""
    expected = "an answer from every host of the inventory"
    what = f"bring it back, or take it out of the inventory, then {DISASTER}"
    silent = [
        Refusal(one.host, one.error or "no answer", expected, what)
        for one in seen.nodes
        if not one.reachable or seen.looks.get(one.host) is None
    ]
    silent += [
        Refusal(one.host, one.error or "no answer", expected, what) for one in seen.balancers if not one.reachable
    ]
    if seen.repository is None:
        said = seen.repository_error or "no answer"
        silent.append(Refusal(seen.repository_host or "backup", said, "its backups", f"restore it, then {DISASTER}"))
    if silent:
        raise Refused("not everybody answers", *silent)


def _go_on(seen: Seen, asked: Asked, note: Mapping[str, Any]) -> dict[str, Any]:
    host = str(note["host"])
    mine = target_from(note["target"])
    if not note.get("disaster"):
        why = Refusal(host, f"a restore to {mine.words} that is not complete (phase {note['phase']})",
                      "none under way", f"{RESTORE} goes on with it")  # fmt: skip
        raise Refused("a restore is under way", why)
    if asked.kind or asked.value or asked.label:
        target = asked_target(asked)
        if not target.same(note["target"]):
            seen_there = f"a recovery to {mine.words} that is not complete (phase {note['phase']})"
            why = Refusal(host, seen_there, "no other one under way", f"{DISASTER} goes on with it")
            raise Refused("another recovery is under way", why)
    headline = f"{asked.cluster}: the recovery to {mine.words} is gone on with (phase {note['phase']})"
    return _built(seen, asked, note, headline, [])


def _fresh(seen: Seen, asked: Asked) -> dict[str, Any]:
    typed = asked.kind or asked.value or asked.label
    target = asked_target(asked if typed else replace(asked, kind="latest"))
    names = [one.host for one in seen.nodes]
    if asked.host not in names:
        why = Refusal(asked.host or "disaster", "not a database host", ", ".join(names), "-e disaster_host=HOST")
        raise Refused("there is no host to recover on", why)
    choice = choice_of(seen, asked, target, seen.nodes, None)
    version, offered = _version(seen, asked.stanza), look_of(seen, asked.host).version
    if version and offered and version != offered:
        why = Refusal(asked.host, f"Postgres {offered}", f"Postgres {version}, as in the backups",
                      "a host of the release that has it, or postgresql_version, then " + DISASTER)  # fmt: skip
        raise Refused("the backups are of another major version", why)
    room_for(seen, asked, asked.host, choice)
    note = {
        "id": asked.stamp,
        "undo": False,
        "disaster": True,
        "target": asdict(target),
        "stanza": asked.stanza,
        "repository": choice.backup.repository,
        "label": choice.backup.label,
        "timeline": choice.timeline,
        "host": asked.host,
        "old_primary": "",
        "aside": "",
        "discard": True,
        "end_lsn": last_segment(choice),
        "phase": "begun",
        "began_at": asked.now,
    }
    headline = f"{asked.cluster} is brought back from its backups, to {target.words}, on {asked.host}"
    return _built(seen, asked, note, headline, _told(asked, choice))


def _told(asked: Asked, choice: Choice) -> list[str]:
    one, last = choice.backup, choice.window
    return [
        f"  possible targets: {last.words}",
        f"  {asked.host}: backup {one.label} ({one.type}, ended {moment(one.ended_at)}, {size(one.database_bytes)}) is "
        f"restored, WAL replayed along timeline {choice.timeline}",
        f"  lost: everything committed after the last archived WAL, which ends at {last.ends_lsn} and came "
        f"{moment(last.ends_at)}",
    ]


def _version(seen: Seen, stanza: str) -> str:
    """The newest major version that the stanza knows; '' when it does not say."""
    try:
        listed = json.loads(str((seen.repository or {}).get("info") or "[]"), strict=False)
    except ValueError:
        return ""
    databases = [row for one in listed if one.get("name") == stanza for row in one.get("db") or ()]
    newest: Mapping[str, Any] = max(databases, key=lambda row: int(row.get("id") or 0), default={})
    return str(newest.get("version") or "")


def _built(seen: Seen, asked: Asked, note: Mapping[str, Any], headline: str, lines: list[str]) -> dict[str, Any]:
    host = str(note["host"])
    rest = [one.host for one in seen.nodes if one.host != host]
    prepare = note["phase"] not in WRITABLE
    every = [headline, *lines]
    if prepare:
        every.append(f"  {', '.join([host, *rest])}: Postgres and pgBackRest are installed and configured")
    everybody = [one.host for one in seen.balancers] + rest
    every.append(f"  {', '.join(everybody)}: site.yml brings them up once {host} is a primary")
    every.append(f"  {seen.repository_host}: a new full backup at the end")
    every.append("  the old hosts cannot be fenced from here: see that they are off and stay off")
    return {
        "action": "recover",
        "acts": True,
        "prepare": prepare,
        "version": _version(seen, asked.stanza),
        "headline": headline,
        "lines": every,
        "refusals": [],
        "note": dict(note),
        "host": host,
        "rest": rest,
        "load_balancers": [one.host for one in seen.balancers],
        "repository_host": seen.repository_host,
        "timeline_before": note["timeline"],
    }


def _confirmed(plan: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """A dry run needs no word; a second cluster beside one that lives would be worse than none."""
    if not plan["acts"] or asked.dry or asked.confirm == asked.cluster:
        return plan
    typed = f"disaster_confirm={asked.confirm!r}" if asked.confirm else "no disaster_confirm"
    why = Refusal("disaster_recovery", typed, f"the cluster's name, {asked.cluster}",
                  f"read the plan, then the same command with -e disaster_confirm={asked.cluster}")  # fmt: skip
    return refused("not confirmed; this is what would be done", [why], plan["lines"])
