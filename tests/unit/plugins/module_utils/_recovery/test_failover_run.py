"""The order of a failover, and that nothing is promoted behind a fence that is not proven."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.failover_run import Failover, result_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer

PLAN: dict[str, Any] = {
    "action": "failover",
    "candidate": "pg2",
    "fence_hosts": [],
    "fence_servers": ["pg1"],
    "admit_servers": [],
    "fence_load_balancers": ["lb1", "lb2"],
    "skipped_load_balancers": [],
    "follow": ["pg3"],
    "promote": True,
    "degrade_sync": False,
    "expect_timeline": 1,
    "expect_received_lsn": "0/5000000",
    "verify_from": "pg3",
}
MAINT = [{"backend": name, "server": "pg1", "state": "maint"} for name in ("postgresql_primary", "postgresql_replicas")]
FENCES = "lb1 haproxy_server maint+lb2 haproxy_server maint+pg3 follow"
REST = ["pg2 promote", "lb1 turn_to_promoted+lb2 turn_to_promoted", "pg3 follow+pg3 client_check"]


class Hosts:
    """Writes down what was asked of whom; ``fails`` names host and call that do not work."""

    def __init__(self, *fails: str, **values: Any) -> None:
        self.fails, self.values = fails, {"haproxy_server": {"servers": MAINT}, "fence": {"fenced": True}, **values}
        self.asked: list[str] = []
        self.args: dict[str, Mapping[str, Any]] = {}

    def call_all(self, questions: Mapping[str, Any], timeout: float = 5.0) -> dict[str, dict[str, Answer]]:
        words = []
        answers: dict[str, dict[str, Answer]] = {}
        for host, calls in questions.items():
            for call, args in calls.items():
                words.append(" ".join([host, call, *([args["state"]] if "state" in args else [])]))
                self.args[f"{host} {call}"] = args
                bad = f"{host} {call}" in self.fails
                value = None if bad else self.values.get(call, {})
                answers.setdefault(host, {})[call] = Answer(not bad, value, "it broke" if bad else "", 0.1)
        self.asked.append("+".join(words))
        return answers


def run(hosts: Hosts, **changes: Any) -> dict[str, dict[str, Any]]:
    """One run over an estate of two load balancers and three hosts."""
    addresses = {"pg1": "192.0.2.21", "pg2": "192.0.2.22", "pg3": "192.0.2.23"}
    plan = {**PLAN, **changes}
    return Failover(hosts, plan, addresses, vip="192.0.2.100", port=5000, who="anna", by="x-failover").run()


def test_the_order() -> None:
    """Fences and standbys at once; the promotion behind them; the load balancers do not wait for their checks."""
    hosts = Hosts(promote={"changed": True, "timeline": 2})
    answers = run(hosts)
    assert hosts.asked == [FENCES, *REST]
    assert hosts.args["pg2 promote"] == {
        "host": "pg2",
        "expect_timeline": 1,
        "expect_received_lsn": "0/5000000",
        "degrade_sync": False,
    }
    assert hosts.args["pg3 follow"]["primary_address"] == "192.0.2.22"
    assert answers["pg2"]["promote"]["timeline"] == 2
    assert set(answers["lb1"]) == {"balancer", "turn_to_promoted"}
    assert set(answers["pg3"]) == {"follow", "verify"}


def test_a_reachable_old_primary_is_stopped_too() -> None:
    """With who, why, and in whose favour."""
    hosts = Hosts()
    run(hosts, fence_hosts=["pg1"])
    assert hosts.args["pg1 fence"] == {
        "host": "pg1",
        "by": "anna",
        "reason": "failover to pg2",
        "new_primary": "pg2",
    }


@pytest.mark.parametrize(
    ("fails", "changes", "says"),
    [
        (("lb1 haproxy_server",), {}, "lb1: it broke"),
        (("pg1 fence",), {"fence_hosts": ["pg1"], "skipped_load_balancers": ["lb2"]}, "pg1: it broke"),
    ],
)
def test_nothing_is_promoted_behind_an_unproven_fence(
    fails: tuple[str, ...], changes: dict[str, Any], says: str
) -> None:
    """And nothing after it is done; the answer says what is missing and what is next."""
    hosts = Hosts(*fails)
    answers = run(hosts, **changes)
    assert len(hosts.asked) == 1
    assert answers["pg2"]["promote"]["failed"]
    assert "pg2 was not promoted" in answers["pg2"]["promote"]["msg"]
    assert says in answers["pg2"]["promote"]["msg"]


def test_after_a_promotion_that_failed_nobody_is_verified() -> None:
    """The next look decides."""
    hosts = Hosts("pg2 promote")
    answers = run(hosts)
    assert hosts.asked == [FENCES, REST[0]]
    assert answers["pg2"]["promote"] == {"failed": True, "msg": "it broke", "seconds": 0.1}


def test_what_is_left_is_completed() -> None:
    """No promotion; a primary that was in maintenance is let in again, with an answer of its own."""
    hosts = Hosts()
    answers = run(hosts, action="complete", promote=False, fence_servers=[], admit_servers=["pg2"], follow=[])
    assert hosts.asked == ["lb1 haproxy_server ready+lb2 haproxy_server ready", "pg3 client_check"]
    assert set(answers["lb1"]) == {"admitted"}


def test_answers_say_when_they_were_asked_and_how_long_it_took() -> None:
    """For the record; what the host itself measured comes first."""
    answer = Answer(True, {"changed": True}, seconds=0.1234, sent_at=1772334729.25)
    assert result_of(answer) == {"changed": True, "seconds": 0.123, "started_at": 1772334729.25}
    assert result_of(Answer(True, {"seconds": 0.05}, seconds=0.1)) == {"seconds": 0.05}


class Outside:
    """The hook; ``may``: it comes to its end only then."""

    def __init__(self, *, proven: bool = True) -> None:
        self.proven = proven
        self.hosts: list[str] = []
        self.may = threading.Event()

    def __call__(self, host: str) -> dict[str, Any]:
        self.hosts.append(host)
        self.may.wait(20)
        return {"proven": self.proven, "failed": not self.proven, "detail": "exit status 0"}


def outside(hook: Outside, hosts: Hosts, **changes: Any) -> dict[str, dict[str, Any]]:
    """As `run`, for a host that can be switched off."""
    plan = {**PLAN, "fencing_methods": {"pg1": "command"}, **changes}
    addresses = {name: "192.0.2.22" for name in ("pg1", "pg2", "pg3")}
    return Failover(hosts, plan, addresses, vip="v", port=1, who="anna", by="x", hook=hook).run()


def test_a_hook_that_is_not_needed_holds_nobody_up_and_is_told() -> None:
    """Every load balancer is proven: the promotion does not wait for a management board."""
    hook, hosts = Outside(), Hosts()
    threading.Thread(target=lambda: (_until(lambda: "pg2 promote" in hosts.asked), hook.may.set()), daemon=True).start()
    assert outside(hook, hosts)["pg1"]["hook"]["proven"] is True
    assert hosts.asked == [FENCES, *REST]


@pytest.mark.parametrize("proven", [True, False])
def test_a_hook_that_is_needed_is_waited_for(proven: bool) -> None:
    """A load balancer was not reached: only what is proven to be off lets anybody be promoted."""
    hook, hosts = Outside(proven=proven), Hosts()
    threading.Timer(0.1, hook.may.set).start()
    answers = outside(hook, hosts, fence_load_balancers=["lb1"], skipped_load_balancers=["lb2"])
    assert ("pg2 promote" in hosts.asked) is proven
    assert bool(answers["pg2"]["promote"].get("failed")) is not proven
    assert hook.hosts == ["pg1"]


@pytest.mark.parametrize(("fails", "called"), [(("pg1 fence",), ["pg1"]), ((), [])])
def test_a_host_that_was_stopped_is_not_switched_off(fails: tuple[str, ...], called: list[str]) -> None:
    """The hook comes after the host's own fence."""
    hook = Outside()
    hook.may.set()
    outside(hook, Hosts(*fails), fence_hosts=["pg1"])
    assert hook.hosts == called


def test_a_host_without_a_method_is_left_alone() -> None:
    """Nobody said how."""
    hook = Outside()
    outside(hook, Hosts(), fencing_methods={})
    assert hook.hosts == []


def _until(good: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not good() and time.monotonic() < limit:
        time.sleep(0.01)
