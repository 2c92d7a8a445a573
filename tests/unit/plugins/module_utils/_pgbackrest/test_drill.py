"""A drill's figures and verdict."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import drill, metrics
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup

SECONDS = {"restore": 2.0, "recover": 3.0, "amcheck": 60.0}


def figures(seconds: dict[str, float], **more: Any) -> dict[str, Any]:
    """Of a drill that began at 1000."""
    given: dict[str, Any] = {
        "database_bytes": 100 << 20, "wal_bytes": 48 << 20, "commit_at": 990.0, "archived_at": 995.0, "began": 1000.0,
        "to_end": True, **more,
    }  # fmt: skip
    return drill.figures(seconds, **given)


def test_rto_is_what_people_wait_for() -> None:
    assert figures(SECONDS) == {
        "rto_s": 5.0, "restore_mib_s": 50.0, "replay_mib_s": 16.0, "last_commit_age_s": 10.0, "archive_age_s": 5.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "more", "expected"),
    [
        ({"restore": 2.0}, {}, {"rto_s": None, "replay_mib_s": None}),
        (SECONDS, {"to_end": False}, {"last_commit_age_s": None, "archive_age_s": None}),
        (SECONDS, {"commit_at": None}, {"last_commit_age_s": None, "archive_age_s": 5.0}),
        (SECONDS, {"commit_at": 1010.0}, {"last_commit_age_s": 0.0}),
    ],
    ids=["broken off", "not the end of the archive", "nothing was committed", "clocks differ"],
)
def test_what_is_not_known_is_not_told(
    seconds: dict[str, float], more: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = figures(seconds, **more)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("rows", "good"), [([["t"]], True), ([["f"]], False), ([], False), ([["t"], ["t"]], False), ([["t", "t"]], False)]
)
def test_a_canary_answers_true_once(rows: list[list[str]], good: bool) -> None:
    assert (drill.canary_problem("orders", rows) == "") is good


def test_checksums() -> None:
    failed = 'pg_checksums: error: checksum verification failed in file "/x/base/5/16384", block 3: calculated'
    bad = f"{failed}\nBad checksums:  1\n"
    assert drill.checksum_problem("Files scanned:   9\nBad checksums:  0\n", 0) == ""
    assert drill.checksum_problem(bad, 1) == "checksums: /x/base/5/16384 block 3"
    assert drill.checksum_problem("pg_checksums: error: cluster must be shut down\n", 1).endswith("must be shut down")


def test_amcheck() -> None:
    found = 'heap table "app.public.orders", block 0, offset 1, attribute 2:\n    attribute ends early\n'
    assert drill.amcheck_problems("", 0) == []
    assert drill.amcheck_problems(found, 2) == [
        'pg_amcheck: heap table "app.public.orders", block 0, offset 1, attribute 2: attribute ends early'
    ]
    assert drill.amcheck_problems("a\nb\nc\n", 2, most=2)[-1] == "pg_amcheck: 1 more"
    assert drill.amcheck_problems("", 1) == ["pg_amcheck: status 1"]


GOOD = {"good": True, "at": 500, "backup": "A", "target": "the end", "rto_s": 5.0, "restore_mib_s": 50.0}
BAD = {"good": False, "at": 600, "problems": ["checksums: x"]}


def test_a_failed_drill_does_not_forget_the_good_one() -> None:
    first = drill.noted(GOOD, {}, 500.4)
    second = drill.noted(BAD, first, 600.0)
    assert (second["good"], second["last_good_at"], second["since"]) == (False, 500, 500)
    assert second["last_good"]["rto_s"] == 5.0


OVERDUE = [
    ("a good one within the limit", {"last_good_at": 950, "since": 10}, 100.0, False),
    ("a good one, too old", {"last_good_at": 850, "since": 10}, 100.0, True),
    ("none yet, first looked at lately", {"since": 950}, 100.0, False),
    ("none, and time is over", {"since": 850}, 100.0, True),
    ("nobody wants any", {"since": 1}, 0.0, False),
    ("nothing is known", {}, 100.0, False),
]


@pytest.mark.parametrize(("note", "limit", "late"), [row[1:] for row in OVERDUE], ids=[row[0] for row in OVERDUE])
def test_when_a_drill_is_overdue(note: dict[str, Any], limit: float, late: bool) -> None:
    assert drill.overdue(note, limit, 1000.0) is late


def test_what_prometheus_is_told() -> None:
    note = drill.noted(BAD, drill.noted(GOOD, {}, 500.0), 600.0)
    text = metrics.render(drill.rows_of(note, {"stanza": "orders"}, 100.0, 650.0))
    values = {line.split("{")[0]: line.split()[-1] for line in text.splitlines() if not line.startswith("#")}
    assert values == {
        "pgbackrest_drill_stale": "1", "pgbackrest_drill_good": "0", "pgbackrest_drill_time_seconds": "600",
        "pgbackrest_drill_last_good_time_seconds": "500", "pgbackrest_drill_rto_seconds": "5",
        "pgbackrest_drill_restore_bytes_per_second": "52428800",
    }  # fmt: skip


def test_a_new_estate_tells_only_that_it_is_not_overdue() -> None:
    assert drill.rows_of({"since": 10}, {}, 100.0, 50.0) == [("pgbackrest_drill_stale", {}, 0)]


def test_summary() -> None:
    told = {**GOOD, "last_commit_age_s": 10.0, "archive_age_s": 5.0}
    assert drill.summary(told) == (
        "the end: a server that takes queries after 5 s; copied at 50 MiB/s; last commit 10 s old; "
        "newest archived segment 5 s old"
    )
    assert drill.summary(BAD) == "checksums: x"
    assert drill.summary({}) == "it did not end"


def backup(label: str, timeline: int, lsn: str) -> Backup:
    """One that ended there."""
    wal = f"{timeline:08X}0000000000000001"
    return Backup(label, "full", 1, 1, 2, False, 1, 1, wal, wal, {}, lsn, lsn)


SETS = [backup("A", 1, "0/1000000"), backup("B", 2, "0/2000000"), backup("C", 2, "0/4000000")]


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, ("B", 1, "0/2000000")), (0.5, ("B", 1, "0/3800000")), (0.9, ("C", 1, "0/4B33333"))],
)
def test_a_random_target_begins_from_the_backup_before_it(share: float, expected: tuple[str, int, str]) -> None:
    assert drill.random_lsn(SETS, "000000020000000000000005", 0x5000000, share) == expected


def test_no_window_on_a_new_timeline() -> None:
    assert drill.random_lsn(SETS, "000000030000000000000005", 0x5000000, 0.5) is None
    assert drill.random_lsn(SETS, "000000020000000000000002", 0x2000000, 0.5) is None


@pytest.mark.parametrize(
    ("keys", "note", "expected"),
    [
        ([1], {}, 1),
        ([2, 1, 1], {}, 1),
        ([1, 2], {"good": True, "repository": 1}, 2),
        ([1, 2], {"good": True, "repository": 2}, 1),
        ([1, 2], {"good": False, "repository": 2}, 2),
        ([1, 2], {"good": False, "repository": 1}, 1),
        ([1, 3], {"good": False, "repository": 2}, 3),
        ([1, 2], {"good": False}, 1),
    ],
)
def test_each_repository_has_its_turn(keys: list[int], note: dict[str, Any], expected: int) -> None:
    """And a failed one has it until it is good: a good drill of another one must not hide it."""
    assert drill.turn(keys, note) == expected
