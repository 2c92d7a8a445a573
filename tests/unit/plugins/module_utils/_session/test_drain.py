"""A server leaves a load balancer without cutting anybody off, within its time limit, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.operate import Outcome, Request
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.runtime_api import NotRunning
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers import drain
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

HEAD = "# pxname,svname,scur,status,check_status"


class Balancer:
    """HAProxy: ``looks`` are sessions and status of each look, the last one for ever."""

    def __init__(self, *looks: tuple[int, str]) -> None:
        self.looks = list(looks)
        self.orders: list[str] = []
        self.persisted: list[bool] = []
        self.running = True

    def command(self, _line: str) -> str:
        """Statistics, in one backend with a server of another name beside it."""
        if not self.running:
            raise NotRunning("nobody listens")
        sessions, status = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return f"{HEAD}\npostgresql_replicas,pg3,{sessions},{status},L7OK\npostgresql_replicas,pg2,9,UP,L7OK\n"

    def carry_out(self, _api: Any, _master: Any, _path: str, request: Request, *, check_mode: bool) -> Outcome:
        """Writes the order down."""
        assert not check_mode
        assert request.backends == ("postgresql_primary", "postgresql_replicas")
        self.orders.append(str(request.wanted.state))
        self.persisted.append(request.persist)
        return Outcome((), (), 0, True, running=self.running)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Time that passes only while somebody sleeps."""
    now = [0.0]
    monkeypatch.setattr(drain.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(drain.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    yield now


def use(monkeypatch: pytest.MonkeyPatch, balancer: Balancer) -> Balancer:
    """Let the calls talk to it; there is no pooler."""
    monkeypatch.setattr(drain, "RuntimeApi", lambda *_args: balancer)
    monkeypatch.setattr(drain, "carry_out", balancer.carry_out)
    monkeypatch.setattr(drain, "_let_the_pool_go", lambda: "")
    return balancer


def test_sessions_may_end(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """Out as soon as nobody is left."""
    balancer = use(monkeypatch, Balancer((2, "UP"), (2, "DRAIN"), (1, "DRAIN"), (0, "DRAIN")))
    answer = drain.leave({"server": "pg3", "timeout": 30})
    assert (balancer.orders, balancer.persisted) == (["drain", "maint"], [True, True])
    assert (answer["changed"], answer["ended"]) == (True, 0)
    assert clock[0] < 1


def test_those_that_stay_are_ended_and_told(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """The time limit holds."""
    balancer = use(monkeypatch, Balancer((2, "DRAIN")))
    answer = drain.leave({"server": "pg3", "timeout": 5})
    assert (balancer.orders, answer["ended"]) == (["drain", "maint"], 2)
    assert 5 <= clock[0] < 6


def test_one_that_is_out_is_left_so(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """Draining it would let sessions live that maintenance does not."""
    balancer = use(monkeypatch, Balancer((0, "MAINT")))
    assert not drain.leave({"server": "pg3"})["changed"]
    assert balancer.orders == []


def test_a_stopped_haproxy_starts_with_the_order(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """Nothing to wait for."""
    balancer = use(monkeypatch, Balancer((0, "UP")))
    balancer.running = False
    assert drain.leave({"server": "pg3"})["changed"]
    assert drain.enter({"server": "pg3"})["changed"]
    assert balancer.orders == ["drain", "maint", "ready"]


def test_it_is_back_when_haproxy_finds_it_well(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """Not before; and one that it does not find well is told."""
    use(monkeypatch, Balancer((0, "DOWN"), (0, "DOWN 1/2"), (0, "UP")))
    drain.enter({"server": "pg3", "timeout": 15})
    assert clock[0] > 0
    use(monkeypatch, Balancer((0, "DOWN")))
    with pytest.raises(CallFailed, match="HAProxy has pg3 as postgresql_replicas DOWN L7OK"):
        drain.enter({"server": "pg3", "timeout": 15})
