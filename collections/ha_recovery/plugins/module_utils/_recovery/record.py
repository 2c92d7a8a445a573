# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run, the same shape for every runbook: C(docs/record.schema.json) of the collection. Pure.

A runbook hands over what it knows as *parts* (any of `PARTS`); who, when, and how it ended come from outside. Times are
ISO 8601 in UTC. ``started_s`` of a step is its offset in seconds from the record's ``started_at``; null when nobody
knows it, and then no bar is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

SCHEMA = "ha_recovery/record/1"
STATUSES = ("started", "done", "none", "refused", "failed")
LEVELS = ("block", "warn", "waived", "ok")
RESULTS = ("ok", "changed", "skipped", "failed")

# What a runbook may say, and what stands there when it does not.
PARTS: dict[str, Any] = {
    "headline": "",
    "evidence": {},
    "verdicts": [],
    "waivers": [],
    "plan": [],
    "steps": [],
    "old_primary": None,
    "new_primary": None,
    "timeline_before": None,
    "timeline_after": None,
    "lsn": {},
    "write_gap_s": None,
    "possible_loss_bytes": None,
    "verified": None,
    "problems": [],
    "next": "",
}
# A host's clock may be this far from the control node's, in seconds, before its offsets are not believed.
SKEW_S = 1.0


class RecordError(ValueError):
    """A runbook handed over something that no record can hold; the message names it."""


def moment(text: str) -> datetime:
    """A point in time as the record writes it: ISO 8601, UTC, with or without a fraction."""
    try:
        found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise RecordError(f"{text!r} is no time; expected UTC such as 2026-03-01T03:12:09.250Z") from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def record_name(started_at: str, runbook: str) -> str:
    """Name of a record's files, without an ending: 20260301T031209Z-failover."""
    return f"{moment(started_at).astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{runbook}"


def result_of(answer: Mapping[str, Any]) -> str:
    """How a module's answer ended, as one of `RESULTS`."""
    if answer.get("failed") or answer.get("unreachable"):
        return "failed"
    if answer.get("skipped"):
        return "skipped"
    return "changed" if answer.get("changed") else "ok"


def _offset(step: Mapping[str, Any], started_at: str, duration: float) -> float | None:
    """Seconds from the record's start to the step's; None when unknown, or when that clock cannot be believed."""
    if step.get("started_s") is not None:
        return round(float(step["started_s"]), 3)
    began = step.get("started_at")
    if not began:
        return None
    seconds = float(began) if isinstance(began, (int, float)) else moment(str(began)).timestamp()
    offset = seconds - moment(started_at).timestamp()
    return round(offset, 3) if -SKEW_S <= offset <= duration + SKEW_S else None


def step_of(step: Mapping[str, Any], started_at: str, duration: float) -> dict[str, Any]:
    """One step, normalised. It may be a module's answer with C(name) and C(host) added.

    ``started_at`` is UTC, or seconds since 1970.
    """
    result = str(step.get("result") or result_of(step))
    if result not in RESULTS:
        raise RecordError(f"result of step {step.get('name')!r} is {result!r}; allowed: {', '.join(RESULTS)}")
    seconds = step.get("seconds")
    return {
        "name": str(step["name"]),
        "host": str(step.get("host") or ""),
        "started_s": _offset(step, started_at, duration),
        "seconds": None if seconds is None else round(float(seconds), 3),
        "result": result,
        "detail": str(step.get("detail") or (step.get("msg") if result == "failed" else "") or ""),
    }


def verdict_of(verdict: Mapping[str, Any]) -> dict[str, str]:
    """One verdict, with every key."""
    level = str(verdict.get("level") or "block")
    if level not in LEVELS:
        raise RecordError(f"level of verdict {verdict.get('check')!r} is {level!r}; allowed: {', '.join(LEVELS)}")
    keys = ("check", "host", "observed", "expected", "fix")
    return {**{key: str(verdict.get(key) or "") for key in keys}, "level": level}


def build_record(
    parts: Mapping[str, Any],
    *,
    cluster: str,
    runbook: str,
    status: str,
    who: str,
    control_host: str,
    started_at: str,
    ended_at: str,
    writes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The record. ``writes``: `record_writes.writes_of` when a storm's journal was given; raises RecordError."""
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise RecordError(f"a record has no {', '.join(unknown)}; allowed: {', '.join(PARTS)}")
    if status not in STATUSES:
        raise RecordError(f"status is {status!r}; allowed: {', '.join(STATUSES)}")
    duration = max(0.0, (moment(ended_at) - moment(started_at)).total_seconds())
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "cluster": cluster,
        "runbook": runbook,
        "status": status,
        "who": who,
        "control_host": control_host,
        "started_at": started_at,
        "ended_at": ended_at,
        "duration_s": round(duration, 3),
        **PARTS,
        **parts,
        "writes": dict(writes) if writes else None,
    }
    record["steps"] = [step_of(one, started_at, duration) for one in record["steps"]]
    record["verdicts"] = [verdict_of(one) for one in record["verdicts"]]
    record["plan"] = [str(line) for line in record["plan"]]
    record["problems"] = [str(line) for line in record["problems"]]
    if writes and writes.get("gap"):
        record["write_gap_s"] = writes["gap"]["seconds"]
    return record


def facts_of(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a person asks first, as pairs of words; what does not apply is left out."""
    lsn = ", ".join(f"{key} {value}" for key, value in record["lsn"].items() if value)
    verified = record["verified"]
    facts: Sequence[tuple[str, Any]] = (
        ("who", f"{record['who']} on {record['control_host']}"),
        ("from, to", f"{record['started_at']}, {record['ended_at']} ({record['duration_s']:.1f} s)"),
        ("old primary", record["old_primary"]),
        ("new primary", record["new_primary"]),
        ("timeline", _change(record["timeline_before"], record["timeline_after"])),
        ("WAL positions", lsn),
        ("no write acknowledged for", _seconds(record["write_gap_s"])),
        ("possible loss", _bytes(record["possible_loss_bytes"])),
        ("verified", verified and f"a write and read through {verified['address']}, {_seconds(verified['seconds'])}"),
        ("waived", ", ".join(one["name"] for one in record["waivers"]) or "nothing"),
        ("next", record["next"]),
    )
    return [(name, str(value)) for name, value in facts if value]


def _change(before: Any, after: Any) -> str:
    return f"{before or '-'} -> {after or '-'}" if before or after else ""


def _seconds(value: Any) -> str:
    return "" if value is None else f"{float(value):.2f} s"


def _bytes(value: Any) -> str:
    return "" if value is None else f"{int(value)} bytes"
