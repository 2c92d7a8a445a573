"""The order of a switchover, and what is taken back when a step fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover_run import Outcome, Switchover
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer

PLAN: dict[str, Any] = {
    "action": "switchover",
    "old": "pg1",
    "new": "pg2",
    "siblings": ["pg3"],
    "load_balancers": ["lb1", "lb2"],
    "pools": {"lb1": ["read_only", "read_write"], "lb2": ["read_only", "read_write"]},
    "paused": {},
    "start_old": True,
    "verify_from": "pg3",
    "shutdown_lsn": None,
}
VALUES: dict[str, dict[str, Any]] = {
    "hand_over_stop": {"shutdown_lsn": "0/6000028"},
    "hand_over_promote": {"timeline": 2},
    "client_check": {"server_address": "192.0.2.22"},
}
BEFORE = [
    "hand_over_prepare",
    "hand_over_checkpoint",
    "follow pg3 to pg2",
    "pgbouncer_pause read_only",
    "pgbouncer_pause read_write",
]
STOPPED = [*BEFORE, "hand_over_stop+turn_from_old"]
READY = [*STOPPED, "hand_over_demote+hand_over_caught_up"]
AFTER = ["hand_over_promote", "turn_to_new", "client_check+follow pg3 to pg2+follow pg1 to pg2"]
RESUMED = ["pgbouncer_resume read_write", "pgbouncer_resume read_only"]
RESTORED = [*RESUMED, "follow pg3 to pg1"]
RESTARTED = ["hand_over_undo", "turn_back", *RESTORED]


class Hosts:
    """Writes down what was asked of whom; ``fails`` names calls that do not work."""

    def __init__(self, *fails: str) -> None:
        self.fails = fails
        self.asked: list[str] = []
        self.args: dict[str, Mapping[str, Any]] = {}

    def call_all(self, questions: Mapping[str, Any], timeout: float = 5.0) -> dict[str, dict[str, Answer]]:
        words: list[str] = []
        answers: dict[str, dict[str, Answer]] = {}
        for host, calls in questions.items():
            for call, args in calls.items():
                word = " ".join([call, *([args["pool"]] if "pool" in args else [])])
                if call == "follow":
                    word = f"follow {host} to {args['primary_host']}"
                words += [word] if word not in words else []
                self.args[word] = args
                bad = word in self.fails
                answer = Answer(not bad, VALUES.get(call, {}), "it broke" if bad else "", 0.1)
                answers.setdefault(host, {})[call] = answer
        self.asked.append("+".join(words))
        return answers


def run(hosts: Hosts, **changes: Any) -> Outcome:
    """One run over an estate of two load balancers and three hosts."""
    addresses = {"pg1": "192.0.2.21", "pg2": "192.0.2.22", "pg3": "192.0.2.23"}
    return Switchover(hosts, {**PLAN, **changes}, addresses, vip="192.0.2.100", port=5432, by="anna").run()


def test_the_order() -> None:
    """The read-write pools are held last and go on as early as possible; the proof goes through the virtual IP."""
    hosts = Hosts()
    outcome = run(hosts)
    assert hosts.asked == [*READY, *AFTER]
    assert hosts.args["turn_to_new"] == {"old": "pg1", "new": "pg2", "pools": ["read_write", "read_only"]}
    assert hosts.args["hand_over_caught_up"]["shutdown_lsn"] == "0/6000028"
    assert (hosts.args["client_check"]["address"], hosts.args["client_check"]["port"]) == ("192.0.2.100", 5432)
    assert hosts.args["follow pg1 to pg2"]["release_slots"]
    assert (outcome.problems, outcome.promoted, outcome.timeline_after, outcome.changed) == ([], True, 2, True)
    assert outcome.held_s is not None
    assert outcome.verified == {"address": "192.0.2.100:5432", "server_address": "192.0.2.22"}
    assert all(step["result"] == "changed" for step in outcome.steps)


@pytest.mark.parametrize(
    ("fails", "asked"),
    [
        ("hand_over_prepare", BEFORE[:1]),
        ("hand_over_checkpoint", BEFORE[:2]),
        ("follow pg3 to pg2", [*BEFORE[:3], "follow pg3 to pg1"]),
        ("pgbouncer_pause read_only", [*BEFORE[:4], "pgbouncer_resume read_only", "follow pg3 to pg1"]),
        ("pgbouncer_pause read_write", [*BEFORE, *RESTORED]),
        ("hand_over_stop", [*STOPPED, *RESTARTED]),
        ("hand_over_demote", [*READY, *RESTARTED]),
        ("hand_over_caught_up", [*READY, *RESTARTED]),
        ("turn_from_old", [*STOPPED, *RESTARTED]),
    ],
)
def test_before_the_point_of_no_return_everything_is_taken_back(fails: str, asked: list[str]) -> None:
    """Newest first: the old primary runs before anybody's queries are let go."""
    hosts = Hosts(fails)
    outcome = run(hosts)
    assert hosts.asked == asked
    assert (outcome.promoted, outcome.restored) == (False, True)
    assert "it broke" in outcome.problems[0]


def test_what_cannot_be_taken_back_is_told_and_the_rest_is_tried() -> None:
    """The pools go on even when the old primary does not start."""
    hosts = Hosts("hand_over_caught_up", "hand_over_undo")
    outcome = run(hosts)
    assert hosts.asked == [*READY, *RESTARTED]
    assert not outcome.restored
    assert "Start the old primary again" in outcome.problems[1]


@pytest.mark.parametrize("fails", ["turn_to_new", "client_check", "follow pg3 to pg2+", "follow pg1 to pg2"])
def test_after_it_there_is_only_forward(fails: str) -> None:
    """A failure is told, and every later step is done all the same."""
    hosts = Hosts(fails)
    outcome = run(hosts)
    assert hosts.asked == [*READY, *AFTER]
    assert outcome.promoted
    assert bool(outcome.problems) == ("+" not in fails)


def test_a_promotion_that_gives_no_answer_is_not_undone() -> None:
    """It may have happened: starting the old primary again could make two."""
    hosts = Hosts("hand_over_promote")
    outcome = run(hosts)
    assert hosts.asked == [*READY, "hand_over_promote"]
    assert (outcome.promoted, outcome.restored) == (True, False)


def test_an_interrupted_run_goes_on() -> None:
    """From the shutdown position that the plan read from the old primary's control file."""
    hosts = Hosts()
    outcome = run(hosts, action="resume", shutdown_lsn="0/7000028", pools={})
    assert hosts.asked == ["hand_over_prepare+turn_from_old", READY[-1], *AFTER]
    assert hosts.args["hand_over_caught_up"]["shutdown_lsn"] == "0/7000028"
    assert outcome.problems == []


def test_what_is_left_is_completed() -> None:
    """Pools first, for clients wait there."""
    hosts = Hosts()
    outcome = run(hosts, action="complete", siblings=[], paused={"lb1": ["read_only", "read_write"]})
    assert hosts.asked == [*RESUMED, "follow pg1 to pg2+client_check"]
    assert outcome.changed
    assert not run(Hosts(), action="complete", siblings=[], paused={}, start_old=False).changed


def test_no_pooler() -> None:
    """Nothing is paused, the load balancers turn all the same."""
    hosts = Hosts()
    run(hosts, pools={})
    assert not any("pgbouncer" in word for word in hosts.asked)
    assert "turn_to_new" in hosts.asked
