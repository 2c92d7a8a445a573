"""Orders are given, hold, are written down, and reach the processes that a reload left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy import state_store
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.operate import Outcome, Request, carry_out
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.plan import UnknownServer, Wanted
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.runtime_api import (
    CommandRefused,
    NoAnswer,
    NotRunning,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.server_state import (
    FORCED_MAINT,
    STOPPED,
    orders,
    parse,
)

from .conftest import FakeHaproxy

BOTH = ("postgresql_primary", "postgresql_replicas")
MAINT = Request(BOTH, ("pg1",), Wanted("maint"))


class Silent:
    """A HAProxy that gives no answer, for one reason or the other."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def command(self, line: str) -> str:
        """No answer."""
        raise self.error


def run(haproxy: FakeHaproxy, path: Path, request: Request, check_mode: bool = False) -> Outcome:
    return carry_out(haproxy, haproxy, str(path), request, check_mode=check_mode)


def set_commands(haproxy: FakeHaproxy) -> list[str]:
    return [line for line in haproxy.seen if not line.startswith(("show", "@!")) or "shutdown" in line]


def test_an_order_is_given_and_written_down_so_that_a_cold_start_is_safe(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    path = tmp_path / "state"
    outcome = run(haproxy, path, MAINT)
    assert (outcome.changed, outcome.persisted, outcome.running) == (True, True, True)
    assert {haproxy.servers[b, "pg1"].state for b in BOTH} == {"maint"}
    saved = parse(path.read_text())
    assert {s.key: s.state for s in saved} == {
        (BOTH[0], "pg1"): "maint", (BOTH[0], "pg2"): "ready", (BOTH[1], "pg1"): "maint", (BOTH[1], "pg2"): "ready",
    }  # fmt: skip
    assert {s.operational for s in saved} == {STOPPED}


def test_the_second_time_nothing_is_done(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    run(haproxy, tmp_path / "state", MAINT)
    haproxy.seen.clear()
    outcome = run(haproxy, tmp_path / "state", MAINT)
    assert not outcome.changed and set_commands(haproxy) == []


def test_an_order_that_holds_but_is_not_written_down_is_a_change(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    run(haproxy, tmp_path / "state", Request(BOTH, ("pg1",), Wanted("maint"), persist=False))
    assert not (tmp_path / "state").exists()
    outcome = run(haproxy, tmp_path / "state", MAINT)
    assert (outcome.changed, outcome.persisted, set_commands(haproxy)[2:]) == (True, True, [])


def test_check_mode_says_the_same_and_touches_nothing(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    planned = run(haproxy, tmp_path / "state", MAINT, check_mode=True)
    assert set_commands(haproxy) == [] and list(tmp_path.iterdir()) == []
    done = run(haproxy, tmp_path / "state", MAINT)
    assert [c.line for c in planned.changes] == [c.line for c in done.changes]
    assert [s.state for s in planned.after] == [s.state for s in done.after] == ["maint", "maint"]
    assert planned.changed and planned.persisted


def test_a_server_comes_back_down_until_a_check_has_passed(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    run(haproxy, tmp_path / "state", MAINT)
    outcome = run(haproxy, tmp_path / "state", Request(BOTH, ("pg1",), Wanted("ready")))
    assert {(s.state, s.operational, s.weight) for s in outcome.after} == {("ready", STOPPED, 1)}


def test_connections_in_processes_from_before_a_reload_are_ended(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    line = "{}: proto=tcpv4 src=127.0.0.1:1 fe=f be={} srv={} ts=00"
    haproxy.old = {
        41: [line.format("0xa1", BOTH[0], "pg1"), line.format("0xa2", BOTH[0], "pg2"), line.format("0xa3", "x", "pg1")],
        42: [line.format("0xb1", BOTH[1], "pg1")],
    }
    run(haproxy, tmp_path / "other", Request(BOTH, ("pg1",), Wanted("maint"), persist=False, end_sessions=False))
    assert [len(sessions) for sessions in haproxy.old.values()] == [3, 1]
    outcome = run(haproxy, tmp_path / "state", MAINT)
    assert (outcome.ended_sessions, outcome.changed) == (2, True)
    assert [len(sessions) for sessions in haproxy.old.values()] == [2, 0]
    assert not run(haproxy, tmp_path / "state", MAINT).changed


def test_an_order_that_does_not_hold_is_an_error(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    haproxy.deaf_to = {"state"}
    with pytest.raises(CommandRefused, match="without complaint, and yet has"):
        run(haproxy, tmp_path / "state", MAINT)
    assert not (tmp_path / "state").exists()


def test_an_unknown_server_stops_everything_before_the_first_order(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    with pytest.raises(UnknownServer):
        run(haproxy, tmp_path / "state", Request(BOTH, ("pg1", "pg9"), Wanted("maint")))
    assert set_commands(haproxy) == []


def test_during_a_reload_no_order_is_given(
    haproxy: FakeHaproxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.operate.LOCK_WAIT_S", 0.01)
    with state_store.lock(str(tmp_path / "state"), 0), pytest.raises(state_store.Busy):
        run(haproxy, tmp_path / "state", MAINT)
    assert haproxy.seen == []


class TestStopped:
    """HAProxy does not run."""

    gone = Silent(NotRunning("HAProxy does not listen on /run/haproxy/admin.sock"))
    persist = Request(BOTH, ("pg1",), Wanted("maint"), when_stopped="persist")

    def test_it_is_an_error_unless_said_otherwise(self, tmp_path: Path) -> None:
        with pytest.raises(NotRunning):
            carry_out(self.gone, self.gone, str(tmp_path / "state"), MAINT, check_mode=False)

    def test_the_order_waits_for_the_next_start(self, tmp_path: Path) -> None:
        path = tmp_path / "state"
        outcome = carry_out(self.gone, self.gone, str(path), self.persist, check_mode=False)
        assert (outcome.changed, outcome.running) == (True, False)
        assert orders(parse(path.read_text())) == {(b, "pg1"): (FORCED_MAINT, 1) for b in BOTH}
        again = carry_out(self.gone, self.gone, str(path), self.persist, check_mode=False)
        assert not again.changed

    def test_other_servers_orders_stay(self, haproxy: FakeHaproxy, tmp_path: Path) -> None:
        path = tmp_path / "state"
        run(haproxy, path, Request(BOTH, ("pg2",), Wanted("drain")))
        carry_out(self.gone, self.gone, str(path), self.persist, check_mode=False)
        assert {s.key: s.state for s in parse(path.read_text())}[BOTH[0], "pg2"] == "drain"

    def test_a_hung_haproxy_is_not_a_stopped_one(self, tmp_path: Path) -> None:
        hung = Silent(NoAnswer("no answer"))
        with pytest.raises(NoAnswer):
            carry_out(hung, hung, str(tmp_path / "state"), self.persist, check_mode=False)
