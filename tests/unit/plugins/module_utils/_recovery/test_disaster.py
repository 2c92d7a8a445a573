"""How a lost cluster comes back from its backups, or why it does not, row by row."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.disaster import plan_disaster
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore import plan_restore
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_seen import Asked, Look, Seen

from tests.unit.plugins.module_utils._recovery.estates import balancer, gone_balancer, primary, silent, standby
from tests.unit.plugins.module_utils._recovery.test_restore import DATA, ENDED, INFO, REPOSITORY

NAMES = ("pg1", "pg2", "pg3")


def empty(host: str, **changes: Any) -> dict[str, Any]:
    """A host with nothing on it."""
    nothing = {"role": "absent", "running": False, "data_state": "absent", "timeline": None, "system_identifier": None,
               "current_lsn": None, "replication": [], "installed": False}  # fmt: skip
    return primary(host) | nothing | changes


LOOK = Look(20 << 30, None, False, DATA, {}, False, "17")
SEEN = Seen(
    nodes_from([empty(name) for name in NAMES]),
    balancers_from([balancer("lb1"), balancer("lb2")]),
    dict.fromkeys(NAMES, LOOK),
    "backup1",
    REPOSITORY,
)
ASKED = Asked("orders", "orders", ENDED + 9000.0, "20260301T040000Z", host="pg1", confirm="orders")
FRESH = plan_disaster(SEEN, ASKED)
NOTE = FRESH["note"]


def nodes(*rows: dict[str, Any], **changes: Any) -> Seen:
    """Other hosts than three empty ones."""
    return replace(SEEN, nodes=nodes_from(list(rows)), **changes)


def noted(seen: Seen = SEEN, **changes: Any) -> Seen:
    """An earlier run has left its note on every host."""
    return replace(seen, looks=dict.fromkeys(seen.looks, replace(LOOK, note={**NOTE, **changes})))


RUNS = nodes(primary("pg1", timeline=2), empty("pg2"), empty("pg3"))
WELL = nodes(primary("pg1", timeline=2), standby("pg2", timeline=2), standby("pg3", timeline=2))
ACTS = [
    ("empty hosts", SEEN, {}, True),
    ("a dry run needs no word", SEEN, {"confirm": "", "dry": True}, True),
    ("to a time", SEEN, {"kind": "time", "value": "2026-03-01 01:55Z"}, True),
    ("one was begun", noted(), {}, True),
    ("one recovers", noted(phase="recovering"), {}, True),
    ("one was promoted, nothing else is there", noted(RUNS, phase="promoted"), {}, False),
]


@pytest.mark.parametrize(("seen", "typed", "prepare"), [row[1:] for row in ACTS], ids=[row[0] for row in ACTS])
def test_what_is_done(seen: Seen, typed: dict[str, Any], prepare: bool) -> None:
    plan = plan_disaster(seen, replace(ASKED, **typed))
    assert plan["acts"], plan["lines"]
    assert (plan["action"], plan["host"], plan["rest"], plan["prepare"]) == ("recover", "pg1", ["pg2", "pg3"], prepare)


def test_the_plan_says_what_is_lost_and_what_cannot_be_fenced() -> None:
    assert (NOTE["target"]["kind"], NOTE["label"], NOTE["end_lsn"]) == ("latest", "B", "0/5000000")
    assert any("lost: everything committed after the last archived WAL" in line for line in FRESH["lines"])
    assert any("the old hosts cannot be fenced" in line for line in FRESH["lines"])
    assert FRESH["version"] == "17"


def test_what_was_brought_back_is_left_alone() -> None:
    plan = plan_disaster(noted(WELL, phase="done", ended_at="2026-03-01T05:00:00Z"), ASKED)
    assert (plan["action"], plan["acts"], plan["prepare"]) == ("none", False, False)


OTHERS = {**REPOSITORY, "info": json.dumps([{**INFO, "db": [{"id": 1, "repo-key": 1, "version": "15"}]}])}
HALF = nodes(empty("pg1"), empty("pg2", data_state="foreign"), empty("pg3"))
REFUSED = [
    ("a host is silent", nodes(empty("pg1"), silent("pg2"), empty("pg3")), {}, "pg2", "take it out of the inventory"),
    ("a load balancer is silent", replace(SEEN, balancers=balancers_from([balancer("lb1"), gone_balancer("lb2")])), {},
     "lb2", "take it out of the inventory"),
    ("the repository is silent", replace(SEEN, repository=None, repository_error="no way"), {}, "backup1", "no way"),
    ("a note that cannot be read", noted(phase="unreadable"), {}, "pg1", "cannot be read"),
    ("a restore is under way", noted(disaster=False), {}, "pg1", "restore.yml goes on with it"),
    ("another target is under way", noted(), {"kind": "immediate"}, "pg1", "to the end of the archive"),
    ("a primary runs", WELL, {}, "pg1", "a writable primary on timeline 2"),
    ("data is there", nodes(empty("pg1"), standby("pg2"), empty("pg3")), {}, "pg2", "may have more than any backup"),
    ("half a data directory is there", HALF, {}, "pg2", "an empty data directory"),
    ("a malformed target", SEEN, {"kind": "time", "value": "noon"}, "restore", "disaster_recovery.yml --check"),
    ("behind the archive", SEEN, {"kind": "time", "value": "2026-03-01 02:50Z"}, "backup1", "the archive ends before"),
    ("a host that is none", SEEN, {"host": "pg9"}, "pg9", "-e disaster_host=HOST"),
    ("another version", replace(SEEN, repository=OTHERS), {}, "pg1", "Postgres 15, as in the backups"),
    ("no room", replace(SEEN, looks=dict.fromkeys(NAMES, replace(LOOK, free_bytes=1 << 28))), {}, "pg1", "make room"),
    ("no word", SEEN, {"confirm": ""}, "disaster_recovery", "-e disaster_confirm=orders"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "typed", "host", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_refused(seen: Seen, typed: dict[str, Any], host: str, said: str) -> None:
    plan = plan_disaster(seen, replace(ASKED, **typed))
    assert (plan["action"], plan["acts"], plan["refusals"][0]["host"]) == ("refuse", False, host)
    assert said in plan["refusals"][0]["line"]


def test_a_restore_leaves_a_disaster_recovery_alone() -> None:
    look = replace(LOOK, installed=True, note={**NOTE, "phase": "promoted"})
    plan = plan_restore(replace(RUNS, looks=dict.fromkeys(NAMES, look)), replace(ASKED, kind="latest"))
    assert "disaster_recovery.yml" in plan["refusals"][0]["line"]
