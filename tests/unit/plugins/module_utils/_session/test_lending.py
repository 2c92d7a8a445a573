"""Borrowed sessions: the lender's and the borrower's side over a real socket. The hosts are made up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import at_end, undo
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.borrowed import BorrowedEstate, LenderGone
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Limits
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.lending import Loan
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer


class MadeSession:
    """Answers ``echo`` at once and ``hang`` never."""

    def __init__(self, why: str = "") -> None:
        self.why = why
        self.told: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether it is open."""
        return not self.why

    def submit(self, call: str, args: Mapping[str, Any]) -> Future[Answer]:
        """See above."""
        self.told.append(call)
        future: Future[Answer] = Future()
        if self.why:
            future.set_result(Answer(False, error=self.why, silent=True))
        elif call != "hang":
            future.set_result(Answer(True, dict(args), seconds=0.25, remote_s=0.2, sent_at=7.0))
        return future

    def call(self, call: str, args: Mapping[str, Any], _timeout: float) -> Answer:
        """Wait for it."""
        return self.submit(call, args).result(timeout=0)

    def end(self, why: str) -> None:
        """Remember it."""
        self.told.append("end")
        self.why = why


class Lender:
    """pg1 is open, pg2 silent, pg3 still logging in until the test says otherwise; others are not known."""

    def __init__(self, path: Path) -> None:
        self.sessions = {
            "pg1": MadeSession(),
            "pg2": MadeSession("no answer on port 22 within 1 s"),
            "pg3": MadeSession(),
        }
        self.pg3 = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.clients: list[socket.socket] = []
        self.loans: list[threading.Thread] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            self.clients.append(client)
            self.loans.append(threading.Thread(target=self._lend, args=(client,), daemon=True))
            self.loans[-1].start()

    def _lend(self, client: socket.socket) -> None:
        with client, client.makefile("rw", encoding="utf-8") as stream:
            hosts = ["pg1", "pg2", "pg3"]
            stream.readline()
            stream.write('{"state": "held", "lent": ["pg1", "pg2", "pg3"]}\n')
            stream.flush()
            Loan(self, hosts).serve(stream)  # type: ignore[arg-type]

    def lendable(self, hosts: Iterable[str]) -> list[str]:
        """All that it knows."""
        return [host for host in hosts if host in self.sessions]

    def wait_for(self, host: str) -> dict[str, Any]:
        """pg3 takes its time."""
        if host == "pg3":
            self.pg3.wait(20)
        why = self.sessions[host].why
        return {"ok": not why, "tcp": True, "why": why, "seconds": 0.1}

    def session(self, host: str) -> MadeSession | None:
        """By name."""
        return self.sessions.get(host)


@pytest.fixture
def lender(tmp_path: Path) -> Iterator[Lender]:
    """Listens in the test's folder."""
    one = Lender(tmp_path / "s")
    yield one
    one.pg3.set()
    one.listener.close()


@pytest.fixture
def estate(lender: Lender, tmp_path: Path) -> BorrowedEstate:
    """Four hosts, of which the lender knows three; the fourth cannot be logged in to."""
    connections = [Connection(host, "192.0.2.1", executable="false") for host in ("pg1", "pg2", "pg3", "backup1")]
    return BorrowedEstate(tmp_path / "s", connections, Limits(connect=0, banner=5, login=5))


def ended(lender: Lender) -> None:
    """Wait until the loan is over."""
    lender.loans[0].join(20)
    assert not lender.loans[0].is_alive()


def test_answers_come_as_from_sessions_of_its_own(lender: Lender, estate: BorrowedEstate) -> None:
    """Open, silent, and opened on the side."""
    lender.pg3.set()
    with estate:
        answers = estate.call_all({host: {"echo": {"n": 1}} for host in ("backup1", "pg2", "pg1")}, 5)
        assert answers["pg1"]["echo"] == Answer(True, {"n": 1}, seconds=0.25, remote_s=0.2, sent_at=7.0)
        assert answers["pg2"]["echo"].error == "no answer on port 22 within 1 s"
        assert not answers["backup1"]["echo"].ok and answers["backup1"]["echo"].silent
        assert list(answers) == ["backup1", "pg2", "pg1"]
        reach = estate.reach
        assert {host: seen["ok"] for host, seen in reach.items()} == {
            "pg1": True,
            "pg2": False,
            "pg3": True,
            "backup1": False,
        }


def test_who_logs_in_late_does_not_keep_the_others_from_being_asked(lender: Lender, estate: BorrowedEstate) -> None:
    """They are asked while it is waited for."""
    with estate:
        answers: dict[str, Any] = {}
        asking = threading.Thread(
            target=lambda: answers.update(estate.call_all({"pg1": {"echo": {}}, "pg3": {"echo": {}}})), daemon=True
        )
        asking.start()
        limit = time.monotonic() + 20
        while not lender.sessions["pg1"].told and time.monotonic() < limit:
            time.sleep(0.01)
        assert lender.sessions["pg1"].told == ["echo"] and lender.sessions["pg3"].told == []
        lender.pg3.set()
        asking.join(20)
        assert answers["pg1"]["echo"].ok and answers["pg3"]["echo"].ok


def test_what_was_left_behind_is_undone_where_anything_was_asked(lender: Lender, estate: BorrowedEstate) -> None:
    """And before the borrower goes on."""
    with estate:
        estate.call("pg1", "echo")
    assert lender.sessions["pg1"].told == ["echo", "undo"]
    assert lender.sessions["pg3"].told == []


def test_a_borrower_that_dies_is_undone_too(lender: Lender, estate: BorrowedEstate) -> None:
    """Its socket closes, and it has returned nothing."""
    estate.__enter__()
    estate.call("pg1", "echo")
    lender.clients[0].shutdown(socket.SHUT_RD)
    ended(lender)
    assert lender.sessions["pg1"].told == ["echo", "undo"]


def test_a_call_that_is_still_under_way_ends_with_its_session(lender: Lender, estate: BorrowedEstate) -> None:
    """Undone while it goes on, it could begin anew."""
    with estate:
        assert estate.call("pg1", "hang", timeout=0.05).error == "hang: no answer within 0.05 s"
    assert lender.sessions["pg1"].told == ["hang", "end"]


def test_a_lender_that_is_killed_is_an_error(lender: Lender, estate: BorrowedEstate, tmp_path: Path) -> None:
    """In the middle, and before the next task."""
    with pytest.raises(LenderGone, match="does not answer any more"), estate:
        lender.clients[0].shutdown(socket.SHUT_RDWR)
        estate.call("pg1", "echo")
    lender.listener.shutdown(socket.SHUT_RDWR)
    with pytest.raises(LenderGone, match="Next: ansible-playbook"), BorrowedEstate(tmp_path / "s", []):
        pass


def test_the_agent_keeps_what_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    """The lock stays until the session ends; what fails does not keep the others from being undone."""
    done: list[str] = []
    at_end("lock", lambda: done.append("lock"), lasting=True)
    at_end("pool", lambda: done.append("pool"))
    at_end("server", lambda: done[99])  # type: ignore[arg-type,return-value]
    assert undo(everything=False) == {"undone": ["pool", "server"], "problems": ["server: list index out of range"]}
    assert done == ["pool"]
    assert undo(everything=False) == {"undone": [], "problems": []}
    assert undo(everything=True)["undone"] == ["lock"]
    assert done == ["pool", "lock"]
    assert "server: list index" in capsys.readouterr().err
