"""How a host comes back: one test a row of the table, and the order in which it is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.reseed import AUTO, Policy
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rejoin import (
    Files,
    Plan,
    Seen,
    needing,
    plan_rejoin,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rejoin_run import Outcome, Rejoin

from tests.unit.plugins.module_utils._recovery.calls import Hosts
from tests.unit.plugins.module_utils._recovery.estates import (
    BALANCERS,
    DATABASES,
    balancer,
    empty,
    fenced,
    orphan,
    out,
    primary,
    silent,
    standby,
    stopped,
)

FORK = "0/5000000"
NEW = primary("pg2", timeline=2)
PG3 = standby("pg3", "pg2", timeline=2)
ITS = Files("in production", 2, "0/5000028", rewindable=True, left=((1, FORK),), free_bytes=1 << 40, data_bytes=1 << 30)
CRASHED = Files("in production", 1, "0/4000028", rewindable=True, free_bytes=1 << 40, data_bytes=1 << 30)
MAINT = (balancer("lb1", writes="pg2", maint=("pg1",)), balancer("lb2", writes="pg2", maint=("pg1",)))
ALL_IN = (balancer("lb1", writes="pg2"), balancer("lb2", writes="pg2"))
FENCED = fenced("pg1", timeline=1)
DOWN = stopped("pg1", "shut down", timeline=1)
STANDBY_DOWN = stopped("pg1", timeline=1)


def files(**changes: Any) -> Files:
    """What lies on pg1, a crashed primary's unless said otherwise."""
    return Files(**{**{key: getattr(CRASHED, key) for key in CRASHED.__dataclass_fields__}, **changes})


CLEAN = files(state="shut down", checkpoint_lsn="0/4FFFF88")
HALF = files(state="shut down in recovery", standby=True, end_lsn=FORK)


def plan(
    node: dict[str, Any] = FENCED,
    mine: Files | None = CRASHED,
    *,
    new: dict[str, Any] = NEW,
    its: Files | None = ITS,
    host: str = "pg1",
    lost: tuple[str, ...] = (),
    balancers: tuple[dict[str, Any], ...] = MAINT,
    discard: bool = False,
    policy: Policy = AUTO,
    backups: dict[str, Any] | None = None,
) -> Plan:
    """The decision about pg1 unless another is named; pg2 is primary on timeline 2, pg3 follows it."""
    nodes = nodes_from((node, new, PG3), DATABASES)
    looked = {"pg1": mine, "pg2": its}
    seen = Seen(nodes, balancers_from(balancers, BALANCERS), looked, frozenset(lost), discard, policy, backups or {})
    return plan_rejoin(seen, host)


REFUSALS = [
    ("no such host", {"host": "pg9"}, "pg9: observed not a database host; expected pg1, pg2, pg3."),
    ("two primaries", {"node": primary("pg1", timeline=2)}, "pg1: observed writable primary on timeline 2;"),
    ("no primary", {"new": orphan("pg2", timeline=2)}, "cluster: observed no writable primary;"),
    ("silent", {"node": silent("pg1")}, "pg1: observed no answer on port 22 within 1 s;"),
    ("no look", {"mine": None}, "pg1: observed its files could not be looked at;"),
    ("no look at the primary", {"its": None}, "pg2: observed its files could not be looked at;"),
    ("out", {"node": out("pg1")}, "pg1: observed out for maintenance"),
    ("foreign", {"node": stopped("pg1", data_state="foreign")}, "pg1: observed files of something else"),
    ("other system", {"node": stopped("pg1", system_identifier="7002")}, "pg1: observed data of system 7002;"),
    ("ahead", {"node": stopped("pg1", timeline=3)}, "pg1: observed timeline 3; expected at most 2"),
    (
        "no room",
        {"mine": files(rewindable=False, free_bytes=1 << 29)},
        "pg1: observed 512 MiB free; expected 1126 MiB for a copy beside the present data. Next: make room on pg1, "
        "then ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg1; or, when nobody needs that data any more: "
        "ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg1 -e rejoin_old_data=discard",
    ),
    (
        "no room, and its files cannot be read",
        {"mine": files(interrupted="its control file cannot be read", free_bytes=1 << 29)},
        "pg1: observed 512 MiB free; expected 1126 MiB for a copy beside the present data.",
    ),
    (
        "no room even in its place",
        {
            "mine": files(
                interrupted="a rewind of it was interrupted", useless=True, free_bytes=1 << 20, data_bytes=1 << 29
            )
        },
        "pg1: observed 513 MiB free without the present data; expected 1126 MiB for a copy. Next: make room on pg1, ",
    ),
]


@pytest.mark.parametrize(("given", "line"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_it_refuses_and_names_host_observed_expected_and_next(given: dict[str, Any], line: str) -> None:
    """Every row that refuses."""
    decided = plan(**given)
    lines = [one.line for one in decided.refusals]
    assert decided.action == "refuse"
    assert not decided.acts
    assert any(one.startswith(line) and "Next: " in one for one in lines), lines


LADDER = [
    ("the primary", {"host": "pg2"}, "none", "pg2 is the primary"),
    ("streams", {"node": standby("pg1", "pg2", timeline=2), "balancers": ALL_IN}, "none", "pg1 streams from pg2"),
    ("left over", {"node": standby("pg1", "pg2", timeline=2)}, "finish", "something is left of its absence"),
    ("no data", {"node": empty("pg1"), "mine": Files()}, "basebackup", "it has no data"),
    (
        "interrupted",
        {"mine": files(interrupted="a rewind of it was interrupted")},
        "basebackup",
        "a rewind of it was interrupted: its data",
    ),
    ("a standby, stopped", {"node": STANDBY_DOWN, "mine": HALF}, "follow", "nothing that the primary does not have"),
    ("a standby, runs", {"node": orphan("pg1", timeline=1)}, "follow", "nothing that the primary does not have"),
    ("stopped cleanly before", {"node": DOWN, "mine": CLEAN}, "follow", "it stopped cleanly, and all it wrote"),
    (
        "slot lost",
        {"node": STANDBY_DOWN, "mine": HALF, "lost": ("pg1",)},
        "basebackup",
        "pg2 has no WAL any more from where it stopped",
    ),
    (
        "WAL gone",
        {
            "node": STANDBY_DOWN,
            "mine": HALF,
            "its": Files("in production", 2, oldest_lsn="0/6000000", left=((1, FORK),)),
        },
        "basebackup",
        "pg2 has no WAL any more from where it stopped",
    ),
    (
        "WAL there",
        {"node": STANDBY_DOWN, "mine": HALF, "its": Files("in production", 2, oldest_lsn=FORK, left=((1, FORK),))},
        "follow",
        "nothing that the primary does not have",
    ),
    ("no hints", {"mine": files(rewindable=False)}, "basebackup", "neither data_checksums nor wal_log_hints"),
    (
        "nothing in common",
        {"mine": files(timeline=2, left=((1, "0/4000000"),)), "its": files(timeline=2, left=((7, FORK),))},
        "basebackup",
        "no timeline in common",
    ),
    (
        "twice the same number",
        {"node": fenced("pg1", timeline=2), "mine": files(timeline=2, left=((1, "0/4000000"),))},
        "basebackup",
        "it was itself a primary on timeline 2",
    ),
    ("crashed", {}, "rewind", "it may have WAL that the primary never had: they part at 0/5000000 on timeline 1"),
    (
        "stopped cleanly beyond",
        {"node": DOWN, "mine": files(state="shut down", checkpoint_lsn="0/5000028")},
        "rewind",
        "it went on: they part at 0/5000000",
    ),
    (
        "a standby beyond",
        {"node": STANDBY_DOWN, "mine": files(state="shut down in recovery", standby=True, end_lsn="0/5000060")},
        "rewind",
        "it went on: they part at",
    ),
    (
        "a restored backup, though the primary has no WAL for it",
        {
            "node": STANDBY_DOWN,
            "mine": files(state="in production", standby=True, end_lsn="0/4000028", restored="X"),
            "its": Files("in production", 2, oldest_lsn="0/6000000", left=((1, FORK),)),
            "lost": ("pg1",),
        },
        "follow",
        "it is backup X, restored: the archive has the WAL that it lacks",
    ),
    (
        "a restored backup of a later timeline, which comes without its history",
        {
            "node": stopped("pg1", timeline=2),
            "mine": files(timeline=2, standby=True, end_lsn="0/5000060", restored="X"),
        },
        "follow",
        "it is backup X, restored",
    ),
    (
        "a restored backup that led nowhere",
        {
            "node": STANDBY_DOWN,
            "mine": files(standby=True, restored="X", interrupted="no WAL", useless=True, tried="X"),
        },
        "basebackup",
        "no WAL: its data is of no use",
    ),
    ("writable on the old timeline", {"node": primary("pg1")}, "rewind", "it may have WAL that the primary never had"),
]


@pytest.mark.parametrize(("given", "action", "why"), [row[1:] for row in LADDER], ids=[row[0] for row in LADDER])
def test_the_cheapest_safe_step_is_taken(given: dict[str, Any], action: str, why: str) -> None:
    """Every row of the ladder, with its reason."""
    decided = plan(**given)
    assert (decided.action, why in f"{decided.headline} {decided.why}") == (action, True), (decided.why, decided.lines)


def test_what_only_it_has_is_saved_from_where_they_part() -> None:
    """Before a rewind, and before a copy takes the place of its data."""
    assert plan().save_from == {"timeline": 1, "lsn": FORK}
    copied = plan(mine=files(rewindable=False))
    assert (copied.save_from, copied.set_aside) == ({"timeline": 1, "lsn": FORK}, True)
    assert plan(DOWN, CLEAN).save_from is None


@pytest.mark.parametrize(
    ("mine", "given_up", "kept", "removed"),
    [
        (files(rewindable=False), False, True, False),
        (files(rewindable=False), True, True, False),
        (files(rewindable=False, free_bytes=1 << 29), True, False, True),
        (files(interrupted="a rewind of it was interrupted"), False, True, False),
        (files(interrupted="a rewind of it was interrupted", useless=True, free_bytes=1 << 29), False, False, True),
    ],
    ids=["room", "room, given up", "no room, given up", "of no use, room", "of no use, no room"],
)
def test_old_data_is_kept_where_there_is_room(mine: Files, given_up: bool, kept: bool, removed: bool) -> None:
    """Removed is only what is of no use, or what a person gave up; an interrupted rewind must not be a dead end."""
    made = plan(mine=mine, discard=given_up)
    assert (made.action, made.set_aside, made.discard) == ("basebackup", kept, removed), made
    asked = Hosts(VALUES)
    run(asked, made)
    assert ("rejoin_discard" in asked.asked) is removed


@pytest.mark.parametrize(
    ("node", "mine", "first"),
    [(primary("pg1"), CRASHED, True), (orphan("pg1", timeline=1), HALF, False), (FENCED, CRASHED, False)],
)
def test_a_writable_one_is_stopped_first(node: dict[str, Any], mine: Files, first: bool) -> None:
    """Its commits are nobody's any more; one that only has to be turned goes on running."""
    assert plan(node, mine).fence_first is first


def test_without_a_name_all_that_need_it_come_back() -> None:
    """Not the primary, not one that streams, not one that somebody took out, not one that is silent."""
    nodes = nodes_from((FENCED, NEW, PG3), DATABASES)
    assert needing(nodes, balancers_from(MAINT, BALANCERS)) == ("pg1",)
    assert needing(nodes_from((out("pg1"), NEW, PG3), DATABASES), balancers_from(MAINT, BALANCERS)) == ()
    assert needing(nodes_from((silent("pg1"), NEW, PG3), DATABASES), balancers_from(MAINT, BALANCERS)) == ()


def test_without_a_name_one_standby_ends_what_a_failover_switched_off() -> None:
    """Everything streams, and commits still wait for nobody."""
    degraded = nodes_from((standby("pg1", "pg2", timeline=2), {**NEW, "sync_degraded": True}, PG3), DATABASES)
    assert needing(degraded, balancers_from(ALL_IN, BALANCERS)) == ("pg1",)
    whole = nodes_from((standby("pg1", "pg2", timeline=2), NEW, PG3), DATABASES)
    assert needing(whole, balancers_from(ALL_IN, BALANCERS)) == ()


VALUES: dict[str, dict[str, Any]] = {
    "rejoin_seed": {"finished": True, "aside": "/var/lib/postgresql/17/main.before-x"},
    "client_check": {"server_address": "192.0.2.22", "changed": False},
}
END = ["drain_enter", "client_check"]


def run(hosts: Hosts, decided: Plan) -> Outcome:
    """Carry it out."""
    addresses = {"pg1": "192.0.2.21", "pg2": "192.0.2.22"}
    options: dict[str, Any] = {"vip": "192.0.2.100/24", "port": 5000, "by": "anna", "stanza": "orders"}
    return Rejoin(hosts, decided.as_dict(), addresses, **options).run()


@pytest.mark.parametrize(
    ("decided", "asked"),
    [
        (plan(), ["rejoin_hold", "rejoin_save", "rejoin_slot", "rejoin_rewind", "rejoin_start", *END]),
        (plan(DOWN, CLEAN), ["rejoin_slot", "rejoin_start", *END]),
        (plan(empty("pg1"), Files()), ["rejoin_hold", "rejoin_slot", "rejoin_seed", "rejoin_start", *END]),
        (plan(standby("pg1", "pg2", timeline=2)), ["rejoin_lift", *END]),
        (
            plan(DOWN, CLEAN, new=primary("pg2", timeline=2, sync_degraded=True)),
            ["rejoin_slot", "rejoin_start", "rejoin_synchronous", *END],
        ),
    ],
    ids=["rewind", "follow", "basebackup", "finish", "synchronous"],
)
def test_the_order_of_each_way(decided: Plan, asked: list[str]) -> None:
    """Nothing can start it before its data is a standby's; commits wait for it only when it streams; traffic last."""
    hosts = Hosts(VALUES)
    outcome = run(hosts, decided)
    assert hosts.asked == asked
    assert (outcome.problems, outcome.changed) == ([], True)


@pytest.mark.parametrize("fails", ["rejoin_hold", "rejoin_save", "rejoin_slot", "rejoin_rewind", "rejoin_start"])
def test_after_a_failure_nothing_more_is_done(fails: str) -> None:
    """Above all, what could not be saved is not rewound; and the next command is named."""
    hosts = Hosts(VALUES, fails)
    outcome = run(hosts, plan())
    assert hosts.asked[-1] == fails
    assert outcome.problems[0].startswith("pg1: " if fails != "rejoin_slot" else "pg2: ")
    assert outcome.problems[0].endswith("Next: ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg1")


def test_what_was_lost_is_named_by_tables() -> None:
    """File numbers say nothing to a person; a primary that does not know them stops nothing."""
    saved = {"transactions": [{"xid": 748, "relations": ["1663/5/16385"]}]}
    known = {"rejoin_save": saved, "rejoin_names": {"tables": {"1663/5/16385": "orders: public.orders"}}}
    outcome = run(Hosts({**VALUES, **known}), plan())
    assert outcome.saved is not None
    assert outcome.saved["transactions"][0]["tables"] == ["orders: public.orders"]
    deaf = run(Hosts({**VALUES, "rejoin_save": dict(saved)}, "rejoin_names"), plan())
    assert deaf.problems == []


BACKUP = {
    "label": "X", "type": "full", "repository": 2, "started_at": 1000, "ended_at": 1010, "faulty": False,
    "database_bytes": 30 << 30, "repository_bytes": 1, "wal_start": "000000010000000000000004",
    "wal_stop": "000000010000000000000004", "annotations": {}, "lsn_start": "0/4000028", "lsn_stop": "0/4000100",
    "system_identifier": NEW["system_identifier"],
}  # fmt: skip
THERE = {"pg1": {"installed": True, "error": "", "backups": [BACKUP]}}
ON = Policy(on=True)
GONE = files(interrupted="a rewind of it was interrupted", useless=True)
COPIES = [
    ("not asked yet", {"policy": ON}, "basebackup", "it has no data", True),
    ("the primary is wanted", {"policy": Policy(True, "basebackup")}, "basebackup", "was asked for", False),
    ("a backup", {"policy": ON, "backups": THERE}, "restore", "it has no data; backup X, which ended", False),
    ("none", {"policy": ON, "backups": {"pg1": {"error": "no answer"}}}, "basebackup", "looked at (no answer)", False),
    ("off", {}, "basebackup", "it has no data", False),
    ("tried", {"policy": ON, "backups": THERE, "mine": Files(tried="X")}, "basebackup", "backup X was restored", False),
]


@pytest.mark.parametrize(("given", "action", "why", "ask"), [row[1:] for row in COPIES], ids=[row[0] for row in COPIES])
def test_a_copy_comes_out_of_the_backups_where_they_suit(
    given: dict[str, Any], action: str, why: str, ask: bool
) -> None:
    """And nobody is asked for backups before a copy is due."""
    made = plan(empty("pg1"), **{"mine": Files(), **given})
    assert (made.action, made.ask_backups, why in made.why) == (action, ask, True), made
    assert plan(policy=ON).ask_backups is False


def test_a_backup_that_is_wanted_and_does_not_suit_is_refused() -> None:
    """It names why, and the way without it."""
    made = plan(empty("pg1"), Files(), policy=Policy(True, "backup"), backups={"pg1": {"error": "no answer"}})
    assert made.action == "refuse"
    assert made.refusals[0].line.endswith("rejoin.yml -e rejoin_host=pg1 -e rejoin_copy=basebackup")


@pytest.mark.parametrize(
    ("mine", "given_up", "kept", "reused"),
    [
        (files(rewindable=False), False, True, False),
        (files(rewindable=False), True, False, True),
        (files(rewindable=False, free_bytes=1 << 29), True, False, True),
        (replace(GONE, free_bytes=1 << 29), False, False, True),
    ],
    ids=["room", "room, given up", "no room, given up", "of no use, no room"],
)
def test_what_is_given_up_is_used_again_by_a_restore(mine: Files, given_up: bool, kept: bool, reused: bool) -> None:
    """Only what differs from the backup is fetched; without a person's word, data is kept as before a copy."""
    made = plan(mine=mine, discard=given_up, policy=ON, backups=THERE)
    assert (made.action, made.set_aside, made.discard) == ("restore", kept, reused), made
    asked = Hosts(RESTORED)
    run(asked, made)
    assert asked.args["reseed_restore"]["old"] == ("reuse" if reused else "aside")
    assert "rejoin_discard" not in asked.asked
    assert any("is given up; what is the same" in line for line in made.as_dict()["lines"]) is reused


RESTORED: dict[str, dict[str, Any]] = {
    **VALUES,
    "reseed_restore": {"finished": True, "percent": 100.0, "aside": "/kept"},
    "rejoin_start": {"finished": True, "position": "", "still_s": 0.0},
}
RESTORE = plan(empty("pg1"), Files(), policy=ON, backups=THERE)


def test_a_backup_is_restored_and_catches_up() -> None:
    """The primary serves no copy; the slot is there before the restore begins."""
    hosts = Hosts(RESTORED)
    outcome = run(hosts, RESTORE)
    assert hosts.asked == ["rejoin_hold", "rejoin_slot", "reseed_restore", "rejoin_start", *END]
    assert hosts.args["reseed_restore"] == {
        "stanza": "orders", "label": "X", "repository": 2, "wait": 15, "begin": True, "old": "aside",
    }  # fmt: skip
    assert hosts.args["rejoin_start"]["timeout"] == 120
    assert (outcome.problems, outcome.aside, outcome.fell_back) == ([], "/kept", "")


BROKEN = {**RESTORED, "reseed_restore": {"finished": True, "failed": "it broke", "percent": 0.0, "aside": ""}}


def test_a_backup_that_cannot_be_restored_gives_way_to_a_copy() -> None:
    """By itself, and it says so; unless a person wanted the backup and nothing else."""
    hosts = Hosts(BROKEN)
    outcome = run(hosts, RESTORE)
    assert hosts.asked == ["rejoin_hold", "rejoin_slot", "reseed_restore", "rejoin_seed", "rejoin_start", *END]
    assert (outcome.problems, outcome.fell_back) == ([], "pg1: Restore backup X: it broke")
    assert (outcome.steps[2]["result"], outcome.steps[2]["detail"]) == ("failed", "it broke")
    forced = Hosts(BROKEN)
    wanted = plan(empty("pg1"), Files(), policy=Policy(True, "backup"), backups=THERE)
    assert run(forced, wanted).problems[0].startswith("pg1: Restore backup X: it broke")
    assert forced.asked[-1] == "reseed_restore"


def test_a_host_that_falls_silent_is_not_copied_to_instead() -> None:
    """Its restore goes on there, and the next run waits for it."""
    hosts = Hosts(RESTORED, "reseed_restore")
    outcome = run(hosts, RESTORE)
    assert hosts.asked[-1] == "reseed_restore"
    assert outcome.problems[0].endswith("Next: ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg1")


class Slow(Hosts):
    """A host that needs some more looks until a restore, and then a replay, has ended."""

    looks = 0

    def call_all(self, questions: Any, timeout: float = 5.0) -> Any:
        """Every third look finds the end."""
        self.looks += 1
        more = {"finished": self.looks % 3 == 0, "percent": 41.0, "aside": "", "position": "0/4", "still_s": 1.5}
        self.values = {**VALUES, "reseed_restore": more, "rejoin_start": {**more, "changed": self.looks % 3 != 0}}
        return super().call_all(questions, timeout)


def test_a_long_restore_is_told_of_and_is_one_step_in_the_end() -> None:
    """What is asked again goes on from what was answered; the record has one step, and that it changed something."""
    said: list[str] = []
    hosts = Slow(VALUES)
    hosts.looks = -2
    addresses = {"pg1": "192.0.2.21", "pg2": "192.0.2.22"}
    work = Rejoin(hosts, RESTORE.as_dict(), addresses, vip="192.0.2.100/24", port=5000, by="anna", stanza="orders",
                  say=said.append)  # fmt: skip
    outcome = work.run()
    assert hosts.asked[2:8] == ["reseed_restore"] * 3 + ["rejoin_start"] * 3
    assert (hosts.args["rejoin_start"]["position"], hosts.args["rejoin_start"]["still_s"]) == ("0/4", 1.5)
    assert "pg1: 41 % of backup X restored" in said
    assert "pg1: replays WAL, it is at 0/4" in said
    assert [(one["name"], one["result"]) for one in outcome.steps[2:4]] == [
        ("Restore backup X", "changed"),
        ("Start it as a standby, and see it stream", "changed"),
    ]
