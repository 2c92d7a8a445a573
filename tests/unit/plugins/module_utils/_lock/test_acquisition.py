"""The lock of a run against real agents: only ssh is replaced, by a program that runs the command here."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.acquisition import Acquisition
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import Holder
from ansible_collections.sre.ha_recovery.plugins.module_utils._session import loader
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Limits

HOSTS = ("lb1", "pg1", "pg2")
Make = Callable[..., Acquisition]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Runs by number; hosts that are this machine, each with a lock file of its own; ``away``: hosts that are not."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift 2\nexec sh -c "$1"\n')
    ssh.chmod(0o755)
    monkeypatch.setattr(
        "ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection.LOADER",
        loader.LOADER.replace(loader.CACHE, str(tmp_path / "cache")),
    )
    made: list[Acquisition] = []

    def run(number: int, *, away: tuple[str, ...] = (), dead: bool = False) -> Acquisition:
        holder = Holder("orders", "switchover", "anna", "ops1", number, "1", "2026-03-01T03:12:09Z")
        connections = [
            Connection(
                host, "192.0.2.1", executable="false" if host in away else str(ssh), python=sys.executable, become=False
            )
            for host in HOSTS
        ]
        paths = {host: str(tmp_path / host / "runbook.lock") for host in HOSTS}
        made.append(Acquisition(connections, Limits(connect=0, login=20), holder, lambda _holder: dead, paths))
        return made[-1]

    yield run
    for one in made:
        one.release()


def test_the_second_is_refused_and_told_who_where_and_since_when(make: Make) -> None:
    """Until the first lets go."""
    first, second, third = make(1), make(2), make(3)
    first.acquire()
    assert (first.state, first.as_dict()["hosts"]) == ("held", list(HOSTS))
    second.acquire()
    assert (second.state, second.refused_by, second.other) == ("refused", "lb1", first.holder)
    assert "lb1 is held by switchover of cluster orders, begun by anna on ops1 (process 1)" in second.why
    assert second.held == {}
    first.release()
    third.acquire()
    assert third.state == "held"


def test_two_at_once_never_both_and_never_neither(make: Make) -> None:
    """However they meet."""
    for turn in range(3):
        both = [make(2 * turn), make(2 * turn + 1)]
        threads = [threading.Thread(target=one.acquire) for one in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.state for one in both) == ["held", "refused"]
        for one in both:
            one.release()


def test_two_that_see_different_hosts_meet_at_the_one_both_see(make: Make) -> None:
    """Each has the other's first host out of sight."""
    first, second = make(1, away=("lb1",)), make(2, away=("pg1",))
    first.acquire()
    second.acquire()
    assert (first.state, sorted(first.held), sorted(first.unreachable)) == ("held", ["pg1", "pg2"], ["lb1"])
    assert (second.state, second.refused_by) == ("refused", "pg2")
    third = make(3, away=("pg1", "pg2"))
    third.acquire()
    assert (third.state, list(third.held)) == ("held", ["lb1"]), "the second one has let go of what it had"


def test_hosts_that_are_away_do_not_count_but_all_of_them_do(make: Make) -> None:
    """Somebody has to keep the second runbook away."""
    alone = make(1, away=("lb1", "pg1"))
    alone.acquire()
    assert (alone.state, list(alone.held)) == ("held", ["pg2"])
    nobody = make(2, away=HOSTS)
    nobody.acquire()
    assert nobody.state == "refused" and "no host could be asked for the runbook lock" in nobody.why


def test_the_same_run_has_it_already(make: Make) -> None:
    """It neither waits for itself nor takes it twice."""
    first, again = make(1), make(1)
    first.acquire()
    again.acquire()
    assert (again.state, again.held) == ("joined", {})


@pytest.mark.parametrize(("dead", "state"), [(True, "held"), (False, "refused")])
def test_a_run_that_has_died_is_waited_for_until_its_keeper_lets_go(make: Make, dead: bool, state: str) -> None:
    """A living one is not."""
    first, second = make(1), make(2, dead=dead)
    first.acquire()
    timer = threading.Timer(1.0, first.release)
    timer.start()
    second.acquire()
    assert second.state == state
    timer.join()


def test_a_host_that_was_away_is_held_again(make: Make) -> None:
    """Its agent died with the host; the lock is taken anew, and against others."""
    first = make(1)
    first.acquire()
    estate = first.held["pg2"]
    os.kill(estate.sessions["pg2"]._hello.result(1).value["pid"], 9)
    deadline = time.monotonic() + 20
    while estate.sessions["pg2"].ok and time.monotonic() < deadline:
        time.sleep(0.01)
    first.retake()
    assert sorted(first.held) == list(HOSTS)
    other = make(2, away=("lb1", "pg1"))
    other.acquire()
    assert (other.state, other.refused_by) == ("refused", "pg2")


def test_a_host_that_takes_long_holds_nobody_up_and_is_held_later(make: Make, tmp_path: Path) -> None:
    """It lets us in after the others were asked."""
    slow = tmp_path / "slow"
    slow.write_text(f'#!/bin/sh\nsleep 3\nexec {tmp_path / "ssh"} "$@"\n')
    slow.chmod(0o755)
    run = make(1)
    run.connections["lb1"] = replace(run.connections["lb1"], executable=str(slow))
    run.acquire()
    assert (run.state, sorted(run.held), run.unreachable) == ("held", ["pg1", "pg2"], {"lb1": "has not let us in yet"})
    run.retake()
    assert (sorted(run.held), run.unreachable) == (list(HOSTS), {})


def test_its_sessions_can_be_lent_and_the_silent_are_not_asked_again(make: Make) -> None:
    """The lock stays with them; a host whose session ended is logged in to anew by whoever needs it."""
    one = make(1, away=("pg1",))
    one.acquire()
    assert one.lendable(["lb1", "pg1", "pg2", "backup1"]) == ["lb1", "pg1", "pg2"]
    assert one.wait_for("lb1")["ok"] and not one.wait_for("pg1")["ok"]
    session = one.session("lb1")
    assert session is not None and session.call("undo", {}, 20).value["undone"] == []
    assert session.call("lock_look", {"path": one._paths["lb1"]}, 20).value["holder"]["pid"] == 1
    session.end()
    assert one.lendable(["lb1", "pg2"]) == ["pg2"]
    one.retake()
    assert one.lendable(["lb1", "pg2"]) == ["lb1", "pg2"]
    one._asked_at -= 60
    assert one.lendable(["lb1", "pg1"]) == ["lb1"]
