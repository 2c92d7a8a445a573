# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python -m tests.storm run`` and ``python -m tests.storm audit``.

Exit status: 0 nothing lost and nothing duplicated; 1 something was; 2 no verdict (refused, unreachable, journal failed,
nothing acknowledged); 3 not audited (``--no-audit``).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from . import postgres_storm
from .config import HARD_CAP_S, StormConfig
from .history import read_journal
from .model import DatabaseError, StormError
from .progress import progress_line, summary
from .report import audit_history, build_report, write_json
from .storm import Storm

CLEAN, UNCLEAN, NO_VERDICT, NOT_AUDITED = 0, 1, 2, 3
_DSN_VARIABLE = "STORM_DSN"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except StormError as error:
        print(f"storm: {error}", file=sys.stderr)
        return NO_VERDICT
    except KeyboardInterrupt:
        print("storm: interrupted before there was a verdict", file=sys.stderr)
        return NO_VERDICT


def run(options: argparse.Namespace) -> int:
    config = StormConfig(
        writers=options.writers,
        think_time=options.think_time_ms / 1000,
        duration=options.duration,
        orders=options.orders,
        stop_file=options.stop_file,
        journal=options.journal,
        table=options.table,
        retry=options.retry,
    )
    storm = postgres_storm(
        _dsn(options),
        config,
        connect_timeout=options.connect_timeout,
        response_timeout=options.response_timeout,
        tcp_user_timeout_ms=options.tcp_user_timeout_ms,
    )

    def on_signal(number: int, _frame: FrameType | None) -> None:
        storm.request_stop(f"signal {signal.Signals(number).name}")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        storm.start()
        print(
            f"storm: {config.writers} writers at {storm.target}, journal {storm.journal}", file=sys.stderr, flush=True
        )
        _watch(storm, options.status_file)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # from here on a second Ctrl-C ends the audit as well
    return _conclude(storm, options)


def audit(options: argparse.Namespace) -> int:
    from .postgres import PostgresDatabase

    history = read_journal(options.journal)  # first the journal, then the rows: see audit_orders
    database = PostgresDatabase(
        _dsn(options), run=history.run, table=history.table, connect_timeout=options.connect_timeout
    )
    verdict = audit_history(history, database.stored(history.run, options.audit_timeout))
    report = build_report(history, verdict, options.journal)
    return _publish(report, options.report)


def _watch(storm: Storm, status_file: Path | None) -> None:
    """Show progress until the storm is over: a line each second to a person, each five seconds to a log."""
    every = 1.0 if sys.stderr.isatty() else 5.0
    due = every
    over = False
    while not over:
        over = storm.wait(0.25)
        now = storm.snapshot()
        if status_file is not None:
            write_json(status_file, {**now.as_dict(), "run": storm.run, "journal": str(storm.journal)})
        if now.elapsed >= due or over:
            print(progress_line(now), file=sys.stderr, flush=True)
            due += every


def _conclude(storm: Storm, options: argparse.Namespace) -> int:
    report = storm.report()
    problem: StormError | None = storm.failure
    if not options.no_audit:
        try:
            report = storm.report(storm.audit(options.audit_timeout))
        except StormError as error:
            problem = problem or error
    status = _publish(report, options.report)
    if problem is not None:
        print(f"storm: {problem}; audit later with --journal {storm.journal}", file=sys.stderr)
        return UNCLEAN if status == UNCLEAN else NO_VERDICT  # what was found lost is lost, whatever else went wrong
    if status == CLEAN and not options.keep:
        with suppress(DatabaseError):  # a table left behind is no reason to spoil the verdict
            storm.remove_rows()
    return status


def _publish(report: Mapping[str, Any], path: Path | None) -> int:
    if path is not None:
        write_json(path, report)
    print(summary(report), flush=True)
    if report["acknowledged"] == 0:
        return NO_VERDICT
    if report["audit"] is None:
        return NOT_AUDITED
    return CLEAN if report["audit"]["clean"] else UNCLEAN


def _dsn(options: argparse.Namespace) -> str:
    if options.dsn is not None:
        return str(options.dsn)
    if options.dsn_file is not None:
        try:
            return str(options.dsn_file.read_text()).strip()
        except OSError as error:
            raise StormError(f"DSN file {options.dsn_file} cannot be read: {error.strerror}") from error
    dsn = os.environ.get(_DSN_VARIABLE)
    if dsn is None:
        raise StormError(f"no DSN; give --dsn, --dsn-file or the environment variable {_DSN_VARIABLE}")
    return dsn


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="run|audit")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--dsn", help=f"libpq DSN, several hosts allowed (shows in ps; secrets fit ${_DSN_VARIABLE} better)"
    )
    common.add_argument("--dsn-file", type=Path, help="file that holds the DSN")
    common.add_argument("--connect-timeout", type=_positive, help="seconds per host (default: the DSN's, else 1)")
    common.add_argument("--audit-timeout", type=_positive, default=30.0, help="seconds to wait for a primary to audit")
    common.add_argument("--report", type=Path, help="write the report (JSON) here")

    storm = commands.add_parser("run", parents=[common], help="blow, then audit")
    storm.set_defaults(command=run)
    storm.add_argument("--writers", type=int, default=8)
    storm.add_argument(
        "--think-time-ms", type=float, default=5.0, help="pause after each acknowledged order (default 5)"
    )
    storm.add_argument("--duration", type=float, default=60.0, help=f"seconds (default 60, at most {HARD_CAP_S:.0f})")
    storm.add_argument("--orders", type=int, default=0, help="end after this many orders")
    storm.add_argument("--stop-file", type=Path, help="end when this file appears")
    storm.add_argument("--status-file", type=Path, help="keep a snapshot (JSON) here, four times a second")
    storm.add_argument("--journal", type=Path, help="default artifacts/storm/<UTC>.jsonl")
    storm.add_argument("--table", default="storm_orders")
    storm.add_argument(
        "--response-timeout", type=_positive, default=3.0, help="longest wait for an answer, s (default 3)"
    )
    storm.add_argument(
        "--tcp-user-timeout-ms", type=int, default=1000, help="unacknowledged data kills a session after"
    )
    storm.add_argument("--retry", action="store_true", help="send orders again that failed before COMMIT was sent")
    storm.add_argument("--no-audit", action="store_true", help="leave the verdict to a later `audit`")
    storm.add_argument("--keep", action="store_true", help="keep the rows (always kept unless the audit was clean)")

    later = commands.add_parser("audit", parents=[common], help="audit an earlier run against the surviving primary")
    later.set_defaults(command=audit)
    later.add_argument("--journal", type=Path, required=True)
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= HARD_CAP_S:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {HARD_CAP_S:.0f}")
    return value
