"""How a whole cluster goes back, or why it does not, row by row."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import parse_target
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore import plan_restore
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_seen import Asked, Look, Seen

from tests.unit.plugins.module_utils._recovery.estates import balancer, gone_balancer, out, primary, silent, standby

DATA = "/var/lib/postgresql/17/main"
SYSTEM = primary()["system_identifier"]
ENDED = 1772330000  # 2026-03-01 01:53:20 UTC
INFO = {
    "name": "orders",
    "status": {"code": 0, "message": "ok"},
    "repo": [{"cipher": "aes-256-cbc", "key": 1, "status": {"code": 0, "message": "ok"}}],
    "db": [{"id": 1, "repo-key": 1, "system-id": int(SYSTEM), "version": "17"}],
    "backup": [
        {
            "label": "B",
            "type": "full",
            "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000002"},
            "lsn": {"start": "0/2000028", "stop": "0/2000100"},
            "timestamp": {"start": ENDED - 5, "stop": ENDED},
            "info": {"size": 1 << 30},
            "database": {"id": 1, "repo-key": 1},
        }
    ],
}
REPOSITORY = {
    "info": json.dumps([INFO]),
    "runs": [{"timeline": 1, "first": 1, "last": 5, "last_at": ENDED + 300}],
    "histories": {},
}
LOOK = Look(20 << 30, 2 << 30, False, DATA, {}, True)
SEEN = Seen(
    nodes_from([primary(timeline=1), standby("pg2", timeline=1), standby("pg3", timeline=1)]),
    balancers_from([balancer("lb1"), balancer("lb2")]),
    {"pg1": LOOK, "pg2": LOOK, "pg3": LOOK},
    "backup1",
    REPOSITORY,
)
ASKED = Asked("orders", "orders", ENDED + 400.0, "20260301T020000Z", "time", "2026-03-01 01:55Z", confirm="orders")
TARGET = asdict(parse_target("time", "2026-03-01 01:55Z"))
NOTE = {"id": "20260301T010000Z", "undo": False, "target": TARGET, "stanza": "orders", "repository": 1, "label": "B",
        "timeline": 1, "host": "pg1", "old_primary": "pg1", "aside": f"{DATA}.before-restore-20260301T010000Z",
        "discard": False, "phase": "aside", "ended_at": "2026-03-01T01:30:00Z"}  # fmt: skip


def noted(**changes: Any) -> Seen:
    """Every host has the note of an earlier restore."""
    look = replace(LOOK, note={**NOTE, **changes})
    return replace(SEEN, looks=dict.fromkeys(SEEN.looks, look))


def looks(**changes: Any) -> Seen:
    """Every database host is like that."""
    return replace(SEEN, looks=dict.fromkeys(SEEN.looks, replace(LOOK, **changes)))


TWO = replace(SEEN, nodes=nodes_from([primary(timeline=1), primary("pg2", timeline=1), standby("pg3", timeline=1)]))
NO_PRIMARY = replace(SEEN, nodes=nodes_from([standby("pg2", timeline=1, received="0/3000000"),
    standby("pg3", timeline=1, received="0/5000000")]), looks={"pg2": LOOK, "pg3": LOOK})  # fmt: skip
DEAD = replace(SEEN, nodes=nodes_from([primary(timeline=1), standby("pg2", timeline=1), silent("pg3")]),
    looks={"pg1": LOOK, "pg2": LOOK, "pg3": None})  # fmt: skip
ACTS = [
    ("a target", SEEN, {}, "restore", "pg1", ["pg2", "pg3"]),
    ("another host", SEEN, {"host": "pg2"}, "restore", "pg2", ["pg1", "pg3"]),
    ("no primary: the one that has most", NO_PRIMARY, {}, "restore", "pg3", ["pg2"]),
    ("two primaries, and a host by name", TWO, {"host": "pg2"}, "restore", "pg2", ["pg1", "pg3"]),
    ("one left out by name", DEAD, {"without": ("pg3",)}, "restore", "pg1", ["pg2"]),
    ("no room, the old data given up", looks(free_bytes=1 << 28), {"discard": True}, "restore", "pg1", ["pg2", "pg3"]),
    ("the same is under way", noted(), {}, "restore", "pg1", ["pg2", "pg3"]),
    ("one is under way, nothing typed", noted(), {"kind": "", "value": ""}, "restore", "pg1", ["pg2", "pg3"]),
    ("the same again, by word", noted(phase="done"), {"again": True}, "restore", "pg1", ["pg2", "pg3"]),
    (
        "another one after the end",
        noted(phase="done"),
        {"kind": "latest", "value": ""},
        "restore",
        "pg1",
        ["pg2", "pg3"],
    ),
    ("the way back", noted(phase="done"), {"undo": True, "kind": "", "value": ""}, "undo", "pg1", ["pg2", "pg3"]),
    ("the way back half way", noted(), {"undo": True, "kind": "", "value": ""}, "undo", "pg1", ["pg2", "pg3"]),
    ("the way back is under way", noted(undo=True), {"kind": "", "value": ""}, "undo", "pg1", ["pg2", "pg3"]),
    ("a dry run needs no word", SEEN, {"confirm": "", "dry": True}, "restore", "pg1", ["pg2", "pg3"]),
]


@pytest.mark.parametrize(
    ("seen", "typed", "action", "host", "rest"), [row[1:] for row in ACTS], ids=[row[0] for row in ACTS]
)
def test_what_is_done(seen: Seen, typed: dict[str, Any], action: str, host: str, rest: list[str]) -> None:
    plan = plan_restore(seen, replace(ASKED, **typed))
    assert plan["acts"], plan["lines"]
    assert (plan["action"], plan["host"], plan["rest"]) == (action, host, rest)


NOTHING = [
    ("done already", noted(phase="done"), {}),
    ("gone back already", noted(phase="undone", undo=True), {"undo": True}),
]


@pytest.mark.parametrize(("seen", "typed"), [row[1:] for row in NOTHING], ids=[row[0] for row in NOTHING])
def test_what_changes_nothing(seen: Seen, typed: dict[str, Any]) -> None:
    plan = plan_restore(seen, replace(ASKED, **typed))
    assert (plan["action"], plan["acts"]) == ("none", False)


AWAY = replace(SEEN, nodes=nodes_from([primary(timeline=1), standby("pg2", timeline=1), out("pg3")]))
OTHERS = {**REPOSITORY, "info": json.dumps([{**INFO, "db": [{"id": 1, "repo-key": 1, "system-id": 7}]}])}
REFUSED = [
    ("a host is silent", DEAD, {}, "pg3", "leave it out: -e restore_without=pg3"),
    ("a load balancer is silent", replace(SEEN, balancers=balancers_from([balancer("lb1"), gone_balancer("lb2")])), {},
     "lb2", "clients are cut off there"),
    ("the repository is silent", replace(SEEN, repository=None, repository_error="no way"), {}, "backup1", "no way"),
    ("one is in maintenance", AWAY, {}, "pg3", "in service"),
    ("no pgBackRest", looks(installed=False), {}, "pg1", "site.yml"),
    ("a note that cannot be read", looks(note={"phase": "unreadable"}), {}, "pg1", "cannot be read"),
    ("nothing to go back to", SEEN, {"undo": True}, "restore", "no restore"),
    ("nothing was kept", noted(phase="done", aside="", discard=True), {"undo": True}, "restore", "kept no data aside"),
    ("another one is under way", noted(), {"kind": "latest", "value": ""}, "pg1", "is not complete"),
    ("no target", SEEN, {"kind": "", "value": ""}, "restore", "no target"),
    ("a time without a zone", SEEN, {"value": "2026-03-01 01:55"}, "restore", "without a zone"),
    ("a malformed time", SEEN, {"value": "five to two"}, "restore", "the time 'five to two'"),
    ("two primaries", TWO, {}, "pg1", "a writable primary on timeline 1"),
    ("a host that is none", SEEN, {"host": "pg9"}, "pg9", "not a database host"),
    ("another cluster's backups", replace(SEEN, repository=OTHERS), {}, "backup1", "backups of the system 7"),
    ("before the window", SEEN, {"value": "2026-03-01 01:50Z"}, "backup1", "no backup that ended before it"),
    ("behind the window", SEEN, {"value": "2026-03-02 01:50Z"}, "backup1", "in the future"),
    ("a label that nobody has", SEEN, {"kind": "", "value": "", "label": "X"}, "backup1", "which no backup has"),
    ("no room", looks(free_bytes=1 << 28), {}, "pg1", "restore_old_data=discard"),
    ("no room even so", looks(free_bytes=1 << 28, data_bytes=1 << 20), {"discard": True}, "pg1", "make room on pg1"),
    ("data that cannot be moved", looks(is_mount=True), {}, "pg1", "is a mount point"),
    ("no word", SEEN, {"confirm": ""}, "restore", "-e restore_confirm=orders"),
    ("the wrong word", SEEN, {"confirm": "yes"}, "restore", "restore_confirm='yes'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "typed", "host", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_refused(seen: Seen, typed: dict[str, Any], host: str, said: str) -> None:
    plan = plan_restore(seen, replace(ASKED, **typed))
    assert (plan["action"], plan["acts"], plan["refusals"][0]["host"]) == ("refuse", False, host)
    assert said in plan["refusals"][0]["line"]


def test_without_the_word_the_plan_is_shown() -> None:
    lines = plan_restore(SEEN, replace(ASKED, confirm=""))["lines"]
    assert any("possible targets: from 2026-03-01 01:53:20+00" in line for line in lines)
    assert any("lost: everything committed after it" in line for line in lines)
    assert any(f"is kept in {DATA}.before-restore-20260301T020000Z" in line for line in lines)


def test_the_way_back_keeps_what_is_there_and_needs_no_target() -> None:
    plan = plan_restore(noted(phase="done", archived_lsn="0/5000148"), replace(ASKED, undo=True, kind="", value=""))
    note = plan["note"]
    assert (note["back"], note["aside"]) == (NOTE["aside"], f"{DATA}.undone-20260301T020000Z")
    assert (note["target"]["kind"], note["end_lsn"], note["phase"]) == ("latest", "0/5000148", "begun")


def test_the_note_of_the_host_that_is_restored_counts() -> None:
    others = replace(LOOK, note={**NOTE, "phase": "begun", "archived_lsn": "0/5000148"})
    seen = replace(SEEN, looks={"pg1": replace(LOOK, note={**NOTE, "phase": "proven"}), "pg2": others, "pg3": others})
    note = plan_restore(seen, ASKED)["note"]
    assert (note["phase"], note["archived_lsn"]) == ("proven", "0/5000148")
