"""The record: its published shape, and what it says of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.sre.ha_recovery.plugins.filter.failover_plan import failover_plan
from ansible_collections.sre.ha_recovery.plugins.filter.failover_record import failover_record
from ansible_collections.sre.ha_recovery.plugins.filter.runbook_record import runbook_record
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery import record as module
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import (
    RecordError,
    build_record,
    record_name,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_failover import failover_parts
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_markdown import record_markdown

from tests.unit.plugins.module_utils._recovery.estates import BALANCERS, DATABASES
from tests.unit.plugins.module_utils._recovery.records import EPOCH, SAMPLES, WHO, failover, switchover
from tests.unit.plugins.module_utils._recovery.test_failover import ALIVE, DEAD, LOST, Raws
from tests.unit.plugins.module_utils._recovery.test_proof import FAILED, GOOD, PLAN

SCHEMA = json.loads((Path(module.__file__).parents[3] / "docs" / "record.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    """Draft 2020-12, and it has nothing that no record has."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) == set(SAMPLES["switchover"])


@pytest.mark.parametrize("name", SAMPLES)
def test_every_record_is_as_published(name: str) -> None:
    """As JSON, as somebody else would read it."""
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(json.dumps(SAMPLES[name])))] == []


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "finished"},
        {"surprise": 1},
        {"started_at": "yesterday"},
        {"steps": [{"name": "x", "host": "y"}]},
        {"verdicts": [{"check": "x"}]},
        {"writes": {"gap": 1}},
        {"lsn": {"promoted": "somewhere"}},
        {"schema": "ha_recovery/record/2"},
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_the_schema_refuses(broken: dict[str, Any]) -> None:
    """A schema that lets everything pass would prove nothing."""
    assert not VALIDATOR.is_valid(SAMPLES["switchover"] | broken)


def test_when_steps_began() -> None:
    """Given, counted from a time, or not known."""
    steps = {(one["name"], one["host"]): one for one in switchover()["steps"]}
    assert steps[("preflight", "")]["started_s"] == 0.0
    assert steps[("stop", "pg1")] == {
        "name": "stop", "host": "pg1", "started_s": 1.5, "seconds": 0.1, "result": "changed", "detail": "",
    }  # fmt: skip
    assert steps[("follow", "pg1")]["started_s"] is None


@pytest.mark.parametrize(
    ("begin", "offset"),
    [("03:12:08.500", -0.75), ("03:12:14.000", 4.75), ("03:12:08.000", None), ("03:12:15.000", None)],
)
def test_a_clock_that_is_far_off_is_not_believed(begin: str, offset: float | None) -> None:
    """No bar is better than a bar at the wrong place."""
    (step,) = switchover(steps=[{"name": "x", "started_at": f"2026-03-01T{begin}Z", "seconds": 1}])["steps"]
    assert step["started_s"] == offset


def test_a_begin_may_be_seconds_since_1970() -> None:
    """As the control node notes when it asked."""
    (step,) = switchover(steps=[{"name": "x", "started_at": EPOCH + 1.25, "seconds": 1}])["steps"]
    assert step["started_s"] == 1.25


@pytest.mark.parametrize(
    ("answer", "result", "detail"),
    [
        ({}, "ok", ""),
        ({"changed": True}, "changed", ""),
        ({"skipped": True, "msg": "no"}, "skipped", ""),
        ({"failed": True, "changed": True, "msg": "broken"}, "failed", "broken"),
        ({"unreachable": True, "msg": "gone"}, "failed", "gone"),
    ],
)
def test_a_modules_answer_is_a_step(answer: dict[str, Any], result: str, detail: str) -> None:
    """How it ended, and why when it did not work."""
    (step,) = switchover(steps=[{"name": "x", **answer}])["steps"]
    assert (step["result"], step["detail"]) == (result, detail)


@pytest.mark.parametrize(
    ("says", "changes"),
    [
        ("a record has no headlin", {"headlin": "x"}),
        ("status is 'ended'; allowed: started", {"status": "ended"}),
        ("level of verdict 'x' is 'bad'; allowed: block", {"verdicts": [{"check": "x", "level": "bad"}]}),
        ("result of step 'x' is 'great'; allowed: ok", {"steps": [{"name": "x", "result": "great"}]}),
        ("'soon' is no time", {"ended_at": "soon"}),
    ],
)
def test_what_no_record_can_hold(says: str, changes: dict[str, Any]) -> None:
    """A runbook's mistake is named."""
    with pytest.raises(RecordError, match=says):
        switchover(**changes)


def test_the_gap_is_the_loads_when_there_was_one() -> None:
    """Otherwise what the runbook knows."""
    assert SAMPLES["switchover under a load"]["write_gap_s"] == 1.5
    assert build_record({"write_gap_s": 0.3}, runbook="x", status="done", **WHO)["write_gap_s"] == 0.3


def test_names_of_files() -> None:
    """UTC, sortable, without a fraction."""
    assert record_name("2026-03-01T03:12:09.250Z", "failover") == "20260301T031209Z-failover"
    assert record_name("2026-03-01T04:12:09+01:00", "failover") == "20260301T031209Z-failover"


class TestFailover:
    """What the failover's plan and answers come to."""

    def test_done(self) -> None:
        """Who, what, in place of whom."""
        record = failover("done")
        assert (record["old_primary"], record["new_primary"]) == ("pg1", "pg2")
        assert (record["timeline_before"], record["timeline_after"]) == (1, 2)
        assert record["lsn"] == {"received": "0/5000000", "promoted": "0/5000100"}
        assert record["verified"]["server_address"] == "192.0.2.22"
        assert [waiver["name"] for waiver in record["waivers"]] == ["unseen_standby"]
        assert "acknowledged commits" in record["waivers"][0]["accepts"]

    def test_bars_where_the_host_said_when_it_began(self) -> None:
        """Each step's own begin, and the seconds it measured."""
        begun = {"started_at": "2026-03-01T03:12:10.250Z", "seconds": 0.05}
        answers = GOOD | {"lb1": {"balancer": GOOD["lb1"]["balancer"] | begun}}
        parts = failover_parts(PLAN, answers, {}, status="done", address="192.0.2.100")
        steps = build_record(parts, runbook="failover", status="done", **WHO)["steps"]
        assert [(one["host"], one["started_s"], one["seconds"]) for one in steps[:2]] == [
            ("lb1", 1.0, 0.05), ("lb2", None, None),
        ]  # fmt: skip

    def test_a_write_that_failed_proves_nothing(self) -> None:
        """However long it took."""
        answers = GOOD | {"pg3": {"verify": {**GOOD["pg3"]["verify"], **FAILED}}}
        assert failover_parts(PLAN, answers, {}, status="failed", address="192.0.2.100")["verified"] is None

    def test_refused(self) -> None:
        """Nobody became primary; the verdict blocks and says what to do."""
        record = SAMPLES["failover refused"]
        assert (record["new_primary"], record["steps"], record["next"]) == (None, [], "go home")
        assert record["verdicts"] == [
            {
                "check": "failover",
                "host": "pg1",
                "level": "block",
                "observed": "alive",
                "expected": "dead",
                "fix": "go home",
            }
        ]

    def test_failed(self) -> None:
        """The step says why; nothing claims to be verified."""
        record = SAMPLES["failover failed"]
        steps = {(one["name"], one["host"]): (one["result"], one["detail"]) for one in record["steps"]}
        assert steps[("promote", "pg2")] == ("failed", "no answer within 2 s")
        assert steps[("follow the new primary", "pg3")] == ("skipped", "not run")
        assert (record["new_primary"], record["verified"], record["problems"]) == (None, None, ["no answer within 2 s"])


@pytest.mark.parametrize("balancers", [DEAD, ALIVE], ids=["failover", "refuse"])
def test_from_a_real_plan_to_three_files(balancers: Raws) -> None:
    """The way failover.yml goes: plan, parts, files."""
    plan = failover_plan({"nodes": LOST, "load_balancers": balancers}, databases=DATABASES, load_balancers=BALANCERS)
    status = {"failover": "started", "refuse": "refused"}[plan["action"]]
    parts = failover_record(plan, status=status, address="192.0.2.100", observed={"nodes": LOST})
    files = runbook_record(parts, "failover", "orders", status, "anna", WHO["started_at"], WHO["ended_at"])
    assert [name.partition(".") for name in files] == [
        ("20260301T031209Z-failover", ".", ending) for ending in ("json", "md", "html")
    ]
    record = json.loads(files["20260301T031209Z-failover.json"])
    assert [error.message for error in VALIDATOR.iter_errors(record)] == []
    assert record["plan"][0] == record["headline"] and record["evidence"]["signs"]
    assert bool(record["verdicts"]) is (status == "refused")


def test_markdown_says_the_same() -> None:
    """To paste into a ticket."""
    text = record_markdown(failover("done"))
    for fact in (
        "# failover of orders: done",
        "| who | anna on ops1 |",
        "| waived | unseen_standby |",
        "| timeline | 1 -> 2 |",
        "| promote | pg2 | - | 0.13 s | changed |",
        "| host | about | saw |",
        "| pg2 | pg1 | no answer |",
    ):
        assert fact in text


def test_markdown_tables_hold() -> None:
    """Whatever a host said, a row has as many cells as its table."""
    for line in record_markdown(SAMPLES["markup in everything"]).splitlines():
        if line.startswith("|"):
            assert "<script" not in line
            assert line.replace("\\|", "").count("|") in {2, 3, 6, 7}
