"""What the judge calls wrong, and what it lets pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.experiment import DONE, FAILED, REFUSED, Experiment, Type
from tests.chaos.judge import Evidence, Loss, Run, judge, served_by_two
from tests.chaos.sampler import Samples, overlaps

ROLES = {"primary": "pg1", "candidate": "pg2", "other": "pg3"}
SYNC = Experiment("x", "something happens", "somebody acts", ())
ASYNC = replace(SYNC, mode="async")
ALONE = replace(SYNC, alone="nobody reaches it")


def audit(**counts: int) -> dict[str, int]:
    """A clean audit, but for ``counts``."""
    return {"lost": 0, "duplicated": 0, "failed_committed": 0, "unexpected": 0, **counts}


def storm(**changes: Any) -> dict[str, Any]:
    """A storm whose orders are all there."""
    return {"acknowledged": 900, "trailing_gap_s": 0.01, "audit": audit(), **changes}


def samples(host: str, *moments: float, writable: bool = True) -> Samples:
    """Answers of one node."""
    return Samples(host, [(at, writable) for at in moments])


def evidence(**changes: Any) -> Evidence:
    """A handover from pg1 to pg2 without a fault."""
    whole = Evidence(
        roles=ROLES,
        runs=[(Type("failover"), Run("failover", DONE, 3.0))],
        storm=storm(),
        acked_by={"pg1": [1.0, 1.5, 2.0], "pg2": [6.0, 6.5]},
        samples=[samples("pg1", 1.0, 1.9), samples("pg2", 6.0, 6.9), samples("pg3", 1.0, 6.0, writable=False)],
        status={"verdict": "green", "hosts": [{"host": "lb1", "detail": "pools: read_write active"}]},
    )
    return replace(whole, **changes)


def test_a_handover_without_a_fault_holds() -> None:
    """The other tests each break one thing of it."""
    assert judge(SYNC, evidence()) == []


CASES = [
    ("a command that failed", {"runs": [(Type("failover"), Run("failover", FAILED, 1.0))]}, "failed, expected done"),
    (
        "a command that failed, with what it said",
        {"runs": [(Type("rejoin"), Run("rejoin", FAILED, 1.0, record={"problems": ["pg1: did not start"]}))]},
        "rejoin: failed, expected done (pg1: did not start)",
    ),
    (
        "a command that should have refused",
        {"runs": [(Type("failover", (REFUSED,)), Run("failover", DONE, 1.0))]},
        "done, expected refused",
    ),
    (
        "a refusal that does not name who sees the primary",
        {"runs": [(Type("f", (REFUSED,), says=("sees {primary} alive",)), Run("f", REFUSED, 1.0, "refused: no"))]},
        "does not say 'sees pg1 alive'",
    ),
    ("lost orders", {"storm": storm(audit=audit(lost=2))}, "2 acknowledged orders lost"),
    ("duplicated orders", {"storm": storm(audit=audit(duplicated=1))}, "1 orders duplicated"),
    (
        "orders committed that were never sent",
        {"storm": storm(audit=audit(failed_committed=1))},
        "failed, but committed",
    ),
    ("orders that nobody placed", {"storm": storm(audit=audit(unexpected=3))}, "3 orders unexpected"),
    ("no audit", {"storm": storm(audit=None)}, "not audited"),
    ("nothing acknowledged", {"storm": storm(acknowledged=0)}, "no order was acknowledged at all"),
    ("writes that never came back", {"storm": storm(trailing_gap_s=9.0)}, "no write acknowledged in the last 9.0 s"),
    (
        "two nodes that are writable",
        {"samples": [samples("pg1", 1.0, 1.9, 2.5), samples("pg2", 2.0, 2.9), samples("pg3", 1.0, writable=False)]},
        "pg1 and pg2 were both writable for 0.5 s",
    ),
    (
        "two servers behind the virtual IP",
        {"acked_by": {"pg1": [1.0, 1.5, 2.0], "pg2": [1.6, 2.4]}},
        "both served clients of the virtual IP",
    ),
    ("a node that was never asked", {"samples": [samples("pg1", 1.0), Samples("pg2")]}, "pg2 was never sampled"),
    (
        "an estate that is not green",
        {"status": {"verdict": "red", "reasons": [{"host": "pg1", "observed": "stopped"}]}},
        "the estate is red: pg1: stopped",
    ),
    (
        "a paused pool",
        {"status": {"verdict": "green", "hosts": [{"host": "lb1", "detail": "pools: read_write paused"}]}},
        "lb1: a pool is left paused",
    ),
    ("an experiment that broke off", {"broke_off": "LabError: no"}, "broke off: LabError"),
    ("a rival that lost", {"rival": storm(audit=audit(lost=1))}, "rival: 1 acknowledged orders lost"),
    ("a rival that was served late", {"rival": storm(), "rival_acked_late": 4}, "after another was promoted"),
]


@pytest.mark.parametrize(("changes", "wrong"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_thing_that_is_wrong(changes: dict[str, Any], wrong: str) -> None:
    """Each is found, and nothing else with it."""
    found = judge(SYNC, evidence(**changes))
    assert len(found) == 1
    assert wrong in found[0]


def test_an_old_primary_may_be_alone_only_where_that_is_said() -> None:
    """And no other pair may, nor may clients of the virtual IP be served by two."""
    alone = [samples("pg1", 1.0, 1.9, 2.5), samples("pg2", 2.0, 2.9), samples("pg3", 1.0, writable=False)]
    assert judge(ALONE, evidence(samples=alone)) == []
    pair = [samples("pg2", 1.0, 1.9, 2.5), samples("pg3", 2.0, 2.9), samples("pg1", 1.0, writable=False)]
    assert judge(ALONE, evidence(samples=pair)) == ["pg2 and pg3 were both writable for 0.5 s"]
    served = judge(ALONE, evidence(samples=alone, acked_by={"pg1": [1.0, 2.0], "pg2": [1.5, 2.5]}))
    assert len(served) == 1 and "both served" in served[0]


def test_a_rival_loses_its_connection_for_good() -> None:
    """Its writes need not come back: it writes to a host that is no primary any more."""
    assert judge(SYNC, evidence(rival=storm(trailing_gap_s=60.0))) == []


@pytest.mark.parametrize(
    ("loss", "wrong"),
    [
        (Loss(1000, 1000, 100.0, 100.0), None),
        (Loss(1000, 0, 100.0, None), None),
        (Loss(1000, 1001, 100.0, 101.0), "1001 bytes of WAL lost, 1000 quoted"),
        (Loss(1000, 900, 100.0, 99.9), "before the time that was quoted"),
        (Loss(1000, 900, None, 99.9), "before the time that was quoted"),
        (Loss(None, 900, 100.0, 101.0), "not quoted, or not measured"),
        (Loss(1000, None, 100.0, 101.0), "not quoted, or not measured"),
        (None, "not quoted, or not measured"),
    ],
)
def test_without_synchronous_replication_no_more_is_lost_than_quoted(loss: Loss | None, wrong: str | None) -> None:
    """Equal is within the quote. Lost orders are no fault in themselves then."""
    found = judge(ASYNC, evidence(loss=loss, storm=storm(audit=audit(lost=40))))
    assert found == [] if wrong is None else len(found) == 1 and wrong in found[0]


class TestSpans:
    """When a node was writable, from single answers."""

    def test_an_answer_that_denies_ends_a_span(self) -> None:
        """However short the pause."""
        one = Samples("pg1", [(1.0, True), (1.1, True), (1.15, False), (1.2, True)])
        assert one.writable() == [(1.0, 1.1), (1.2, 1.2)]

    def test_a_long_silence_ends_a_span(self) -> None:
        """Nobody knows what it was in between."""
        assert samples("pg1", 1.0, 1.9, 3.0).writable() == [(1.0, 1.9), (3.0, 3.0)]

    def test_a_node_that_follows_overlaps_with_nobody(self) -> None:
        """One after the other is no overlap, not even in the same second."""
        assert overlaps([samples("pg1", 1.0, 1.2), samples("pg2", 1.25, 1.4)]) == []

    def test_a_handover_and_back_is_served_by_one_at_a_time(self) -> None:
        """The same server may serve again later."""
        assert served_by_two({"pg1": [1.0, 1.5, 9.0, 9.5], "pg2": [3.0, 3.5, 4.0]}) == []
