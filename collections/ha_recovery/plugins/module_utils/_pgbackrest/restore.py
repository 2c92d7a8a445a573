# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command, settings and progress of a restore, and the proof that recovery came to its target. Pure.

The restored server recovers as a standby that follows nobody: wherever it is interrupted, it cannot come up writable,
and at the end of the WAL it waits rather than become a primary by itself. It pauses at the target; it is promoted only
after the pause was seen and compared with what was asked for.

Source: pgBackRest command reference, "restore"; PostgreSQL manual, "Recovery Target"; the words of the server's log
are those of src/backend/access/transam/xlogrecovery.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import Target
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn

UNIT = "ha_recovery-restore.service"
LOG = "/var/log/pgbackrest/ha_recovery-restore.log"
PROGRAM = "/usr/bin/pgbackrest"
_PERCENT = re.compile(r"\b(\d+(?:\.\d+)?)%\)")
_COMPLAINT = re.compile(r"\b(ERROR|WARN): (?:\[\d+\]: )?(.*)$")
_STARTED = "starting PostgreSQL"
_STOPPED = re.compile(r"recovery stopping (before|after|at) (.*)$", re.MULTILINE)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?([+-]\d\d)(?::?(\d\d))?")
_STOP_XID = re.compile(r"transaction (\d+)")
_STOP_LSN = re.compile(r'LSN\) "([0-9A-F]+/[0-9A-F]+)"')
_FATAL = re.compile(r"(?:FATAL|PANIC):\s+(.*)$", re.MULTILINE)
#: Seconds without a new record after which the WAL is at its end; a segment is asked for every five.
IDLE_S = 15.0
#: The same where it has replayed a whole segment beyond the position up to which there is known to be WAL.
END_S = 2.0
SEGMENT = 16 << 20


def start_argv(
    *,
    stanza: str,
    repository: int,
    label: str,
    data_directory: str,
    process_max: int,
    afterwards: Sequence[Sequence[str]],
) -> list[str]:
    """The restore's own systemd unit, which goes on when the connection breaks. ``afterwards``: run when it succeeded.

    No recovery settings are written: the server has its own, and cannot start without them.
    """
    return [
        "systemd-run",
        "--quiet",
        "--no-block",
        f"--unit={UNIT}",
        "--service-type=oneshot",
        "--description=Restore of a backup",
        "--property=User=postgres",
        "--property=Group=postgres",
        "--property=TimeoutStartSec=infinity",
        "--property=UMask=0077",
        f"--property=StandardOutput=truncate:{LOG}",
        f"--property=StandardError=append:{LOG}",
        *(f"--property=ExecStartPost={' '.join(one)}" for one in afterwards),
        "--setenv=LC_ALL=C",
        PROGRAM,
        f"--stanza={stanza}",
        f"--repo={repository}",
        f"--set={label}",
        f"--pg1-path={data_directory}",
        "--type=none",
        "--delta",
        f"--process-max={process_max}",
        "--log-level-console=detail",
        "--log-level-stderr=off",
        "restore",
    ]


def percent(text: str) -> float:
    """How far it is, out of the end of its log."""
    found = _PERCENT.findall(text)
    return float(found[-1]) if found else 0.0


def last_words(text: str) -> str:
    """What pgBackRest complained about."""
    found = [match.groups() for line in text.splitlines() if (match := _COMPLAINT.search(line))]
    errors = [words.strip() for level, words in found if level == "ERROR"]
    warnings = [words.strip() for _level, words in found]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = f"{lines[-1]}; " if lines else ""
    return "; ".join((errors or warnings)[-2:]) or f"{last}see {LOG} and journalctl -u {UNIT}"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def archive_get(stanza: str) -> str:
    """The command with which Postgres takes WAL out of the archive."""
    return f'{PROGRAM} --stanza={stanza} archive-get %f "%p"'


def recovery_conf(stanza: str, target: Target | None, timeline: int) -> str:
    """Content of conf.d/96-restore.conf. Without a target it is a standby's that streams in the end.

    The timeline of such a one is the newest, as always: a promotion never takes a number that the archive has seen.
    """
    pairs = [("restore_command", archive_get(stanza))]
    if target is not None:
        pairs += [("recovery_target_timeline", str(timeline)), ("primary_conninfo", ""), ("primary_slot_name", "")]
        pairs.append(("hot_standby", "on"))
        if target.kind in ("time", "lsn", "xid", "name"):
            pairs += [
                (f"recovery_target_{target.kind}", target.value),
                ("recovery_target_inclusive", "on" if target.inclusive else "off"),
            ]
        elif target.kind in ("immediate", "label"):
            pairs.append(("recovery_target", "immediate"))
        pairs.append(("recovery_target_action", "pause"))
    lines = "".join(f"{name} = {_quoted(value)}\n" for name, value in pairs)
    return f"# Present while restore.yml is at work, which takes it away again; edits are overwritten.\n{lines}"


@dataclass(frozen=True)
class Recovery:
    """What a recovering server says. ``idle_s``: seconds without a new record; ``log``: since it was started.

    ``commit_at``: of the last transaction replayed, 'YYYY-MM-DD HH:MM:SS.ffffff+00', '' when none was.
    """

    paused: bool
    lsn: str
    commit_at: str
    idle_s: float
    log: str = ""


@dataclass(frozen=True)
class Proof:
    """``state``: reached, going on, or missed; ``words``: what was seen."""

    state: str
    words: str
    stopped: str = ""


def since_start(text: str) -> str:
    """The log from the newest start of the server on."""
    place = text.rfind(_STARTED)
    return text[place:] if place >= 0 else text


def fatal_words(text: str) -> str:
    """The last reason why the server ended; connections that were turned away while it started do not count."""
    found = [
        line for line in _FATAL.findall(text) if "database system is" not in line and "not yet accepting" not in line
    ]
    return found[-1] if found else ""


def _seconds(text: str) -> float | None:
    """The first time in it, in seconds since 1970; the server writes each with its distance from UTC."""
    found = _MOMENT.search(text)
    if not found:
        return None
    day, hour, fraction, away, minutes = found.groups()
    return datetime.fromisoformat(f"{day} {hour}.{(fraction or '').ljust(6, '0')}{away}:{minutes or '00'}").timestamp()


def judge(target: Target, seen: Recovery, *, end_lsn: str) -> Proof:
    """Whether recovery came to its target. ``end_lsn``: how far the WAL is known to go.

    ==============================================================  ========
    seen                                                            state
    ==============================================================  ========
    paused, and the log says that it stopped where it should        reached
    paused somewhere else                                           missed
    the last known segment is replayed to its end, for END_S none   reached
    the end of the WAL was wanted and came                          reached
    no record for :data:`IDLE_S`, the target was not met            missed
    otherwise                                                       going on
    ==============================================================  ========
    """
    commit = f"last transaction committed {seen.commit_at}" if seen.commit_at else "no transaction replayed"
    here = f"recovery is at {seen.lsn or 'its beginning'}, {commit}"
    if target.kind == "latest":
        # Every archived segment is whole: filled, or ended by a switch, which takes replay to the next one's beginning.
        position, end = parse_lsn(seen.lsn or "0/0"), parse_lsn(end_lsn)
        if end and position > end and position % SEGMENT == 0 and seen.idle_s >= END_S:
            return Proof("reached", here)
        if seen.lsn and seen.idle_s >= IDLE_S:
            there = position >= end
            return Proof("reached" if there else "missed", here if there else f"{here}; expected at least {end_lsn}")
        return Proof("going on", here)
    if not seen.paused:
        if seen.lsn and seen.idle_s >= IDLE_S:
            return Proof("missed", f"the WAL is at its end before the target; {here}")
        return Proof("going on", here)
    stops = _STOPPED.findall(seen.log)
    if not stops:
        return Proof("missed", f"it is paused, and its log does not say that it stopped at a target; {here}")
    side, what = stops[-1]
    stopped = f"recovery stopping {side} {what}".strip()
    wrong = _wrong(target, seen, side, what)
    return Proof("missed", f"{wrong}: {stopped}; {here}", stopped) if wrong else Proof("reached", here, stopped)


def _wrong(target: Target, seen: Recovery, side: str, what: str) -> str:
    """Why the place where it stopped is not the target; '' when it is."""
    if target.kind in ("immediate", "label"):
        return "" if "consistency" in what else "it did not stop at the end of the backup"
    if target.kind == "name":
        return "" if side == "at" and f'"{target.value}"' in what else "it stopped at something else"
    if target.kind == "xid":
        found = _STOP_XID.search(what)
        right = found is not None and found.group(1) == target.value and side == _side(target)
        return "" if right else f"it did not stop {_side(target)} transaction {target.value}"
    if target.kind == "lsn":
        found = _STOP_LSN.search(what)
        where = parse_lsn(found.group(1)) if found else -1
        right = side == "after" if target.inclusive else side == "before"
        return "" if found and right and where >= parse_lsn(target.value) else "it stopped at another position"
    at = target.at if target.at is not None else 0.0
    if seen.commit_at:
        last = _seconds(seen.commit_at)
        if last is None or last > at or (last == at and not target.inclusive):
            return "a transaction behind the target was replayed"
    first = _seconds(what)
    if side != "before" or first is None:
        return "its log does not name the first transaction behind the target"
    return "" if first >= at else "it stopped before the target"


def _side(target: Target) -> str:
    return "after" if target.inclusive else "before"


def recovery_from(raw: Mapping[str, Any]) -> Recovery:
    """Read what the call restore_recover answered."""
    return Recovery(**{key: raw[key] for key in Recovery.__dataclass_fields__ if key in raw})
