# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what only a lost primary has, before its data is rewound or replaced: WAL from where the histories part.

Source: PostgreSQL manual, pg_waldump; "WAL Internals" for the names of segments.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import owner_ids, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import (
    format_lsn,
    newest_lsn,
    parse_lsn,
    segment_number,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.rewind import SEGMENT

RECORDS = 200_000
LISTED = 1_000
_TX = re.compile(r"\btx:\s+(\d+), lsn: ([0-9A-F]+/[0-9A-F]+)")
_COMMIT = re.compile(r"desc: COMMIT(?: PREPARED)? (\d{4}-\d\d-\d\d [0-9:.]+ \S+)")
_RELATION = re.compile(r"\brel (\d+/\d+/\d+)")
_LENGTH = re.compile(r"len \(rec/tot\):\s*\d+/\s*(\d+)")
_BROKEN = re.compile(r"(?:at|after) ([0-9A-F]+/[0-9A-F]+)")


def read_dump(lines: Iterable[str]) -> dict[str, Any]:
    """What pg_waldump printed: ``transactions`` that committed (xid, at, lsn, relations), ``records``, ``end_lsn``."""
    touched: dict[str, set[str]] = {}
    commits: list[dict[str, Any]] = []
    records, last = 0, None
    for line in lines:
        found = _TX.search(line)
        if not found:
            continue
        records += 1
        xid, lsn = found.groups()
        length = _LENGTH.search(line)
        last = format_lsn(parse_lsn(lsn) + (int(length.group(1)) + 7) // 8 * 8) if length else lsn
        if xid != "0":
            touched.setdefault(xid, set()).update(_RELATION.findall(line))
        commit = _COMMIT.search(line)
        if commit:
            commits.append({"xid": int(xid), "at": commit.group(1), "lsn": lsn})
    for one in commits:
        one["relations"] = sorted(touched.get(str(one["xid"]), set()))
    return {"transactions": commits, "records": records, "end_lsn": last}


def by_database(relations: Iterable[str]) -> dict[str, list[tuple[int, int]]]:
    """'tablespace/database/file' by database: (tablespace, file) of each; globals and what is none are left out."""
    found: dict[str, list[tuple[int, int]]] = {}
    for relation in relations:
        parts = str(relation).split("/")
        if len(parts) == 3 and all(part.isdigit() for part in parts) and parts[1] != "0":
            found.setdefault(parts[1], []).append((int(parts[0]), int(parts[2])))
    return found


def with_tables(transactions: Iterable[Mapping[str, Any]], tables: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each transaction with ``tables``: the names of what it touched, each once."""
    return [
        {**one, "tables": sorted({tables[relation] for relation in one["relations"] if relation in tables})}
        for one in transactions
    ]


def chosen(names: Iterable[str], timeline: int, start: str, end: str | None, size: int) -> list[str]:
    """Segments of this timeline and newer ones that hold WAL from ``start`` to ``end``; recycled ones hold none."""
    first = parse_lsn(start) // size
    last = None if end is None else parse_lsn(end) // size
    found = []
    for name in sorted(names):
        if not SEGMENT.fullmatch(name) or int(name[:8], 16) < timeline:
            continue
        number = segment_number(name, size)
        if number >= first and (last is None or number <= last):
            found.append(name)
    return found


def save(
    runner: Runner, layout: Layout, *, timeline: int, start: str, stamp: str, segment_bytes: int, max_bytes: int
) -> dict[str, Any]:
    """Copy and list. The summary is written last: a folder without one is not complete."""
    directory = layout.data_directory()
    wal = directory / "pg_wal"
    argv = [str(layout.bin_dir / "pg_waldump"), "--timeline", str(timeline), "--start", start, "--limit", str(RECORDS)]
    done = runner.run([*argv, "--path", str(wal)], timeout=60)
    seen = read_dump(done.stdout.splitlines())
    limited = seen["records"] >= RECORDS or done.timed_out
    end = None if limited else newest_lsn(start, seen["end_lsn"], *_BROKEN.findall(done.stderr))
    names = chosen((path.name for path in wal.iterdir()), timeline, start, end, segment_bytes)
    notes = []
    if not done.ok and not done.timed_out and not seen["records"] and not _BROKEN.search(done.stderr):
        notes.append(
            f"pg_waldump could not read it ({done.reason}): transactions are not listed; the segments hold them"
        )
    if limited:
        notes.append(f"only the first {seen['records']} records were listed; the segments hold the rest")
    fits = min(max_bytes, _free(directory) // 2) // segment_bytes
    if len(names) > fits:
        notes.append(f"{len(names) - fits} of {len(names)} segments were not saved: {fits} fit")
    saved = {
        "from_timeline": timeline,
        "from_lsn": start,
        "to_lsn": end,
        "bytes": None if end is None else max(0, parse_lsn(end) - parse_lsn(start)),
        "segments": names[:fits],
        "committed": len(seen["transactions"]),
        "transactions": seen["transactions"][:LISTED],
        "notes": notes,
    }
    earlier = _saved_before(directory, saved)
    if earlier is not None:
        return {**saved, "path": str(earlier), "changed": False}
    target = directory.with_name(f"{directory.name}.diverged-{stamp}")
    target.mkdir(mode=0o700)
    histories = [path.name for path in wal.glob("*.history")]
    for name in [*names[:fits], *histories]:
        shutil.copy2(wal / name, target / name)
        _flush(target / name)
    ids = owner_ids("postgres")
    if ids is not None:
        for path in (target, *target.iterdir()):
            os.chown(path, *ids)
    replace_file(target / "summary.json", json.dumps(saved, indent=2) + "\n", mode=0o600, owner="postgres")
    return {**saved, "path": str(target), "changed": True}


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _free(directory: Path) -> int:
    stat = os.statvfs(directory)
    return stat.f_bavail * stat.f_frsize


def _saved_before(directory: Path, saved: dict[str, Any]) -> Path | None:
    """The folder in which an earlier run saved the same."""
    for path in sorted(directory.parent.glob(f"{directory.name}.diverged-*/summary.json")):
        try:
            if json.loads(path.read_text(encoding="utf-8")) == saved:
                return path.parent
        except (OSError, ValueError):
            continue
    return None
