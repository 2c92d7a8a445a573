# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide how a whole cluster goes back to an earlier point, or refuse before anything is touched. Pure.

==================================================================  ====================================================
seen                                                                action
==================================================================  ====================================================
a database host, load balancer or the repository does not answer    refuse; a database host may be left out by name
a database host is out for maintenance                              refuse
the note of a restore cannot be read                                refuse
undo was asked for, and nothing is kept aside                       refuse
undo was asked for                                                  undo, or go on with it
a restore to this target, or no target given, is under way          go on with it
a restore to another target is under way                            refuse
a disaster recovery is under way                                    refuse
the cluster was restored to this target, and not asked for again    none
no target, or one that cannot be read                               refuse
two writable primaries, or no host to restore on                    refuse, unless restore_host names it
the repository's backups are another cluster's                      refuse
no way to the target (see _pgbackrest/restore_plan.py)              refuse
no room beside the old data                                         refuse, unless restore_old_data=discard
the cluster's name was not typed as restore_confirm                 refuse (a dry run shows the plan)
otherwise                                                           restore
==================================================================  ====================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import back_with, told
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_note import ENDS
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import (
    Choice,
    Live,
    moment,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import (
    Target,
    target_from,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.basebackup import size
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import Node
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_seen import (
    RESTORE,
    UNDO,
    Asked,
    Look,
    Refused,
    Seen,
    asked_target,
    choice_of,
    last_segment,
    live_of,
    look_of,
    newest_note,
    refused,
    room_for,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import STATUS


def plan_restore(seen: Seen, asked: Asked) -> dict[str, Any]:
    """The plan as plain data: {action, acts, headline, lines, refusals, note, host, rest, ...}."""
    try:
        return _decide(seen, asked)
    except Refused as problem:
        return refused(problem.headline, problem.why)


def _decide(seen: Seen, asked: Asked) -> dict[str, Any]:
    there = _everybody(seen, asked)
    note = newest_note(seen)
    under_way = bool(note) and note.get("phase") not in ENDS
    if under_way and note.get("disaster"):
        seen_there = f"a disaster recovery that is not complete (phase {note['phase']})"
        why = Refusal(
            str(note["host"]), seen_there, "none under way", "ansible-playbook playbooks/disaster_recovery.yml"
        )
        raise Refused("a disaster recovery is under way", why)
    if asked.undo:
        return _confirmed(_undo(seen, asked, there, note), asked)
    if under_way:
        typed = asked_target(asked) if asked.kind or asked.value or asked.label else None
        return _confirmed(_go_on(seen, asked, there, note, typed), asked)
    target = asked_target(asked)
    if note and note.get("phase") == "done" and not asked.again and target.same(note["target"]):
        words = f"nothing to do: {asked.cluster} was restored to {target.words} at {note.get('ended_at')}"
        return {"action": "none", "acts": False, "headline": words, "refusals": [], "note": dict(note), "host": "",
                "lines": [words, "  to do it again all the same: -e restore_again=true"]}  # fmt: skip
    return _confirmed(_fresh(seen, asked, there, target), asked)


def _everybody(seen: Seen, asked: Asked) -> tuple[Node, ...]:
    """Database hosts that take part."""
    again = RESTORE
    silent = [
        Refusal(
            one.host,
            one.error or "no answer",
            "an answer",
            f"restore it, or leave it out: -e restore_without={one.host}",
        )
        for one in seen.nodes
        if one.host not in asked.without and (not one.reachable or seen.looks.get(one.host) is None)
    ]
    silent += [
        Refusal(
            one.host, one.error or "no answer", "an answer, for clients are cut off there", f"restore it, then {again}"
        )
        for one in seen.balancers
        if not one.reachable
    ]
    if seen.repository is None:
        said = seen.repository_error or "no answer"
        silent.append(Refusal(seen.repository_host or "backup", said, "its backups", f"restore it, then {again}"))
    if silent:
        raise Refused("not everybody answers", *silent)
    there = tuple(one for one in seen.nodes if one.host not in asked.without)
    out = [
        Refusal(one.host, told(one.maintenance), "in service", back_with(one.host)) for one in there if one.maintenance
    ]
    if out:
        raise Refused("a database host is out for maintenance", *out)
    bare = [one.host for one in there if not look_of(seen, one.host).installed]
    if bare:
        why = Refusal(
            bare[0], "no pgBackRest", "pgBackRest on every database host", "ansible-playbook playbooks/site.yml"
        )
        raise Refused("there is no pgBackRest", why)
    return there


def _go_on(
    seen: Seen, asked: Asked, there: Sequence[Node], note: Mapping[str, Any], target: Target | None
) -> dict[str, Any]:
    mine = target_from(note["target"])
    if target is not None and not target.same(note["target"]):
        why = Refusal(str(note["host"]), f"a restore to {mine.words} that is not complete (phase {note['phase']})",
                      "no other one under way", f"{RESTORE} goes on with it; {UNDO} goes back")  # fmt: skip
        raise Refused("another restore is under way", why)
    if note.get("undo"):
        return _built(seen, asked, there, note, f"{asked.cluster}: going back to the data before is gone on with", [])
    headline = f"{asked.cluster}: the restore to {mine.words} is gone on with (phase {note['phase']})"
    return _built(seen, asked, there, note, headline, [])


def _undo(seen: Seen, asked: Asked, there: Sequence[Node], note: Mapping[str, Any]) -> dict[str, Any]:
    if note.get("undo"):
        if note.get("phase") == "undone":
            words = f"nothing to do: {asked.cluster} went back to the data before the restore at {note.get('ended_at')}"
            return {"action": "none", "acts": False, "headline": words, "lines": [words], "refusals": [],
                    "note": dict(note), "host": ""}  # fmt: skip
        return _built(seen, asked, there, note, f"{asked.cluster}: going back to the data before is gone on with", [])
    if not note or not note.get("aside") or note.get("discard"):
        seen_there = "no restore" if not note else "a restore that kept no data aside"
        why = Refusal("restore", seen_there, "one that kept the data before it", STATUS)
        raise Refused("there is nothing to go back to", why)
    back = str(note["aside"])
    fresh = {
        **{key: note[key] for key in ("id", "stanza", "repository", "label", "host", "old_primary", "timeline")},
        **_rebuild_from(seen, asked, there, note),
        "undo": True,
        "target": asdict(Target("latest")),
        "end_lsn": note.get("archived_lsn") or "0/0",
        "archived_lsn": note.get("archived_lsn") or "0/0",
        "back": back,
        "aside": f"{look_of(seen, str(note['host'])).data_directory}.undone-{asked.stamp}",
        "discard": False,
        "phase": "begun",
        "began_at": asked.now,
    }
    headline = f"{asked.cluster} goes back to the data before the restore, on {note['host']}"
    lines = [f"  {note['host']}: {back} is put back; what is there now is kept in {fresh['aside']}",
             "  lost: everything committed since the restore"]  # fmt: skip
    return _built(seen, asked, there, fresh, headline, lines)


def _rebuild_from(seen: Seen, asked: Asked, there: Sequence[Node], note: Mapping[str, Any]) -> dict[str, Any]:
    """The others are rebuilt from the newest backup on the old timeline: the restore's own may have expired since."""
    try:
        choice = choice_of(seen, asked, Target("latest", timeline=int(note["timeline"])), there, None)
    except Refused:
        return {}
    return {"label": choice.backup.label, "repository": choice.backup.repository}


def _fresh(seen: Seen, asked: Asked, there: Sequence[Node], target: Target) -> dict[str, Any]:
    primaries = [one for one in there if one.is_primary]
    if len(primaries) > 1 and not asked.host:
        both = [
            Refusal(
                one.host, f"a writable primary on timeline {one.timeline}", "one", "-e restore_host=HOST, once known"
            )
            for one in primaries
        ]
        raise Refused("there are two primaries", *both)
    live = live_of(primaries)
    host = asked.host or (primaries[0].host if primaries else _most_advanced(there))
    if host not in {one.host for one in there}:
        why = Refusal(host or "restore", "not a database host that takes part",
                      ", ".join(one.host for one in there), "-e restore_host=HOST")  # fmt: skip
        raise Refused("there is no host to restore on", why)
    choice = choice_of(seen, asked, target, there, live)
    data = look_of(seen, host)
    room_for(seen, asked, host, choice)
    aside = f"{data.data_directory}.before-restore-{asked.stamp}"
    note = {
        "id": asked.stamp,
        "undo": False,
        "target": asdict(target),
        "stanza": asked.stanza,
        "repository": choice.backup.repository,
        "label": choice.backup.label,
        "timeline": choice.timeline,
        "host": host,
        "old_primary": primaries[0].host if primaries else "",
        "aside": "" if asked.discard else aside,
        "discard": asked.discard,
        "end_lsn": "" if live else last_segment(choice),
        "phase": "begun",
        "began_at": asked.now,
    }
    headline = f"{asked.cluster} goes back to {target.words}, on {host}"
    return _built(seen, asked, there, note, headline, _told(asked, choice, host, data, live, target))


def _most_advanced(there: Sequence[Node]) -> str:
    with_data = [one for one in there if one.data_state == "initialized"]
    best = max(
        with_data or there, key=lambda one: (one.timeline or 0, parse_lsn(one.received_lsn or "0/0")), default=None
    )
    return best.host if best else ""


def _told(asked: Asked, choice: Choice, host: str, data: Look, live: Live | None, target: Target) -> list[str]:
    one = choice.backup
    lines = [
        f"  possible targets: {choice.window.words}",
        f"  {host}: backup {one.label} ({one.type}, ended {moment(one.ended_at)}, {size(one.database_bytes)}) is "
        f"restored, WAL replayed along timeline {choice.timeline}",
    ]
    after = "everything committed after it"
    if live is not None:
        last = f", last commit {live.last_commit_at}" if live.last_commit_at else ""
        after += f"; {live.host} is at {live.lsn} now{last}"
    if target.kind != "latest":
        lines.append(f"  lost: {after}")
    kept = "is written over" if asked.discard else f"is kept in {data.data_directory}.before-restore-{asked.stamp}"
    lines.append(f"  {host}: its present data ({size(data.data_bytes or 0)}; {size(data.free_bytes)} free) {kept}")
    return lines


def _built(
    seen: Seen, asked: Asked, there: Sequence[Node], note: Mapping[str, Any], headline: str, lines: Sequence[str]
) -> dict[str, Any]:
    host = str(note["host"])
    rest = [one.host for one in there if one.host != host]
    if host not in {one.host for one in there}:
        raise Refused("its host takes no part", Refusal(host, "left out", "the host of the restore", RESTORE))
    balancers = [one.host for one in seen.balancers]
    every = [headline, *lines]
    every.append(f"  {', '.join(balancers)}: no clients until the end; all database hosts are stopped and held")
    if rest:
        every.append(f"  {', '.join(rest)}: rebuilt from the same backup (over what is there), then follow {host}")
    if asked.without:
        every.append(f"  left out, kept away from clients: {', '.join(asked.without)}; bring it back with rejoin.yml")
    every.append(f"  {seen.repository_host}: a new full backup, before clients are let in again")
    if not note.get("undo") and not note.get("discard"):
        every.append(f"  the way back: {UNDO}")
    return {
        "action": "undo" if note.get("undo") else "restore",
        "acts": True,
        "headline": headline,
        "lines": every,
        "refusals": [],
        "note": dict(note),
        "host": host,
        "rest": rest,
        "live": next((one.host for one in there if one.is_primary and one.host == note.get("old_primary")), ""),
        "out": list(asked.without),
        "load_balancers": balancers,
        "repository_host": seen.repository_host,
        "timeline_before": max((one.timeline or 0 for one in there), default=0) or None,
    }


def _confirmed(plan: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """A dry run needs no word; what throws commits away does."""
    if not plan["acts"] or asked.dry or asked.confirm == asked.cluster:
        return plan
    typed = f"restore_confirm={asked.confirm!r}" if asked.confirm else "no restore_confirm"
    why = Refusal("restore", typed, f"the cluster's name, {asked.cluster}",
                  f"read the plan, then the same command with -e restore_confirm={asked.cluster}")  # fmt: skip
    return refused("not confirmed; this is what would be done", [why], plan["lines"])
