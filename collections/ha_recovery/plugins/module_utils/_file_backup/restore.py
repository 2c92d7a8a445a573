# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a restore brings back, where to, and why not. Pure.

Files are always restored beside first (into a folder of the snapshot's own). In place means that what differs is then
moved to where it belongs, and what it replaces is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup.snapshots import (
    Entry,
    Snapshot,
    SnapshotError,
    choose,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal

PLACED = ("file", "dir", "symlink")
# What a full disk would do to a host is worse than no restore.
SPARE_BYTES = 64 * 1024 * 1024
SHOWN = 20


@dataclass(frozen=True)
class Asked:
    """What a person wants. Without paths, everything that the snapshot has."""

    host: str
    snapshot: str = "latest"
    paths: tuple[str, ...] = ()
    in_place: bool = False
    confirmed: bool = False


@dataclass(frozen=True)
class Seen:
    """``there``: path to (kind, bytes, mtime in seconds) of what is on the host; ``restored``: kept beside already."""

    snapshots: tuple[Snapshot, ...]
    entries: tuple[Entry, ...] = ()
    free_bytes: int | None = None
    there: Mapping[str, tuple[str, int, float]] = field(default_factory=dict)
    restored: bool = False


@dataclass(frozen=True)
class Plan:
    """``action``: refuse, none, beside or in_place. ``changes``: path to new, changed or type, in place only."""

    action: str
    headline: str
    lines: tuple[str, ...]
    refusals: tuple[Refusal, ...] = ()
    snapshot: str = ""
    files: int = 0
    bytes: int = 0
    changes: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "action": self.action,
            "acts": self.action in ("beside", "in_place"),
            "headline": self.headline,
            "lines": list(self.lines),
            "refusals": [{"host": one.host, "line": one.line} for one in self.refusals],
            "snapshot": self.snapshot,
            "files": self.files,
            "bytes": self.bytes,
            "changes": dict(self.changes),
        }


def below(path: str, tops: Sequence[str]) -> bool:
    """The path is one of them, or lies in one of them; without any, every path does."""
    return not tops or any(path == top or path.startswith(top.rstrip("/") + "/") for top in tops)


def wanted_entries(entries: Sequence[Entry], paths: Sequence[str], manifest: str) -> list[Entry]:
    """What is restored; the list of files that a backup carries is nobody's file."""
    return [one for one in entries if below(one.path, paths) and one.path != manifest]


def changes_of(entries: Sequence[Entry], there: Mapping[str, tuple[str, int, float]]) -> dict[str, str]:
    """Path to why it is to be put in place, of files and links that are not as in the snapshot.

    ========================================  =========
    on the host                               change
    ========================================  =========
    nothing                                   new
    something of another kind                 type
    another size or time of change            changed
    the same size and time of change          (none)
    ========================================  =========
    """
    found = {}
    for one in entries:
        if one.kind not in PLACED:
            continue
        here = there.get(one.path)
        if here is None:
            found[one.path] = "new"
        elif here[0] != one.kind:
            found[one.path] = "type"
        elif one.kind == "file" and (here[1] != one.size or abs(here[2] - one.mtime) > 0.001):
            found[one.path] = "changed"
    return found


def _size(count: int) -> str:
    return f"{count / 1048576:.1f} MiB" if count >= 1048576 else f"{count} bytes"


def _listing(snapshots: Sequence[Snapshot], chosen: Snapshot | None) -> list[str]:
    lines = [f"  {one.short}  {one.when}{'  <- this one' if one == chosen else ''}" for one in snapshots[-SHOWN:]]
    hidden = len(snapshots) - SHOWN
    return [*([f"  ... and {hidden} older ones"] if hidden > 0 else []), *lines]


def plan_restore(seen: Seen, asked: Asked, target: str, manifest: str = "") -> Plan:
    """Refuse, plan, or find that everything is there. ``target``: folder that is restored to."""
    command = f"restore_files.yml -e restore_files_host={asked.host}"

    def refuse(observed: str, expected: str, following: str, lines: Sequence[str] = ()) -> Plan:
        refusal = Refusal(asked.host, f"{observed}; no file was touched", expected, following)
        return Plan("refuse", f"{asked.host}: no file is restored", tuple(lines), (refusal,))

    listing = _listing(seen.snapshots, None)
    try:
        chosen = choose(seen.snapshots, asked.snapshot)
    except SnapshotError as problem:
        expected = "the id of one of its snapshots, or latest"
        return refuse(str(problem), expected, f"{command} --check lists them", listing)
    entries = wanted_entries(seen.entries, asked.paths, manifest)
    # A folder is listed as the way to what lies in it, so each path that was asked for has entries if it is there.
    absent = [path for path in asked.paths if not any(below(one.path, [path]) for one in entries)]
    if absent:
        tops = sorted({one for one in chosen.paths if one != manifest})
        return refuse(f"snapshot {chosen.short} has no {', '.join(absent)}", f"paths below {', '.join(tops)}",
                      f"{command} -e restore_files_snapshot=... with another snapshot or path", listing)  # fmt: skip
    files = [one for one in entries if one.kind == "file"]
    total = sum(one.size for one in files)
    changes = changes_of(entries, seen.there) if asked.in_place else {}
    need = (0 if seen.restored else total) + (total if asked.in_place else 0) + SPARE_BYTES
    if seen.free_bytes is not None and seen.free_bytes < need and not (asked.in_place and not changes):
        return refuse(f"{_size(seen.free_bytes)} are free below {target}", f"{_size(need)}",
                      f"free space, or name fewer paths: {command} -e restore_files_paths=...", listing)  # fmt: skip
    head = f"{asked.host}: {len(files)} files, {_size(total)}, as of {chosen.when} (snapshot {chosen.short})"
    lines = [head, f"its snapshots ({len(seen.snapshots)}):", *_listing(seen.snapshots, chosen)]
    if asked.in_place:
        return _in_place(asked, chosen, head, lines, changes, target, (len(files), total), command)
    if seen.restored:
        headline = f"nothing to do: {asked.host}: these files of snapshot {chosen.short} are in {target} already"
        return Plan("none", headline, (headline, *lines[1:]), (), chosen.id, len(files), total)
    lines.append(f"they are restored to {target}; nothing that is in use is touched")
    return Plan("beside", head, tuple(lines), (), chosen.id, len(files), total)


def _in_place(
    asked: Asked,
    chosen: Snapshot,
    head: str,
    lines: list[str],
    changes: Mapping[str, str],
    target: str,
    counted: tuple[int, int],
    command: str,
) -> Plan:
    """What is replaced, and whether somebody said so."""
    if not changes:
        headline = f"nothing to do: {asked.host}: every file is as in snapshot {chosen.short}"
        return Plan("none", headline, (headline, *lines[1:]), (), chosen.id, *counted)
    shown = [f"  {why:8} {path}" for path, why in sorted(changes.items())[:SHOWN]]
    hidden = len(changes) - len(shown)
    lines += [f"put in place ({len(changes)}); what is replaced is kept beside {target}:", *shown]
    lines += [f"  ... and {hidden} more"] if hidden > 0 else []
    if not asked.confirmed:
        refusal = Refusal(
            asked.host,
            f"{len(changes)} paths would be replaced or made; no file was touched",
            "somebody who says so",
            f"{command} -e restore_files_in_place=true -e restore_files_confirm={asked.host} with the same words",
        )
        headline = f"{asked.host}: nothing is put in place unasked"
        return Plan("refuse", headline, tuple(lines), (refusal,), chosen.id, *counted, changes)
    return Plan("in_place", head, tuple(lines), (), chosen.id, *counted, changes)
