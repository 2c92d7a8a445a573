# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run, made from its journal alone, so that a storm that was killed can still be reported on.

Shape (times are UTC, ``…_s`` seconds; null = cannot be known)::

    report_version      1
    run                 uuid of the run; the table's rows carry it in column ``run``
    journal, table, target         where it wrote; ``target`` never holds a password
    started_at, ended_at           ended_at = when the writers were told to stop (or the last record of a killed storm)
    elapsed_s           between the two
    end_reason          duration | orders | stop-file | stop | signal … | journal …; null = the storm was killed
    writers, think_time_s
    attempted           orders = acknowledged + in_doubt + failed
    acknowledged        orders whose COMMIT was acknowledged and whose acknowledgement is durable in the journal
    in_doubt            orders whose COMMIT may have been sent, without an answer
    failed              orders that failed before COMMIT was sent
    errors              {class: count}; class = SQLSTATE, or a name as listed in model.DatabaseError
    errors_by_phase     {connect, begin, insert, commit: count}
    client_errors       their sum: every failure a client saw, failed connects included
    read_only_errors    errors["25006"]: writes routed to a standby
    error_samples       {class: first message of that class}
    abandoned_at_stop   orders the storm gave up on when told to stop; in doubt or failed, but no client error
    write_gap_s         longest period without an acknowledged commit of any writer, between first and last
                        acknowledgement; null below two acknowledgements
    write_gap           {begin, end: wall-clock times; begin_s, end_s: seconds since started_at} or null
    trailing_gap_s      from the last acknowledgement to ended_at: large = writes stopped and never came back
    tps_before, tps_after          acknowledged commits per second before and after that gap
    acknowledged_by     {address of a server: {acknowledged, first_s, last_s}}: which server acknowledged, and when; the
                        address is empty when the server does not know it
    histogram           {bucket_s: 0.1, acknowledged: [count per tenth of a second since started_at]}
    journal_torn        true = the last line was torn, as after a kill
    audit               null = not audited; else audit.AuditResult.as_dict(): clean, lost, duplicated,
                        in_doubt_committed, in_doubt_absent, failed_committed, unexpected (counts), lost_ids, …
                        and lost_between
                        {first, last: wall-clock times at which lost orders had been acknowledged} or null
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .audit import AuditResult, audit_orders
from .clock import iso
from .gaps import BUCKET_S, histogram, longest_gap, rate
from .history import Fate, History
from .model import READ_ONLY

REPORT_VERSION = 1
_NUMBERS = re.compile(r"\[[\d.,\s]+\]")  # a list of nothing but numbers reads best on one line
PHASES = ("connect", "begin", "insert", "commit")


def audit_history(history: History, stored: Mapping[str, int]) -> AuditResult:
    """Audit the run in ``history`` against ``stored``, which must have been read from the database after the
    journal."""
    return audit_orders(
        acknowledged=history.ids(Fate.ACKNOWLEDGED),
        in_doubt=history.ids(Fate.IN_DOUBT),
        failed=history.ids(Fate.FAILED),
        stored=stored,
    )


def build_report(history: History, audit: AuditResult | None = None, journal: Path | None = None) -> dict[str, Any]:
    """The report (shape: this module's docstring) of one run."""
    ended = history.last_m if history.stopped_m is None else history.stopped_m
    fates = {fate: len(history.ids(fate)) for fate in Fate}
    return {
        "report_version": REPORT_VERSION,
        "run": history.run,
        "journal": None if journal is None else str(journal),
        "table": history.table,
        "target": history.target,
        "started_at": iso(history.wall),
        "ended_at": iso(history.wall + ended),
        "elapsed_s": round(ended, 3),
        "end_reason": history.end_reason,
        "writers": history.writers,
        "think_time_s": history.think_time,
        "attempted": len(history.fates),
        "acknowledged": fates[Fate.ACKNOWLEDGED],
        "acknowledged_by": {
            server: {"acknowledged": len(acks), "first_s": round(acks[0], 3), "last_s": round(acks[-1], 3)}
            for server, acks in sorted(history.acked_by.items())
        },
        "in_doubt": fates[Fate.IN_DOUBT],
        "failed": fates[Fate.FAILED],
        "errors": dict(sorted(history.errors.items())),
        "errors_by_phase": {phase: history.errors_by_phase[phase] for phase in PHASES},
        "client_errors": history.errors.total(),
        "read_only_errors": history.errors[READ_ONLY],
        "error_samples": dict(sorted(history.samples.items())),
        "abandoned_at_stop": history.abandoned,
        **_flow(history, ended),
        "journal_torn": history.torn,
        "audit": None if audit is None else {**audit.as_dict(), "lost_between": _lost_between(history, audit)},
    }


def _flow(history: History, ended: float) -> dict[str, Any]:
    acks, gap = history.acks, longest_gap(history.acks)
    flow: dict[str, Any] = {"write_gap_s": None, "write_gap": None, "tps_before": None, "tps_after": None}
    if gap is not None:
        flow["write_gap_s"] = round(gap.seconds, 3)
        flow["write_gap"] = {
            "begin": iso(history.wall + gap.begin),
            "end": iso(history.wall + gap.end),
            "begin_s": round(gap.begin, 3),
            "end_s": round(gap.end, 3),
        }
        flow["tps_before"] = _rounded(rate(acks, acks[0], gap.begin))
        flow["tps_after"] = _rounded(rate(acks, gap.end, acks[-1]))
    flow["trailing_gap_s"] = round(max(0.0, ended - acks[-1]), 3) if acks else None
    flow["histogram"] = {"bucket_s": BUCKET_S, "acknowledged": histogram(acks, ended)}
    return flow


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _lost_between(history: History, audit: AuditResult) -> dict[str, str] | None:
    moments = [history.acked_at[order] for order in audit.lost]
    if not moments:
        return None
    return {"first": iso(history.wall + min(moments)), "last": iso(history.wall + max(moments))}


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Put ``document`` at ``path`` in one step, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = _NUMBERS.sub(lambda numbers: " ".join(numbers.group().split()), json.dumps(document, indent=2))
    draft.write_text(text + "\n")
    draft.replace(path)
