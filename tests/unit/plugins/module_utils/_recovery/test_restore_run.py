"""The order of a restore, what a rerun leaves out, and what is said when a step fails."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_run import Outcome, Restore

from tests.unit.plugins.module_utils._recovery.calls import Hosts

NOTE: dict[str, Any] = {
    "id": "20260301T020000Z", "undo": False, "target": {"kind": "latest"}, "stanza": "orders", "repository": 1,
    "label": "B", "timeline": 1, "host": "pg1", "old_primary": "pg1", "aside": "/data.before", "discard": False,
    "phase": "begun", "end_lsn": "",
}  # fmt: skip
PLAN: dict[str, Any] = {
    "action": "restore", "host": "pg1", "rest": ["pg2", "pg3"], "live": "pg1", "out": [], "note": NOTE,
    "load_balancers": ["lb1", "lb2"], "repository_host": "backup1",
}  # fmt: skip
REACHED = {"state": "reached", "words": "recovery is at 0/5000148", "stopped": "", "lsn": "0/5000148", "commit_at": ""}


def values(note: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the hosts answer."""
    return {
        "restore_note": {"note": note},
        "restore_archive": {"lsn": "0/5000148"},
        "restore_aside": {"aside": "/data.before"},
        "restore_files": {"finished": True, "percent": 100.0},
        "restore_recover": REACHED,
        "restore_promote": {"timeline": 2},
        "restore_backup": {"finished": True, "label": "C", "message": ""},
        "client_check": {"server_address": "192.0.2.21"},
        **changes,
    }


def run(hosts: Hosts, **changes: Any) -> Outcome:
    """One run."""
    plan = {**PLAN, **changes}
    return Restore(hosts, plan, {"pg1": "192.0.2.21"}, vip="192.0.2.100/24", port=5000, by="anna").run()


AFTER = ["restore_recover", "restore_promote", "restore_files", "restore_follow", "rejoin_synchronous",
         "restore_backup", "drain_enter", "drain_enter", "drain_enter", "client_check", "restore_finish"]  # fmt: skip
FIRST = ["restore_note", "haproxy_server"]
ORDER = [
    ("all", {}, {}, [*FIRST, "restore_archive", "rejoin_hold", "restore_aside", "restore_files", *AFTER]),
    ("no primary runs", {}, {"live": ""}, [*FIRST, "rejoin_hold", "restore_aside", "restore_files", *AFTER]),
    ("the old data was moved", {"phase": "aside"}, {}, [*FIRST, "restore_aside", "restore_files", *AFTER]),
    ("it recovered", {"phase": "recovering"}, {}, [*FIRST, *AFTER]),
    ("it was promoted", {"phase": "promoted"}, {}, [*FIRST, *AFTER]),
    ("nothing is kept", {"aside": ""}, {}, [*FIRST, "restore_archive", "rejoin_hold", "restore_files", *AFTER]),
    ("the way back", {"undo": True, "back": "/data.before"}, {}, [*FIRST, "rejoin_hold", "restore_aside", *AFTER]),
    ("alone", {}, {"rest": []}, [*FIRST, "restore_archive", "rejoin_hold", "restore_aside", "restore_files",
     "restore_recover", "restore_promote", "restore_backup", "drain_enter", "client_check", "restore_finish"]),
]  # fmt: skip


@pytest.mark.parametrize(("note", "plan", "asked"), [row[1:] for row in ORDER], ids=[row[0] for row in ORDER])
def test_the_order(note: dict[str, Any], plan: dict[str, Any], asked: list[str]) -> None:
    hosts = Hosts(values({**NOTE, **note}))
    outcome = run(hosts, **plan)
    assert hosts.asked == asked
    assert outcome.problems == []
    assert (outcome.timeline, outcome.backup, outcome.proof["state"]) == (2, "C", "reached")


def test_the_old_primary_s_data_is_kept_wherever_it_is_restored() -> None:
    hosts = Hosts(values({**NOTE, "old_primary": "pg2"}))
    run(hosts)
    assert hosts.asked.count("restore_aside") == 2


def test_what_was_not_reached_is_not_promoted() -> None:
    hosts = Hosts(values(NOTE, restore_recover={**REACHED, "state": "missed", "words": "it stopped before the target"}))
    outcome = run(hosts)
    assert hosts.asked[-1] == "restore_recover"
    assert "it stopped before the target; it was not promoted" in outcome.problems[0]
    assert "restore_undo=true goes back" in outcome.problems[0]


@pytest.mark.parametrize(
    "call", [call for call in dict.fromkeys([*FIRST, "restore_archive", "rejoin_hold", "restore_aside", *AFTER])]
)
def test_a_step_that_fails_is_the_last_one(call: str) -> None:
    hosts = Hosts(values(NOTE), call)
    outcome = run(hosts)
    assert hosts.asked[-1] == call
    assert "it broke" in outcome.problems[0]
    assert "Next: put that right, then ansible-playbook playbooks/restore.yml goes on" in outcome.problems[0]


def test_what_is_under_way_is_asked_again_without_beginning_anew() -> None:
    class Slow(Hosts):
        """The files take three looks."""

        begins: ClassVar[list[bool]] = []

        def call_all(self, questions: Any, timeout: float = 5.0) -> Any:
            found = super().call_all(questions, timeout)
            if "restore_files" in questions.get("pg1", {}):
                self.begins.append(questions["pg1"]["restore_files"]["begin"])
                done = len(self.begins) == 3
                found["pg1"]["restore_files"].value.update(finished=done, percent=33.0 * len(self.begins))
            return found

    hosts = Slow(values(NOTE))
    outcome = run(hosts)
    assert hosts.begins == [True, False, False]
    assert [step["name"] for step in outcome.steps if step["host"] == "pg1"].count("Restore backup B") == 1
