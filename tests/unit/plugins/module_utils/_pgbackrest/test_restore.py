"""The settings of a recovery, and the proof that it came to its target, row by row."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import restore
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore import Recovery, judge
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import Target, parse_target

AT = parse_target("time", "2026-03-01 01:59:41.5Z")
BEFORE = parse_target("time", "2026-03-01 01:59:41.5Z", inclusive=False)
LSN, LSN_BEFORE = parse_target("lsn", "0/5000148"), parse_target("lsn", "0/5000148", inclusive=False)
XID, XID_BEFORE = parse_target("xid", "748"), parse_target("xid", "748", inclusive=False)
NAME, LATEST, NOW = parse_target("name", "here"), parse_target("latest", ""), parse_target("immediate", "")
# In the words of PostgreSQL 17.
LATER = "LOG:  recovery stopping before commit of transaction 764, time 2026-03-01 01:59:42.28166+00"
LATER_THERE = "LOG:  recovery stopping before commit of transaction 764, time 2026-03-01 03:59:42.28+02"
EARLIER = "LOG:  recovery stopping before commit of transaction 764, time 2026-03-01 01:59:40+00"
OLD, SAME, LATE = ("2026-03-01 01:59:41.1+00", "2026-03-01 01:59:41.500000+00", "2026-03-01 01:59:41.500001+00")
AFTER_XID = "LOG:  recovery stopping after commit of transaction 748, time 2026-03-01 01:59:41+00"
BEFORE_XID = AFTER_XID.replace("after", "before")
AFTER_LSN = 'LOG:  recovery stopping after WAL location (LSN) "0/5000148"'
BEFORE_LSN = 'LOG:  recovery stopping before WAL location (LSN) "0/5000148"'
EARLY_LSN = 'LOG:  recovery stopping after WAL location (LSN) "0/5000100"'
POINT = 'LOG:  recovery stopping at restore point "here", time 2026-03-01 01:59:41+00'
CONSISTENT = "LOG:  recovery stopping after reaching consistency"
ROWS = [
    ("a time", AT, True, OLD, 0, LATER, "reached"),
    ("a time, written in another zone", AT, True, OLD, 0, LATER_THERE, "reached"),
    ("the very instant counts", AT, True, SAME, 0, LATER, "reached"),
    ("the very instant does not count", BEFORE, True, SAME, 0, LATER, "missed"),
    ("one transaction too many", AT, True, LATE, 0, LATER, "missed"),
    ("no transaction at all before it", AT, True, "", 0, LATER, "reached"),
    ("stopped too early", AT, True, OLD, 0, EARLIER, "missed"),
    ("merely consistent", AT, True, OLD, 0, CONSISTENT, "missed"),
    ("paused by somebody", AT, True, OLD, 0, "", "missed"),
    ("still at work", AT, False, OLD, 3, "", "going on"),
    ("the end came first", AT, False, OLD, 16, "", "missed"),
    ("a transaction", XID, True, OLD, 0, AFTER_XID, "reached"),
    ("up to a transaction", XID_BEFORE, True, OLD, 0, BEFORE_XID, "reached"),
    ("before instead of after", XID, True, OLD, 0, BEFORE_XID, "missed"),
    ("another transaction", XID, True, OLD, 0, AFTER_XID.replace("748", "749"), "missed"),
    ("a position", LSN, True, OLD, 0, AFTER_LSN, "reached"),
    ("up to a position", LSN_BEFORE, True, OLD, 0, BEFORE_LSN, "reached"),
    ("a position too early", LSN, True, OLD, 0, EARLY_LSN, "missed"),
    ("up to a position, but behind it", LSN_BEFORE, True, OLD, 0, AFTER_LSN, "missed"),
    ("a restore point", NAME, True, OLD, 0, POINT, "reached"),
    ("another restore point", NAME, True, OLD, 0, POINT.replace("here", "there"), "missed"),
    ("as soon as consistent", NOW, True, OLD, 0, CONSISTENT, "reached"),
    ("a backup", Target("label", "B"), True, OLD, 0, CONSISTENT, "reached"),
    ("the end", LATEST, False, OLD, 16, "", "reached"),
    ("the end has not come yet", LATEST, False, OLD, 3, "", "going on"),
]


@pytest.mark.parametrize(
    ("target", "paused", "commit_at", "idle_s", "log", "state"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_whether_it_came_to_its_target(
    target: Target, paused: bool, commit_at: str, idle_s: float, log: str, state: str
) -> None:
    seen = Recovery(paused, "0/5000200", commit_at, idle_s, log)
    assert judge(target, seen, end_lsn="0/5000000").state == state


@pytest.mark.parametrize(
    ("lsn", "end_lsn", "idle_s", "state"),
    [
        ("0/6000000", "0/5000000", 2, "reached"),
        ("0/6000000", "0/5000140", 2, "reached"),
        ("0/6000000", "0/5000000", 1.9, "going on"),
        ("0/5000000", "0/5000000", 14, "going on"),
        ("0/5000200", "0/5000000", 14, "going on"),
        ("0/6000000", "0/0", 14, "going on"),
        ("", "0/5000000", 14, "going on"),
    ],
)
def test_the_end_of_the_last_segment_need_not_be_waited_for(lsn: str, end_lsn: str, idle_s: float, state: str) -> None:
    """Only where it is known which segment is the last one."""
    assert judge(LATEST, Recovery(False, lsn, OLD, idle_s), end_lsn=end_lsn).state == state


def test_an_end_that_comes_too_early_is_none() -> None:
    seen = judge(LATEST, Recovery(False, "0/5000200", OLD, 16), end_lsn="0/6000000")
    assert seen.state == "missed"
    assert "expected at least 0/6000000" in seen.words


SETTINGS = [
    (AT, ["recovery_target_time = '2026-03-01 01:59:41.500000+00'", "recovery_target_inclusive = 'on'"]),
    (LSN_BEFORE, ["recovery_target_lsn = '0/5000148'", "recovery_target_inclusive = 'off'"]),
    (XID, ["recovery_target_xid = '748'"]),
    (parse_target("name", "it's"), ["recovery_target_name = 'it''s'"]),
    (NOW, ["recovery_target = 'immediate'"]),
    (Target("label", "B"), ["recovery_target = 'immediate'"]),
    (LATEST, []),
]


@pytest.mark.parametrize(("target", "lines"), SETTINGS)
def test_a_recovery_pauses_and_follows_nobody(target: Target, lines: list[str]) -> None:
    text = restore.recovery_conf("orders", target, 2).splitlines()
    assert set(lines) <= set(text)
    assert {"recovery_target_action = 'pause'", "primary_conninfo = ''", "recovery_target_timeline = '2'"} <= set(text)
    assert sum(line.startswith(("recovery_target_time =", "recovery_target_lsn", "recovery_target_xid",
                                "recovery_target_name", "recovery_target =")) for line in text) <= 1  # fmt: skip


def test_a_standby_takes_wal_from_the_archive_and_has_no_target() -> None:
    text = restore.recovery_conf("orders", None, 0)
    assert "restore_command = '/usr/bin/pgbackrest --stanza=orders archive-get %f \"%p\"'" in text
    assert "target" not in text


def test_only_the_newest_start_counts() -> None:
    text = f"{LATER}\nLOG:  starting PostgreSQL 17.1\n{EARLIER}\n"
    assert restore.since_start(text) == f"starting PostgreSQL 17.1\n{EARLIER}\n"


def test_why_it_ended() -> None:
    text = "FATAL:  requested timeline 3 is not a child\nFATAL:  the database system is starting up\n"
    assert restore.fatal_words(text) == "requested timeline 3 is not a child"


def test_progress_and_complaints() -> None:
    log = "P01 DETAIL: restore file /x/base/1/2 (16KB, 12.34%) checksum 0\n2026 P00  ERROR: [058]: no such set\n"
    assert restore.percent(log) == 12.34
    assert restore.last_words(log) == "no such set"
    assert restore.last_words("P00   WARN: --delta was disabled\nP00  ERROR: [055]: no such file") == "no such file"
    assert restore.last_words("P00   WARN: --delta was disabled") == "--delta was disabled"
    assert restore.last_words("") == f"see {restore.LOG} and journalctl -u {restore.UNIT}"
