"""What a role probe's document and HAProxy's statistics come to."""

from __future__ import annotations

from typing import Any

import pytest
from boot_guard.hearing import balancer_voice, database_voice

SYSTEM = "7711134767910273346"
CSV = """# pxname,svname,qcur,status,weight,
postgresql_read_write,FRONTEND,,OPEN,,
postgresql_primary,pg1,0,{primary},1,
postgresql_primary,pg2,0,{other},1,
postgresql_primary,BACKEND,0,UP,1,
postgresql_replicas,pg1,0,{replicas},1,
postgresql_replicas,pg2,0,DOWN,1,
postgresql_replicas,BACKEND,0,DOWN,1,
"""


def document(state: str = "stopped", *, role: str = "unknown", live: int | None = None, **disk: Any) -> dict[str, Any]:
    """A probe's answer; ``disk`` overrides what lies on its host's disk."""
    on_disk = {"has_data": True, "standby": False, "fenced": False, "timeline": 3, "system_identifier": SYSTEM}
    found: dict[str, Any] = {"state": state, "role": role, "on_disk": {**on_disk, "age_seconds": 0.0, **disk}}
    if live is not None:
        found.update(timeline=live, database_system_identifier=SYSTEM)
    return found


@pytest.mark.parametrize(
    ("answer", "counts", "timeline", "primary"),
    [
        (document(), True, 3, False),
        (document("running", role="primary", live=4), True, 4, True),
        (document("running", role="replica", live=3, timeline=4), True, 4, False),
        (document("starting", live=3), True, 3, False),
        (document(has_data=False, timeline=0), False, 0, False),
    ],
)
def test_a_database_host(answer: dict[str, Any], counts: bool, timeline: int, primary: bool) -> None:
    """The newest timeline that the server or its files know."""
    voice = database_voice("pg2", answer, fresh=True)
    assert (voice.counts, voice.timeline, voice.is_primary) == (counts, timeline, primary)
    assert not voice.slow


def test_an_answer_that_is_not_fresh_speaks_against_only() -> None:
    """It may know of a newer timeline; that it knows of none is no proof."""
    voice = database_voice("pg2", document(timeline=7), fresh=False)
    assert (voice.counts, voice.slow, voice.timeline) == (False, True, 7)
    without = database_voice("pg2", document(error="the boot guard is not installed"), fresh=False)
    assert not without.slow


@pytest.mark.parametrize(
    ("answer", "wants"),
    [
        (document(boot_guard={"verdict": "asking", "age_seconds": 400}), True),
        (document(boot_guard={"verdict": "refused", "age_seconds": 400}), True),
        (document(boot_guard={"verdict": "allowed", "age_seconds": 5}), True),
        (document(boot_guard={"verdict": "allowed", "age_seconds": 90}), False),
        (document("starting"), True),
        (document(boot_guard={"verdict": "refused"}, fenced=True), False),
        (document(boot_guard={"verdict": "refused"}, standby=True), False),
        (document("running", role="primary", live=3, boot_guard={"verdict": "allowed", "age_seconds": 1}), False),
        (document(), False),
    ],
)
def test_who_wants_to_be_primary_as_well(answer: dict[str, Any], wants: bool) -> None:
    """A server that its guard holds, or has just let go, and that would come up writable."""
    assert database_voice("pg2", answer, fresh=True).wants_primary is wants


@pytest.mark.parametrize("answer", [[], {}, "x", None, {"role": "primary"}])
def test_what_is_no_status_document(answer: Any) -> None:
    """It counts for nothing."""
    voice = database_voice("pg2", answer, fresh=True)
    assert voice.error and not voice.counts and not voice.slow


@pytest.mark.parametrize(
    ("states", "away", "routes_to"),
    [
        ({"primary": "UP", "replicas": "DOWN", "other": "DOWN"}, False, ("pg1",)),
        ({"primary": "MAINT", "replicas": "MAINT", "other": "UP"}, True, ("pg2",)),
        ({"primary": "MAINT", "replicas": "DOWN", "other": "UP 1/2"}, False, ("pg2",)),
        ({"primary": "DOWN 1/2", "replicas": "MAINT (via x/y)", "other": "MAINT"}, False, ()),
    ],
)
def test_a_load_balancer(states: dict[str, str], away: bool, routes_to: tuple[str, ...]) -> None:
    """Out of every backend: for good. Out of one: a switchover under way."""
    voice = balancer_voice("lb1", CSV.format(**states), "pg1")
    assert (voice.counts, voice.keeps_away, voice.routes_to) == (True, away, routes_to)


@pytest.mark.parametrize("text", ["", "<html>", "# pxname,svname\na,b\n"])
def test_what_is_no_statistics(text: str) -> None:
    """It counts for nothing; neither does a load balancer that does not know this server."""
    assert not balancer_voice("lb1", text, "pg1").counts
    states = {"primary": "UP", "replicas": "UP", "other": "UP"}
    assert not balancer_voice("lb1", CSV.format(**states), "pg9").counts
