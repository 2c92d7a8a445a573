"""The keeper: asked over its socket, gone with its run. The lock itself is made up here."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import Holder
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.keeper import (
    ACT_CALLS,
    LOOK_CALLS,
    Keeper,
    Watch,
    ended,
    listen,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import process_began
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.borrowed import BorrowedEstate, LenderGone
from ansible_collections.sre.ha_recovery.plugins.plugin_utils import keeping


class Made:
    """An acquisition that is decided when the test says so."""

    def __init__(self, state: str) -> None:
        self.outcome = state
        self.state = ""
        self.may = threading.Event()
        self.releases = 0
        self.warmed: list[list[str]] = []

    def acquire(self) -> None:
        """As long as it takes."""
        self.may.wait(20)
        self.state = self.outcome

    def warm(self, calls: Iterable[str]) -> None:
        """Remember it."""
        self.warmed.append(list(calls))

    def lendable(self, hosts: Iterable[str]) -> list[str]:
        """None."""
        return []

    def retake(self) -> None:
        """Nothing is ever lost here."""

    def release(self) -> None:
        """Count it."""
        self.releases += 1

    def as_dict(self) -> dict[str, Any]:
        """What is asked for."""
        return {"state": self.state, "msg": ""}


BEGAN = itertools.count(1)


class Running:
    """A keeper in a thread of its own."""

    def __init__(self, path: Path, state: str) -> None:
        self.path = path
        self.made = Made(state)
        self.run_ended = threading.Event()
        keeper = Keeper(listen(path), self.made)  # type: ignore[arg-type]
        self.thread = threading.Thread(target=keeper.run, args=(self.run_ended.wait,), daemon=True)
        self.thread.start()


@pytest.fixture
def path() -> Iterator[Path]:
    """A socket's path must be short. Each test has one of its own: a keeper of an earlier one may remove its late."""
    made = keeping.socket_path(os.getpid(), str(next(BEGAN)), "orders")
    yield made
    made.unlink(missing_ok=True)


def test_it_answers_when_it_is_decided_and_keeps_the_lock(path: Path) -> None:
    """As often as it is asked, until the run ends."""
    running = Running(path, "held")
    threading.Timer(0.2, running.made.may.set).start()
    assert keeping.listens(path)
    assert keeping.ask(path, "state", 20) == {"state": "held", "msg": ""}
    assert keeping.ask(path, "state", 20) == {"state": "held", "msg": ""}
    assert running.thread.is_alive() and running.made.releases == 0
    running.run_ended.set()
    running.thread.join(20)
    assert not running.thread.is_alive() and running.made.releases == 1


@pytest.mark.parametrize(("state", "want", "told"), [("refused", "state", "refused"), ("held", "release", "released")])
def test_it_ends_when_there_is_nothing_to_keep(path: Path, state: str, want: str, told: str) -> None:
    """After it has said so."""
    running = Running(path, state)
    running.made.may.set()
    answer = keeping.ask(path, want, 20)
    assert answer is not None and answer["state"] == told
    running.thread.join(20)
    assert not running.thread.is_alive() and running.made.releases >= 1


def test_a_run_that_ends_before_it_is_decided_leaves_no_keeper(path: Path) -> None:
    """Whatever the hosts are still up to."""
    running = Running(path, "held")
    running.run_ended.set()
    running.thread.join(20)
    assert not running.thread.is_alive() and running.made.releases == 1


def test_no_keeper_and_a_keeper_that_does_not_answer(path: Path) -> None:
    """The one is known at once, the other after the time limit."""
    assert keeping.ask(path, "state", 20) is None and not keeping.listens(path)
    running = Running(path, "held")
    with pytest.raises(keeping.KeeperError, match=r"gave no answer within 0\.2 s"):
        keeping.ask(path, "state", 0.2)
    running.run_ended.set()


def test_a_folder_that_is_not_ours_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else could listen there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / f"ha_recovery-{os.getuid()}"
    assert keeping.socket_path(1, "2", "orders") == folder / "orders-1-2.sock"
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(keeping.KeeperError, match="is not this user's alone"):
        keeping.socket_path(1, "2", "orders")


@pytest.mark.parametrize("pidfd", [True, False])
def test_a_process_that_ends_is_noticed(pidfd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when nobody has fetched its exit status yet, and where the kernel has no pidfd."""
    if not pidfd:
        monkeypatch.setattr(os, "pidfd_open", lambda _pid: (_ for _ in ()).throw(OSError()))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        watch = Watch(process.pid, process_began(process.pid))
        assert not watch.gone(0.05)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert watch.gone(0.05)


def test_whether_a_run_has_ended_is_known_on_its_own_machine_only() -> None:
    """Elsewhere the process number means nothing."""
    here = os.uname().nodename
    run = {"cluster": "c", "runbook": "r", "who": "w", "since": "s"}
    assert not ended(Holder(**run, control_host=here, pid=os.getpid(), began=process_began(os.getpid())))
    assert ended(Holder(**run, control_host=here, pid=os.getpid(), began="1"))
    assert not ended(Holder(**run, control_host="elsewhere", pid=os.getpid(), began="1"))


def test_it_starts_from_wherever_the_collection_lies(path: Path) -> None:
    """As a process of its own; without any host it refuses, says so and ends."""
    holder = Holder("orders", "drill", "anna", "ops1", os.getpid(), process_began(os.getpid()), "now")
    keeping.start(path, [], keeping.Limits(), holder)
    answer = keeping.ask(path, "state", 20)
    assert answer is not None and answer["state"] == "refused"
    assert "no host could be asked" in answer["msg"]


def test_a_keeper_that_cannot_start_says_why(tmp_path: Path) -> None:
    """Its last words, not silence."""
    holder = Holder("orders", "drill", "anna", "ops1", 1, "1", "now")
    with pytest.raises(keeping.KeeperError, match=r"did not start: .*No such file"):
        keeping.start(tmp_path / "absent" / "x.sock", [], keeping.Limits(), holder)


def test_the_run_finds_its_keeper_also_when_it_was_killed(path: Path) -> None:
    """A run without one has no socket; a killed one leaves it behind."""
    began = path.stem.rpartition("-")[2]
    assert keeping.run_socket(os.getpid(), began) is None
    listen(path).close()
    assert keeping.run_socket(os.getpid(), began) == path


def test_a_loan_waits_for_the_lock_and_hosts_get_ready_for_what_comes_next(path: Path) -> None:
    """Nothing is lent before it is held; code is loaded while Ansible thinks."""
    running = Running(path, "held")
    threading.Timer(0.2, running.made.may.set).start()
    for _turn in range(2):
        with BorrowedEstate(path, []) as estate:
            assert running.made.state == "held" and estate.call_all({}) == {}
    limit = time.monotonic() + 20
    while len(running.made.warmed) < 2 and time.monotonic() < limit:
        time.sleep(0.01)
    assert running.made.warmed == [list(LOOK_CALLS), list(ACT_CALLS)]
    running.run_ended.set()


def test_nothing_is_lent_by_a_keeper_that_was_refused(path: Path) -> None:
    """It says why."""
    running = Running(path, "refused")
    running.made.may.set()
    with pytest.raises(LenderGone, match="lock is not held any more"), BorrowedEstate(path, []):
        pass
