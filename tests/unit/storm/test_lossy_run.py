# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storm against a database that lies: everything it did must be found, exactly, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.storm import Storm, StormConfig, StormError
from tests.unit.storm.fake import FakeDatabase, until


def config(tmp_path: Path, **changes: Any) -> StormConfig:
    settings: dict[str, Any] = {"writers": 4, "orders": 400, "think_time": 0.0, "backoff": (0.0, 0.0)}
    settings.update(duration=3600.0, journal=tmp_path / "storm.jsonl", stop_grace=0.0)
    return StormConfig(**{**settings, **changes})


def blow(database: FakeDatabase, settings: StormConfig) -> Storm:
    storm = Storm(settings, database, clock=database.clock)
    storm.start()
    assert storm.wait(120)
    return storm


def test_honest_database_passes(tmp_path: Path) -> None:
    database = FakeDatabase()
    storm = blow(database, config(tmp_path))
    audit = storm.audit()
    report = storm.report(audit)
    assert audit.clean
    assert (report["attempted"], report["acknowledged"], report["in_doubt"], report["failed"]) == (400, 400, 0, 0)
    assert (report["client_errors"], report["errors"], report["end_reason"]) == (0, {}, "orders")
    assert {kind: report["audit"][kind] for kind in ("lost", "duplicated", "unexpected")} == {
        "lost": 0,
        "duplicated": 0,
        "unexpected": 0,
    }
    assert storm.failure is None


def test_every_lie_is_found_exactly(tmp_path: Path) -> None:
    database = FakeDatabase(lose_every=7, duplicate_every=11, doubt_every=13, read_only_every=17, refused_connects=5)
    storm = blow(database, config(tmp_path))
    database.rows["from elsewhere"] = 1
    audit = storm.audit()
    report = storm.report(audit)
    assert database.lost
    assert database.duplicated
    assert audit.lost == database.lost
    assert audit.duplicated == database.duplicated
    assert audit.in_doubt_committed == database.doubt_committed
    assert audit.in_doubt_absent == database.doubt_absent
    assert audit.failed_committed == set()
    assert audit.unexpected == {"from elsewhere"}
    assert report["acknowledged"] == len(database.acknowledged)
    assert report["in_doubt"] == len(database.doubt_committed) + len(database.doubt_absent)
    assert report["failed"] == len(database.refused) == report["read_only_errors"]
    assert report["errors"] == {
        "25006": len(database.refused),
        "ConnectionFailed": 5,
        "ConnectionLost": report["in_doubt"],
    }
    assert report["errors_by_phase"] == {
        "connect": 5,
        "begin": 0,
        "insert": len(database.refused),
        "commit": report["in_doubt"],
    }
    assert report["client_errors"] == 5 + len(database.refused) + report["in_doubt"]
    assert report["audit"]["clean"] is False


def test_order_known_to_have_failed_but_stored_is_told_apart(tmp_path: Path) -> None:
    database = FakeDatabase(read_only_every=10)
    storm = blow(database, config(tmp_path))
    database.rows.update(database.refused)
    audit = storm.audit()
    assert audit.failed_committed == database.refused
    assert audit.unexpected == set()


def test_longest_gap_is_the_longest_freeze(tmp_path: Path) -> None:
    database = FakeDatabase(step=0.01, freezes={20: 2.0, 50: 7.5, 80: 3.0})
    report = blow(database, config(tmp_path, writers=1, orders=100)).report()
    assert report["write_gap_s"] == 7.51
    assert report["write_gap"] == {
        "begin": "2026-01-01T00:00:02.490Z",
        "end": "2026-01-01T00:00:10.000Z",
        "begin_s": 2.49,
        "end_s": 10.0,
    }
    assert report["trailing_gap_s"] == 0.0
    assert sum(report["histogram"]["acknowledged"]) == 100


def test_errors_inside_a_gap_do_not_end_it(tmp_path: Path) -> None:
    database = FakeDatabase(step=1.0, doubt_every=3)
    report = blow(database, config(tmp_path, writers=1, orders=9)).report()
    # answers at 1 2 . 4 5 . 7 8 . : the failed thirds take their second, too
    assert report["acknowledged"] == 6
    assert (report["write_gap_s"], report["write_gap"]["begin_s"]) == (2.0, 2.0)
    assert report["trailing_gap_s"] == 1.0


def test_intent_is_in_the_journal_before_anything_is_sent(tmp_path: Path) -> None:
    journal = tmp_path / "storm.jsonl"
    seen: list[int] = []
    database = FakeDatabase(on_begin=lambda: seen.append(journal.read_text().count('"e":"intent"')))
    blow(database, config(tmp_path, writers=1, orders=5))
    assert seen == [1, 2, 3, 4, 5]


def test_without_retry_no_order_is_sent_twice(tmp_path: Path) -> None:
    database = FakeDatabase(read_only_every=5, doubt_every=7)
    blow(database, config(tmp_path))
    assert len({order.id for order in database.tried}) == len(database.tried) == 400
    assert len({(order.writer, order.sequence) for order in database.tried}) == 400


def test_retry_sends_again_what_cannot_have_been_committed_and_nothing_in_doubt(tmp_path: Path) -> None:
    database = FakeDatabase(read_only_every=5, doubt_every=7)
    storm = blow(database, config(tmp_path, retry=True))
    tries = [order.id for order in database.tried]
    assert database.refused
    assert {order for order in tries if tries.count(order) > 1} == database.refused
    report = storm.report(storm.audit())
    assert (report["attempted"], report["failed"]) == (400, 0)
    assert report["acknowledged"] == 400 - report["in_doubt"]
    assert report["audit"]["duplicated"] == 0


def test_fault_of_the_driver_is_an_error_like_any_other(tmp_path: Path) -> None:
    database = FakeDatabase(bug_every=50)
    report = blow(database, config(tmp_path)).report()
    assert report["errors"] == {"RuntimeError": 8}
    assert report["errors_by_phase"]["begin"] == report["failed"] == 8


def test_orders_given_up_at_the_stop_are_in_doubt_but_nobodys_error(tmp_path: Path) -> None:
    database = FakeDatabase(hang_from=101)
    storm = Storm(config(tmp_path), database, clock=database.clock)
    with storm:
        until(lambda: database.counts["commit"] == 104)
    report = storm.report(storm.audit())
    assert (report["acknowledged"], report["in_doubt"], report["abandoned_at_stop"]) == (100, 4, 4)
    assert (report["client_errors"], report["errors"], report["end_reason"]) == (0, {}, "stop")
    assert report["audit"]["in_doubt_absent"] == 4
    assert not storm.snapshot().running
    assert storm.snapshot().client_errors == 0


def test_fault_of_the_storm_itself_spoils_its_verdict(tmp_path: Path) -> None:
    storm = blow(FakeDatabase(read_only_every=10, close_fails=True), config(tmp_path))
    assert str(storm.failure) == "a writer failed: RuntimeError('close')"
    assert storm.report()["end_reason"] == "writer failed"


def test_duration_ends_the_storm_on_its_own_clock(tmp_path: Path) -> None:
    database = FakeDatabase(step=1.0)
    report = blow(database, config(tmp_path, orders=0, duration=600.0)).report()
    assert report["end_reason"] == "duration"
    assert report["elapsed_s"] >= 600


def test_stop_file_ends_the_storm(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    storm = Storm(config(tmp_path, orders=0, think_time=0.001, stop_file=stop), FakeDatabase())
    storm.start()
    stop.touch()
    assert storm.wait(120)
    assert storm.report()["end_reason"] == "stop-file"


def test_old_stop_file_is_refused(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    stop.touch()
    with pytest.raises(StormError, match="exists already; remove it"):
        Storm(config(tmp_path, stop_file=stop), FakeDatabase()).start()


def test_unreachable_database_is_refused_before_a_journal_is_made(tmp_path: Path) -> None:
    database = FakeDatabase()
    database.unreachable = True
    with pytest.raises(StormError, match="unreachable"):
        Storm(config(tmp_path), database).start()
    assert list(tmp_path.iterdir()) == []


def test_storm_whose_journal_fails_stops_and_claims_no_more_than_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    written: list[int] = []

    def fill(fd: int, data: bytes) -> int:
        written.append(fd)
        if len(written) > 300:
            raise OSError(28, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", fill)
    database = FakeDatabase()
    storm = blow(database, config(tmp_path, orders=0))
    monkeypatch.undo()
    assert storm.failure is not None
    assert "No space left on device" in str(storm.failure)
    audit = storm.audit()
    assert audit.lost == set()
    assert 0 < storm.report()["acknowledged"] <= len(database.acknowledged)


def test_report_before_the_end_counts_orders_under_way_as_in_doubt(tmp_path: Path) -> None:
    database = FakeDatabase(hang_from=11)
    with Storm(config(tmp_path, writers=2), database, clock=database.clock) as storm:
        until(lambda: database.counts["commit"] == 12)
        report = storm.report(storm.audit())
        assert (report["acknowledged"], report["in_doubt"], report["end_reason"]) == (10, 2, None)
        assert storm.snapshot().durable == 10
        assert storm.snapshot().acknowledged == 10


def test_storm_starts_once(tmp_path: Path) -> None:
    storm = blow(FakeDatabase(), config(tmp_path))
    with pytest.raises(StormError, match="started before"):
        storm.start()


def test_default_journal_is_found_where_people_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storm = blow(FakeDatabase(), config(tmp_path, journal=None))
    assert storm.journal.parent == Path("artifacts/storm")
    assert storm.journal.suffix == ".jsonl"
    assert storm.journal.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"writers": 0}, "writers is 0; allowed: 1 to 256"),
        ({"duration": 3600.5}, "duration is 3600.5; allowed: more than 0, at most 3600 s"),
        ({"duration": 0.0}, "duration is 0.0"),
        ({"duration": float("nan")}, "duration is nan"),
        ({"orders": -1}, "orders is -1"),
        ({"think_time": -0.1}, "think_time is -0.1"),
        ({"backoff": (0.2, 0.1)}, "backoff is"),
        ({"flush_interval": 0.06}, "flush_interval is 0.06; allowed: more than 0, at most 0.05 s"),
        ({"table": "orders; DROP TABLE x"}, "table is 'orders; DROP TABLE x'"),
        ({"table": "a.b.c"}, "table is 'a.b.c'"),
    ],
)
def test_refused_settings(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(StormError) as refusal:
        StormConfig(**changes)
    assert told in str(refusal.value)
