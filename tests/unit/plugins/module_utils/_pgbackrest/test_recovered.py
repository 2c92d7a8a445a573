"""What proves that recovery came to its target, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.recovered import (
    Recovered,
    complaints,
    missed,
    stopped,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.scratch import Aim

TIME = "LOG:  recovery stopping before commit of transaction 748, time 2026-03-01 02:00:00.1+00\n"
XID = "LOG:  recovery stopping after commit of transaction 748, time 2026-03-01 02:00:00.1+00\n"
LSN = 'LOG:  recovery stopping after WAL location (LSN) "0/5000148"\n'
NAME = 'LOG:  recovery stopping at restore point "here", time 2026-03-01 02:00:00.1+00\n'
IMMEDIATE = "LOG:  recovery stopping after reaching consistency\n"


def aim(kind: str, value: str = "", **more: Any) -> Aim:
    """An aim of backup A."""
    return Aim("A", kind=kind, value=value, **more)


REACHED = [
    ("the newest segment", aim("latest"), "0/5000060", "", None),
    ("consistent", aim("immediate"), "0/3000100", IMMEDIATE, None),
    ("the end of a named backup", aim("label"), "0/3000100", IMMEDIATE, None),
    ("before the first commit behind a time", aim("time", "t"), "0/4", TIME, 1000.0),
    ("a position", aim("lsn", "0/5000100"), "0/5000148", LSN, None),
    ("a transaction", aim("xid", "748"), "0/4", XID, None),
    ("before a transaction", aim("xid", "748", inclusive=False), "0/4", TIME, None),
    ("a restore point", aim("name", "here"), "0/4", NAME, None),
]
MISSED = [
    ("short of the newest segment", aim("latest"), "0/4FFFFFF", "", None, "expected 0/5000000 or later"),
    ("nothing was replayed", aim("latest"), "", "", None, "ended at its beginning"),
    ("no word of a stop", aim("time", "t"), "0/4", "LOG:  redo done\n", 1000.0, "does not say that it stopped"),
    ("consistent is not the target", aim("time", "t"), "0/4", IMMEDIATE, 1000.0, "expected time t"),
    ("behind the time", aim("time", "t"), "0/4", TIME, 900.0, "a transaction behind the target"),
    ("another transaction", aim("xid", "749"), "0/4", XID, None, "expected transaction 749"),
    ("on the wrong side of it", aim("xid", "748", inclusive=False), "0/4", XID, None, "expected transaction"),
    ("an earlier position", aim("lsn", "0/6000000"), "0/5", LSN, None, "expected WAL position"),
    ("another restore point", aim("name", "there"), "0/4", NAME, None, "expected restore point there"),
    ("not consistent", aim("immediate"), "0/4", TIME, None, "expected the end of backup"),
]


@pytest.mark.parametrize(("wanted", "lsn", "log", "at"), [one[1:] for one in REACHED], ids=[one[0] for one in REACHED])
def test_reached(wanted: Aim, lsn: str, log: str, at: float | None) -> None:
    assert missed(wanted, Recovered(lsn, 1000.0, log), 0x5000000, at) == ""


@pytest.mark.parametrize(
    ("wanted", "lsn", "log", "at", "said"), [one[1:] for one in MISSED], ids=[one[0] for one in MISSED]
)
def test_missed(wanted: Aim, lsn: str, log: str, at: float | None, said: str) -> None:
    assert said in missed(wanted, Recovered(lsn, 1000.0, log), 0x5000000, at)


def test_an_archive_without_wal_is_no_end() -> None:
    assert "expected WAL in the archive" in missed(aim("latest"), Recovered("0/4", None, ""), None)


def test_the_server_s_own_words() -> None:
    log = (
        "FATAL:  the database system is starting up\nFATAL:  the database system is not yet accepting connections\n"
        f"{TIME}FATAL:  recovery ended before configured recovery target was reached\n"
    )
    assert complaints(log) == ["recovery ended before configured recovery target was reached"]
    assert stopped(log) == "recovery stopping before commit of transaction 748, time 2026-03-01 02:00:00.1+00"
    assert stopped("") == ""
