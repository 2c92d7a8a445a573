"""The boot guard's table, one test a row, and what its rows must never let through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from boot_guard.decision import (
    DATABASE,
    LOAD_BALANCER,
    MAJORITY,
    OFF,
    PEERS,
    REFUSE,
    START,
    WAIT,
    Own,
    Verdict,
    Voice,
    decide,
    without_asking,
)

SYSTEM, OTHER_SYSTEM = "7711134767910273346", "7799999999999999999"
OLD_PRIMARY = Own("pg1", state="in production", timeline=3, newest_in_wal=3, system_identifier=SYSTEM, lsn="0/3000060")


def pg(name: str, **changes: object) -> Voice:
    """A standby of the same timeline that answered in time."""
    values: dict[str, object] = {"counts": True, "system_identifier": SYSTEM, "timeline": 3}
    return Voice(name, DATABASE, **{**values, **changes})  # type: ignore[arg-type]


def lb(name: str, **changes: object) -> Voice:
    """A load balancer that knows nothing against pg1."""
    values: dict[str, object] = {"counts": True}
    return Voice(name, LOAD_BALANCER, **{**values, **changes})  # type: ignore[arg-type]


def silent(voice: Voice) -> Voice:
    """The same host, when it does not answer."""
    return Voice(voice.name, voice.kind, error="does not answer")


EVERYBODY = (pg("pg2"), pg("pg3"), lb("lb1"), lb("lb2"))


def judged(own: Own, voices: tuple[Voice, ...] = EVERYBODY, policy: str = MAJORITY, override: str = "") -> Verdict:
    """Both halves of the table."""
    return without_asking(own, policy=policy, override=override) or decide(own, voices, policy=policy)


@pytest.mark.parametrize(
    ("own", "policy", "override", "row", "action"),
    [
        (replace(OLD_PRIMARY, fenced="failover to pg2"), MAJORITY, "", "fenced", REFUSE),
        (replace(OLD_PRIMARY, fenced="failover to pg2"), OFF, "anna: I know", "fenced", REFUSE),
        (Own("pg1", standby=True), MAJORITY, "", "standby", START),
        (Own("pg1", standby=True, fenced="failover"), MAJORITY, "", "fenced", REFUSE),
        (Own("pg1", has_data=False), MAJORITY, "", "no_data", START),
        (OLD_PRIMARY, MAJORITY, "anna: I know", "override", START),
        (OLD_PRIMARY, OFF, "", "off", START),
        (Own("pg1"), MAJORITY, "", "no_control", REFUSE),
        (replace(OLD_PRIMARY, state="shut down in recovery"), MAJORITY, "", "no_primary_s_data", REFUSE),
        (replace(OLD_PRIMARY, state="in archive recovery"), MAJORITY, "", "no_primary_s_data", REFUSE),
        (replace(OLD_PRIMARY, copied=True), MAJORITY, "", "no_primary_s_data", REFUSE),
        (replace(OLD_PRIMARY, newest_in_wal=4), MAJORITY, "", "no_primary_s_data", REFUSE),
        (replace(OLD_PRIMARY, copied=True, restoring=True), MAJORITY, "", "nobody_newer", START),
    ],
)
def test_what_this_host_alone_decides(own: Own, policy: str, override: str, row: str, action: str) -> None:
    """Fence, standby, override, policy, and data that is no primary's."""
    verdict = judged(own, policy=policy, override=override)
    assert (verdict.row, verdict.action) == (row, action)


@pytest.mark.parametrize(
    ("voices", "row", "action"),
    [
        ((pg("pg2", timeline=4, is_primary=True), *EVERYBODY[1:]), "newer_timeline", REFUSE),
        ((pg("pg2", timeline=4, counts=False), *EVERYBODY[1:]), "newer_timeline", REFUSE),
        ((pg("pg2"), silent(pg("pg3")), lb("lb1", keeps_away=True), lb("lb2")), "kept_away", REFUSE),
        ((pg("pg2", is_primary=True), *EVERYBODY[1:]), "other_primary", REFUSE),
        ((pg("pg2", runbook="failover"), *EVERYBODY[1:]), "failover", WAIT),
        ((pg("pg2", runbook="switchover"), *EVERYBODY[1:]), "nobody_newer", START),
        ((pg("pg2"), pg("pg3"), lb("lb1", routes_to=("pg3",)), lb("lb2")), "routed", WAIT),
        ((pg("pg2"), pg("pg3"), lb("lb1", routes_to=("pg1",)), lb("lb2")), "nobody_newer", START),
        ((pg("pg2", wants_primary=True), *EVERYBODY[1:]), "two_would_be_primaries", WAIT),
        ((pg("pg2", wants_primary=True, timeline=2), *EVERYBODY[1:]), "nobody_newer", START),
        (EVERYBODY, "nobody_newer", START),
        ((pg("pg2"), pg("pg3"), silent(lb("lb1")), silent(lb("lb2"))), "nobody_newer", START),
        ((silent(pg("pg2")), silent(pg("pg3")), lb("lb1"), lb("lb2")), "nobody_newer", START),
        ((pg("pg2"), silent(pg("pg3")), silent(lb("lb1")), silent(lb("lb2"))), "no_majority", WAIT),
        (tuple(silent(voice) for voice in EVERYBODY), "no_majority", WAIT),
        ((pg("pg2", counts=False), pg("pg3", counts=False), lb("lb1"), silent(lb("lb2"))), "no_majority", WAIT),
    ],
)
def test_what_the_others_say(voices: tuple[Voice, ...], row: str, action: str) -> None:
    """An old primary of timeline 3 in a cluster of three database hosts and two load balancers."""
    verdict = judged(OLD_PRIMARY, voices)
    assert (verdict.row, verdict.action) == (row, action)


@pytest.mark.parametrize(
    ("voices", "majority", "peers"),
    [
        ((pg("pg2"), lb("lb1"), lb("lb2")), START, START),
        ((silent(pg("pg2")), lb("lb1"), lb("lb2")), START, START),
        ((pg("pg2"), lb("lb1"), silent(lb("lb2"))), START, START),
        ((silent(pg("pg2")), lb("lb1"), silent(lb("lb2"))), WAIT, START),
        ((silent(pg("pg2")), silent(lb("lb1")), silent(lb("lb2"))), WAIT, WAIT),
        ((pg("pg2"),), START, START),
        ((silent(pg("pg2")),), WAIT, WAIT),
        ((), START, START),
    ],
)
def test_two_database_hosts(voices: tuple[Voice, ...], majority: str, peers: str) -> None:
    """With two load balancers they are four voices, three are a majority; the policy ``peers`` needs one other."""
    assert judged(OLD_PRIMARY, voices, MAJORITY).action == majority
    assert judged(OLD_PRIMARY, voices, PEERS).action == peers


@pytest.mark.parametrize("waived", ["", "pg3", "lb1", "lb2"])
@pytest.mark.parametrize("silent_ones", [(), ("pg2",), ("pg3",), ("lb1",), ("lb2",), ("pg2", "lb1"), ("pg3", "lb2")])
def test_no_majority_misses_a_failover(waived: str, silent_ones: tuple[str, ...]) -> None:
    """Who took part in a failover to pg2 knows; with one host waived, every majority holds one who does."""
    knows = (
        pg("pg2", timeline=4, is_primary=True),
        pg("pg3", timeline=3 if waived == "pg3" else 4),
        lb("lb1", keeps_away=waived != "lb1"),
        lb("lb2", keeps_away=waived != "lb2"),
    )
    voices = tuple(silent(voice) if voice.name in silent_ones else voice for voice in knows)
    assert judged(OLD_PRIMARY, voices).action != START


def test_data_of_another_cluster_is_no_voice() -> None:
    """Neither for nor against; a note says so."""
    stranger = pg("pg2", system_identifier=OTHER_SYSTEM, timeline=9, is_primary=True)
    verdict = judged(OLD_PRIMARY, (stranger, pg("pg3"), lb("lb1"), silent(lb("lb2"))))
    assert (verdict.row, verdict.action) == ("nobody_newer", START)
    assert any("pg2" in note and OTHER_SYSTEM in note for note in verdict.notes)
    alone = judged(OLD_PRIMARY, (stranger, silent(pg("pg3")), lb("lb1"), silent(lb("lb2"))))
    assert alone.action == WAIT


def test_refusals_name_what_to_type() -> None:
    """Host, observed, expected, and the runbook."""
    verdict = judged(OLD_PRIMARY, (pg("pg2", timeline=4, is_primary=True), *EVERYBODY[1:]))
    assert verdict.reason == "pg2 is primary on timeline 4, this server is on 3"
    assert verdict.next == "ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg1"
    lonely = judged(OLD_PRIMARY, tuple(silent(voice) for voice in EVERYBODY))
    assert "1 of 5 hosts, 3 are needed" in lonely.reason and "failover.yml" in lonely.next
