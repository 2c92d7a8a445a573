# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

from tests.storm.history import Fate, History
from tests.storm.progress import progress_line, summary, verdict
from tests.storm.report import audit_history, build_report, write_json
from tests.storm.stats import Stats
from tests.unit.storm.fake import START


def history(**changes: object) -> History:
    made = History(run="r", table="t", target="host=x", writers=8, think_time=0.005, wall=START)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def acknowledged(*moments: float) -> History:
    ids = {f"o{number}": moment for number, moment in enumerate(moments)}
    fates = dict.fromkeys(ids, Fate.ACKNOWLEDGED)
    return history(fates=fates, acks=sorted(moments), acked_at=ids, last_m=max(moments, default=0.0))


def test_gap_in_wall_clock_time_and_rates_around_it() -> None:
    made = acknowledged(0.5, 0.75, 1.0, 4.25, 4.5, 4.75)
    made.stopped_m = 6.0
    report = build_report(made)
    assert report["write_gap_s"] == 3.25
    assert report["write_gap"] == {
        "begin": "2026-01-01T00:00:01.000Z",
        "end": "2026-01-01T00:00:04.250Z",
        "begin_s": 1.0,
        "end_s": 4.25,
    }
    assert (report["tps_before"], report["tps_after"]) == (4.0, 4.0)
    assert report["trailing_gap_s"] == 1.25
    assert (report["started_at"], report["ended_at"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:06.000Z")
    assert report["histogram"]["bucket_s"] == 0.1
    assert sum(report["histogram"]["acknowledged"]) == 6
    assert len(report["histogram"]["acknowledged"]) == 61


def test_nothing_acknowledged_has_no_gap_and_proves_nothing() -> None:
    report = build_report(history(last_m=10.0))
    assert (report["write_gap_s"], report["write_gap"], report["trailing_gap_s"]) == (None, None, None)
    report["audit"] = audit_history(history(), {}).as_dict() | {"lost_between": None}
    assert verdict(report) == "nothing was acknowledged, so nothing is proven"


def test_each_server_and_when_it_acknowledged() -> None:
    made = acknowledged(1.0, 2.0, 3.0)
    made.acked_by = {"192.0.2.22": [2.0, 3.0], "192.0.2.21": [1.0]}
    assert build_report(made)["acknowledged_by"] == {
        "192.0.2.21": {"acknowledged": 1, "first_s": 1.0, "last_s": 1.0},
        "192.0.2.22": {"acknowledged": 2, "first_s": 2.0, "last_s": 3.0},
    }


def test_killed_storm_ends_with_its_last_record() -> None:
    made = acknowledged(1.0, 2.0)
    made.last_m = 2.5
    report = build_report(made)
    assert (report["end_reason"], report["elapsed_s"], report["trailing_gap_s"]) == (None, 2.5, 0.5)


def test_lost_orders_are_placed_in_time() -> None:
    made = acknowledged(1.0, 2.0, 3.0, 4.0)
    audit = audit_history(made, {"o0": 1, "o3": 1})
    report = build_report(made, audit, Path("a.jsonl"))
    assert report["audit"]["lost"] == 2
    assert report["audit"]["lost_ids"] == ["o1", "o2"]
    assert report["audit"]["lost_between"] == {"first": "2026-01-01T00:00:02.000Z", "last": "2026-01-01T00:00:03.000Z"}
    assert "2 lost, 0 duplicated (lost ones were acknowledged 2026-01-01T00:00:02" in summary(report)


def test_summary_says_when_writes_did_not_come_back() -> None:
    made = acknowledged(1.0, 2.0)
    made.stopped_m = 30.0
    assert "WRITES DID NOT COME BACK: none in the last 28.0 s" in summary(build_report(made))
    made.stopped_m = 2.5
    assert "WRITES DID NOT" not in summary(build_report(made))


def test_report_is_put_in_place_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report.json"
    write_json(target, {"a": 1, "histogram": [1, 2, 3], "ids": ["x"]})
    write_json(target, {"a": 2, "histogram": [1, 2, 3], "ids": ["x"], "none": []})
    assert json.loads(target.read_text()) == {"a": 2, "histogram": [1, 2, 3], "ids": ["x"], "none": []}
    assert '"histogram": [ 1, 2, 3 ]' in target.read_text()
    assert [path.name for path in target.parent.iterdir()] == ["report.json"]


def test_live_figures() -> None:
    stats = Stats()
    assert stats.snapshot(3.0, running=True, durable=0).gap == 3.0  # nothing yet: the gap counts from the start
    for moment in (1.0, 3.5, 4.5, 4.25):
        stats.acknowledged(moment)
    stats.error("25006")
    now = stats.snapshot(5.0, running=True, durable=3)
    assert (now.acknowledged, now.durable, now.rate, now.gap, now.longest_gap) == (4, 3, 2.0, 0.5, 2.5)
    assert (now.errors, now.client_errors) == ({"25006": 1}, 1)
    assert progress_line(now) == "storm 00:05  acknowledged       4       2/s  errors    1  gap   0.50 s"
    later = stats.snapshot(65.0, running=True, durable=4)
    assert (later.rate, later.gap, later.longest_gap) == (0.0, 60.5, 60.5)
