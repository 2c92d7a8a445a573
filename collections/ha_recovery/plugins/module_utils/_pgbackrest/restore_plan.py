# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backup to begin from, on which timeline, and whether the archive goes all the way to the target. Pure.

======================================================  ==========================================================
seen                                                    what follows
======================================================  ==========================================================
the repository cannot be read, or has no backup         refused
a timeline that the archive does not know               refused
no usable backup on the way to the target               refused, with the window
a target in the future, or behind the end of the WAL    refused, with the window
a label that no backup has, or several have             refused
WAL is missing on the way                               refused, with the last point that can be reached
otherwise                                               the newest usable backup that ended before the target
======================================================  ==========================================================

A backup is usable when its pages were whole and it lies on the lineage of the target's timeline. A primary that runs
archives all it has before it is stopped, so with one the window ends now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.archive import (
    Covered,
    Line,
    Run,
    covered,
    lineage_of,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup, Stanza
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import Target
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import Left
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import (
    format_lsn,
    parse_lsn,
    segment_number,
)


class ChoiceRefused(Exception):
    """No way to the target. ``observed``, ``expected``, ``hint``: for the refusal."""

    def __init__(self, observed: str, expected: str, hint: str = "") -> None:
        super().__init__(f"observed {observed}; expected {expected}")
        self.observed, self.expected, self.hint = observed, expected, hint


@dataclass(frozen=True)
class Archive:
    """What the repository holds. ``histories``: of every timeline but the first, where the earlier ones were left."""

    stanza: Stanza
    runs: tuple[Run, ...]
    histories: Mapping[int, tuple[Left, ...]]
    segment_bytes: int = 16 << 20


@dataclass(frozen=True)
class Live:
    """The primary that runs: the timeline it writes, how far, and its last commit (UTC)."""

    host: str
    timeline: int
    lsn: str
    last_commit_at: str | None = None


@dataclass(frozen=True)
class Window:
    """Between which points anything can be restored. Times: seconds since 1970; ``gap``: WAL is missing behind it."""

    timeline: int
    begins_at: int
    begins_lsn: str
    ends_at: float
    ends_lsn: str
    gap: bool

    @property
    def words(self) -> str:
        """For people."""
        return (
            f"from {moment(self.begins_at)} ({self.begins_lsn}) to {moment(self.ends_at)} ({self.ends_lsn}) "
            f"on timeline {self.timeline}"
        )


@dataclass(frozen=True)
class Choice:
    """The decision: what is restored, and along which timeline WAL is replayed."""

    backup: Backup
    timeline: int
    window: Window


def moment(seconds: float) -> str:
    """A time as people read it, UTC."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}+00"


def known_timelines(archive: Archive) -> tuple[int, ...]:
    """Every timeline of which the archive has WAL or a history."""
    return tuple(sorted({run.timeline for run in archive.runs} | set(archive.histories)))


def choose(target: Target, archive: Archive, *, live: Live | None, now: float, wanted: str = "") -> Choice:
    """Decide. ``wanted``: label of the backup to begin from, '' for the best. Raises ChoiceRefused."""
    _readable(archive)
    timeline = target.timeline or (live.timeline if live else max(known_timelines(archive)))
    lines = _lines(timeline, archive)
    usable = [one for one in archive.stanza.backups if _usable(one, lines, archive)]
    if not usable:
        raise ChoiceRefused(
            f"no usable backup that leads to timeline {timeline}",
            "a backup without damaged pages on its lineage",
            "pgbackrest info on the repository host",
        )
    window = _window(usable, lines, archive, live, now)
    named = wanted or (target.value if target.kind == "label" else "")
    fitting = [_named(named, archive, usable)] if named else usable
    before = [one for one in fitting if _ended_before(one, target)]
    if not before:
        what = f"backup {fitting[0].label} ended behind it" if named else "no backup that ended before it"
        raise ChoiceRefused(f"{target.words}: {what}", f"a target {window.words}", "choose a target inside")
    backup = max(before, key=lambda one: (one.ended_at, one.label))
    _reaches(target, backup, lines, archive, live, window, now)
    return Choice(backup, timeline, window)


def _readable(archive: Archive) -> None:
    lost = [one for one in archive.stanza.repositories if not one.there]
    if len(lost) == len(archive.stanza.repositories):
        why = lost[0].message if lost else archive.stanza.message
        raise ChoiceRefused(
            f"stanza {archive.stanza.name}: {why}", "a repository that knows it", "restore the repository"
        )
    if not archive.stanza.backups:
        raise ChoiceRefused("no backup in the repository", "one at least", "there is nothing that could be restored")


def _lines(timeline: int, archive: Archive) -> tuple[Line, ...]:
    known = known_timelines(archive)
    if timeline not in known or (timeline > 1 and timeline not in archive.histories):
        told = ", ".join(map(str, known)) or "none"
        raise ChoiceRefused(f"timeline {timeline}, of which the archive knows nothing", f"one of {told}",
                            "-e restore_target_timeline=NUMBER")  # fmt: skip
    return lineage_of(timeline, archive.histories.get(timeline, ()), archive.segment_bytes)


def leads_to(backup: Backup, lines: Sequence[Line], left: Sequence[Left], segment_bytes: int) -> bool:
    """Whether its pages are whole and it lies on that lineage. ``left``: where the last timeline left earlier ones."""
    if backup.faulty or not backup.wal_stop:
        return False
    timeline, last = int(backup.wal_stop[:8], 16), segment_number(backup.wal_stop, segment_bytes)
    line = next((one for one in lines if one.timeline == timeline), None)
    if line is None:
        return False
    if line.last is None or last < line.last:
        return True
    end = dict(left).get(timeline)
    return bool(last == line.last and end and backup.lsn_stop and parse_lsn(backup.lsn_stop) <= parse_lsn(end))


def _usable(backup: Backup, lines: Sequence[Line], archive: Archive) -> bool:
    return leads_to(backup, lines, archive.histories.get(lines[-1].timeline, ()), archive.segment_bytes)


def _from(backup: Backup, lines: Sequence[Line], archive: Archive) -> Covered:
    return covered(segment_number(backup.wal_start, archive.segment_bytes), lines, archive.runs)


def _window(usable: Sequence[Backup], lines: Sequence[Line], archive: Archive, live: Live | None, now: float) -> Window:
    """From the end of the oldest backup; WAL goes as far as it does from the newest one on."""
    oldest, newest = usable[0], usable[0]
    for one in usable:
        oldest = min(oldest, one, key=lambda each: (each.ended_at, each.label))
        newest = max(newest, one, key=lambda each: (each.ended_at, each.label))
    reach = _from(newest, lines, archive)
    going_on = live is not None and live.timeline == lines[-1].timeline and not reach.gap
    ends_at: float = now if going_on else max(reach.last_at, newest.ended_at)
    end = live.lsn if live is not None and going_on else format_lsn((reach.last + 1) * archive.segment_bytes)
    return Window(lines[-1].timeline, oldest.ended_at, oldest.lsn_stop, ends_at, end, reach.gap)


def _named(name: str, archive: Archive, usable: Sequence[Backup]) -> Backup:
    found = [one for one in archive.stanza.backups if name in (one.label, one.annotations.get("label"))]
    if not found:
        labels = ", ".join(one.label for one in archive.stanza.backups)
        raise ChoiceRefused(f"the label {name!r}, which no backup has", f"one of {labels}", "-e restore_label=LABEL")
    exact = [one for one in found if one.label == name] or found
    if len(exact) > 1:
        labels = ", ".join(one.label for one in exact)
        raise ChoiceRefused(
            f"the label {name!r}, which several backups have", f"one of {labels}", "-e restore_label=LABEL"
        )
    if exact[0] not in usable:
        why = "has damaged pages" if exact[0].faulty else "is not on the lineage of the target's timeline"
        labels = ", ".join(one.label for one in usable)
        raise ChoiceRefused(f"backup {exact[0].label}, which {why}", f"one of {labels}", "-e restore_label=LABEL")
    return exact[0]


def _ended_before(backup: Backup, target: Target) -> bool:
    if target.at is not None:
        return backup.ended_at < target.at
    if target.kind == "lsn":
        return bool(backup.lsn_stop) and parse_lsn(backup.lsn_stop) <= parse_lsn(target.value)
    return True


def _reaches(
    target: Target,
    backup: Backup,
    lines: Sequence[Line],
    archive: Archive,
    live: Live | None,
    window: Window,
    now: float,
) -> None:
    """Raises ChoiceRefused when the WAL does not go all the way."""
    size = archive.segment_bytes
    reach = _from(backup, lines, archive)
    # A primary that runs archives the rest before it is stopped.
    going_on = live is not None and live.timeline == lines[-1].timeline and not reach.gap
    last = f"{format_lsn((reach.last + 1) * size)}, archived {moment(reach.last_at)}" if reach.last >= 0 else "none"
    if reach.last < segment_number(backup.wal_stop, size):
        raise ChoiceRefused(f"WAL of backup {backup.label} itself is missing ({backup.wal_start} to {backup.wal_stop})",
                            "all of it in the archive", "-e restore_set=LABEL of an older backup")  # fmt: skip
    hint = f"the last point that can be reached is {last}"
    if target.kind in {"xid", "name", "latest"} and reach.gap:
        raise ChoiceRefused(f"WAL is missing behind {last}", "all of it up to the end of the archive", hint)
    if target.at is not None:
        if target.at > now:
            raise ChoiceRefused(f"{target.words}, in the future", f"a target {window.words}", "choose a target inside")
        if target.at > reach.last_at and not going_on:
            what = "WAL is missing before it" if reach.gap else "the archive ends before it"
            raise ChoiceRefused(f"{target.words}: {what}", f"a target {window.words}", hint)
    if target.kind == "lsn":
        wanted = parse_lsn(target.value)
        if going_on and live is not None and wanted > parse_lsn(live.lsn):
            raise ChoiceRefused(f"{target.words}, which {live.host} has not written yet", f"a target {window.words}",
                                "choose a target inside")  # fmt: skip
        if not going_on and wanted // size > reach.last:
            what = "WAL is missing before it" if reach.gap else "the archive ends before it"
            raise ChoiceRefused(f"{target.words}: {what}", f"a target {window.words}", hint)
