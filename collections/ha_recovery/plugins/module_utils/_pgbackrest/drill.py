# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill came to: its figures, its verdict, and what Prometheus and status.yml are told. Pure.

RTO is what a person would wait for a server that takes queries: copying the backup and replaying WAL. Checking comes
after that and is shown apart. RPO is told twice, for neither figure is the whole truth: the age of the last commit that
came back (an idle database looks worse than it is) and the age of the newest archived segment (what would be lost if
every database host burned now).

It lies beside the program that timers run, so it imports nothing of the collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

MIB = 1 << 20
# The parts of a drill, in order; the first two are the RTO.
PHASES = ("restore", "recover", "amcheck", "rows", "canaries", "checksums", "remove")
RTO = ("restore", "recover")
# Tables that the result names; of more there is only the sum.
TABLES_SHOWN = 500
Row = tuple[str, Mapping[str, str], float]


def figures(
    seconds: Mapping[str, float], *, database_bytes: int, wal_bytes: int, commit_at: float | None,
    archived_at: float | None, began: float, to_end: bool,
) -> dict[str, Any]:  # fmt: skip
    """{rto_s, restore_mib_s, replay_mib_s, last_commit_age_s, archive_age_s} of a drill that ``began`` then.

    ``to_end``: it went to the end of the archive; otherwise the ages are those of a target in the past: None.
    """
    done = all(name in seconds for name in RTO)
    return {
        "rto_s": round(sum(seconds[name] for name in RTO), 1) if done else None,
        "restore_mib_s": rate(database_bytes, seconds.get("restore")),
        "replay_mib_s": rate(wal_bytes, seconds.get("recover")),
        "last_commit_age_s": age(commit_at, began) if to_end else None,
        "archive_age_s": age(archived_at, began) if to_end else None,
    }


def rate(size: int, seconds: float | None) -> float | None:
    """MiB a second."""
    return round(size / MIB / seconds, 1) if seconds else None


def age(at: float | None, now: float) -> float | None:
    """Seconds, never less than none."""
    return None if at is None else round(max(0.0, now - at), 1)


def canary_problem(name: str, rows: Sequence[Sequence[str]]) -> str:
    """A canary is a query whose only answer is true."""
    return "" if [list(one) for one in rows] == [["t"]] else f"canary {name}: answered {shown(rows)}; expected true"


def shown(rows: Sequence[Sequence[str]]) -> str:
    """The beginning of an answer."""
    return ", ".join(" | ".join(one) for one in rows[:3])[:200] or "nothing"


def checksum_problem(output: str, status: int) -> str:
    """What pg_checksums found; empty when every page is as it was written."""
    bad = re.search(r"^Bad checksums:\s+(\d+)", output, re.MULTILINE)
    if status == 0 and (bad is None or bad.group(1) == "0"):
        return ""
    files = re.findall(r'checksum verification failed in file "([^"]+)", block (\d+)', output)
    named = ", ".join(f"{path} block {block}" for path, block in files[:3])
    lines = output.strip().splitlines()
    return f"checksums: {named or (lines[-1] if lines else f'status {status}')}"


def amcheck_problems(output: str, status: int, most: int = 5) -> list[str]:
    """What pg_amcheck found; it names the relation, then what is wrong with it in an indented line."""
    if status == 0:
        return []
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    joined: list[str] = []
    for line in lines:
        if joined and joined[-1].endswith(":"):
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
    more = [f"pg_amcheck: {len(joined) - most} more"] if len(joined) > most else []
    return [f"pg_amcheck: {line}" for line in joined[:most]] + more or [f"pg_amcheck: status {status}"]


def table_sums(tables: Sequence[Sequence[Any]]) -> dict[str, dict[str, int]]:
    """Database to {tables, rows}, of [database, table, rows]."""
    found: dict[str, dict[str, int]] = {}
    for database, _table, rows in tables:
        one = found.setdefault(str(database), {"tables": 0, "rows": 0})
        one["tables"] += 1
        one["rows"] += int(rows)
    return found


def noted(result: Mapping[str, Any], before: Mapping[str, Any], now: float) -> dict[str, Any]:
    """What is kept: this drill, and what is known of the last good one and of the first look."""
    known = {key: before.get(key) for key in ("last_good_at", "last_good")}
    if result.get("good"):
        keys = ("backup", "target", "rto_s", "restore_mib_s", "last_commit_age_s", "archive_age_s", "database_bytes")
        known = {"last_good_at": int(now), "last_good": {key: result.get(key) for key in keys}}
    return {**result, **known, "since": before.get("since") or int(now)}


def turn(repositories: Sequence[int], note: Mapping[str, Any]) -> int:
    """Which repository is next. ``note``: what is known of the last drill.

    The one behind that of a good drill, in a round; that of a failed one again, so that another one hides nothing.
    """
    keys = sorted(set(repositories))
    last = int(note.get("repository") or 0)
    if note.get("good") is False and last in keys:
        return last
    return next((key for key in keys if key > last), keys[0])


def overdue(note: Mapping[str, Any], max_age_s: float | None, now: float) -> bool:
    """Whether the last good drill is too old. A host without any is judged from when it was first looked at."""
    if not max_age_s or not (note.get("last_good_at") or note.get("since")):
        return False
    return bool(now - float(note.get("last_good_at") or note["since"]) > max_age_s)


def rows_of(note: Mapping[str, Any], labels: Mapping[str, str], max_age_s: float | None, now: float) -> list[Row]:
    """Figures for Prometheus."""
    rows: list[Row] = []
    if max_age_s:
        rows.append(("pgbackrest_drill_stale", labels, int(overdue(note, max_age_s, now))))
    if note.get("at"):
        rows += [
            ("pgbackrest_drill_good", labels, int(bool(note.get("good")))),
            ("pgbackrest_drill_time_seconds", labels, note["at"]),
        ]
    if note.get("last_good_at"):
        rows.append(("pgbackrest_drill_last_good_time_seconds", labels, note["last_good_at"]))
    good = note.get("last_good") or {}
    named = {
        "pgbackrest_drill_rto_seconds": good.get("rto_s"),
        "pgbackrest_drill_commit_age_seconds": good.get("last_commit_age_s"),
        "pgbackrest_drill_archive_age_seconds": good.get("archive_age_s"),
    }
    rows += [(name, labels, float(value)) for name, value in named.items() if value is not None]
    if good.get("restore_mib_s") is not None:
        rows.append(("pgbackrest_drill_restore_bytes_per_second", labels, float(good["restore_mib_s"]) * MIB))
    return rows


def summary(result: Mapping[str, Any]) -> str:
    """One line for people."""
    if not result.get("good"):
        return "; ".join(result.get("problems") or ["it did not end"])
    words = [f"{result['target']}: a server that takes queries after {result['rto_s']:g} s"]
    if result.get("restore_mib_s") is not None:
        words.append(f"copied at {result['restore_mib_s']:g} MiB/s")
    if result.get("last_commit_age_s") is not None:
        words.append(f"last commit {result['last_commit_age_s']:g} s old")
    if result.get("archive_age_s") is not None:
        words.append(f"newest archived segment {result['archive_age_s']:g} s old")
    return "; ".join(words)


class Set(Protocol):
    """A backup set; see info.Backup."""

    @property
    def label(self) -> str:
        """Its name."""

    @property
    def repository(self) -> int:
        """Number of the repository."""

    @property
    def wal_stop(self) -> str:
        """Segment in which it ends."""

    @property
    def lsn_stop(self) -> str:
        """WAL position at which it ends."""


def random_lsn(backups: Sequence[Set], segment: str, end: int, share: float) -> tuple[str, int, str] | None:
    """A WAL position in the window of the newest timeline: (backup to begin from, its repository, position).

    ``segment``: the newest archived one, which begins at ``end``; ``share``: 0 to 1, how far into the window. None when
    no backup was taken on that timeline yet, or nothing was archived since.
    """
    usable = {_bytes(one.lsn_stop): one for one in backups if one.lsn_stop and one.wal_stop[:8] == segment[:8]}
    begin = min(usable, default=end)
    if begin >= end:
        return None
    place = begin + int((end - begin) * share)
    chosen = usable[max(one for one in usable if one <= place)]
    return chosen.label, chosen.repository, f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def _bytes(lsn: str) -> int:
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)
