"""One session, never waited for longer than allowed, never a second one piling up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from role_probe.session import READ, READY, NoAnswer, Refused, Session, state_of
from role_probe_samples import Clock


class DriverError(Exception):
    """What a driver raises."""


class Server:
    """A server as its sessions see it. ``frozen`` sessions do not answer; ``gone`` ones have ended."""

    def __init__(self) -> None:
        self.refusal = ""
        self.opened: list[Connection] = []
        self.freeze_new = self.crashes = False

    def connect(self) -> Connection:
        if self.refusal:
            raise DriverError(self.refusal)
        self.opened.append(Connection(self.freeze_new, self.crashes))
        return self.opened[-1]


class Connection:
    """One session; it is its own cursor."""

    def __init__(self, frozen: bool, crashes: bool) -> None:
        self.frozen, self.crashes, self.gone, self.closed = frozen, crashes, False, False
        self.asked: list[str] = []

    def poll(self) -> int:
        if self.gone:
            raise DriverError("server closed the connection unexpectedly\n\tThis probably means")
        return READ if self.frozen else READY

    def fileno(self) -> int:
        raise AssertionError("the test waits by itself")

    def cursor(self) -> Connection:
        return self

    def execute(self, sql: str) -> None:
        self.asked.append(sql)
        self.gone = self.gone or self.crashes

    def fetchone(self) -> tuple[str]:
        return (f"answer {len(self.asked)}",)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def ask(server: Server, clock: Clock) -> Callable[[], tuple[float, object]]:
    """Ask once with a limit of half a second; waiting makes the clock go."""

    def wait(_connection: object, _what: int, seconds: float) -> bool:
        clock.now += seconds
        return False

    session = Session(server.connect, DriverError, clock, patience=5.0, wait=wait)  # type: ignore[arg-type]

    def once() -> tuple[float, object]:
        return session.ask("SELECT 1", 0.5)

    once.session = session  # type: ignore[attr-defined]
    return once


def test_one_session_serves_every_question(server: Server, ask: Callable, clock: Clock) -> None:
    """It is kept."""
    assert ask() == (clock.now, ("answer 1",))
    assert ask() == (clock.now, ("answer 2",))
    assert len(server.opened) == 1


def test_a_frozen_backend_costs_the_limit_and_no_new_session(server: Server, ask: Callable, clock: Clock) -> None:
    """The question stays in flight; the session is not thrown away."""
    ask()
    server.opened[0].frozen = True
    begin = clock.now
    for number in range(1, 5):
        with pytest.raises(NoAnswer, match=f"a question has been waiting for {number * 0.5:.1f} s"):
            ask()
    assert clock.now == begin + 2.0
    assert len(server.opened) == 1


def test_an_answer_that_comes_too_late_is_thrown_away(server: Server, ask: Callable, clock: Clock) -> None:
    """What it says was true then. The question is asked again."""
    ask()
    server.opened[0].frozen = True
    with pytest.raises(NoAnswer):
        ask()
    server.opened[0].frozen = False
    clock.now += 60
    assert ask() == (clock.now, ("answer 3",))
    assert len(server.opened) == 1


def test_one_replacement_is_tried_and_never_a_second(server: Server, ask: Callable) -> None:
    """A frozen server gets two sessions at most, however long it lasts."""
    ask()
    server.opened[0].frozen = server.freeze_new = True
    for _ in range(100):
        with pytest.raises(NoAnswer):
            ask()
    assert len(server.opened) == 2
    assert ask.session.set_aside == 1  # type: ignore[attr-defined]


def test_a_single_frozen_backend_is_replaced(server: Server, ask: Callable) -> None:
    """The server works, so it must not stay out for ever; the frozen session is closed when it comes back."""
    ask()
    server.opened[0].frozen = True
    for _ in range(10):
        with pytest.raises(NoAnswer):
            ask()
    assert ask()[1] == ("answer 1",)
    assert [len(server.opened), ask.session.set_aside] == [2, 1]  # type: ignore[attr-defined]
    server.opened[0].frozen = False
    ask()
    assert ask.session.set_aside == 0  # type: ignore[attr-defined]
    assert server.opened[0].closed


def test_a_frozen_login_is_bounded_too(server: Server, ask: Callable) -> None:
    """The postmaster accepted, the backend never answers."""
    server.freeze_new = True
    with pytest.raises(NoAnswer, match=r"a login has been waiting for 0\.5 s"):
        ask()


def test_an_ended_session_is_replaced_at_once(server: Server, ask: Callable) -> None:
    """pg_terminate_backend or a quick restart is no outage."""
    ask()
    server.opened[0].gone = True
    assert ask()[1] == ("answer 1",)
    assert server.opened[0].closed


def test_a_session_that_ends_again_is_given_up(server: Server, ask: Callable) -> None:
    """One new session a refresh, not one after another for as long as the server likes."""
    server.crashes = True
    with pytest.raises(Refused, match=r"^server closed the connection unexpectedly$"):
        ask()
    assert len(server.opened) == 2


def test_a_stopped_server_is_refused_with_the_reason(server: Server, ask: Callable) -> None:
    """The session ends and no new one is let in: one attempt, the server's own words."""
    ask()
    server.opened[0].gone = True
    server.refusal = "connection failed: FATAL:  the database system is shutting down\nhint"
    with pytest.raises(Refused, match=r"^connection failed: FATAL:  the database system is shutting down$"):
        ask()
    server.refusal = ""
    assert ask()[1] == ("answer 1",)


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ('connection to server on socket "/x" failed: No such file or directory', "stopped"),
        ('connection to server on socket "/x" failed: Connection refused', "stopped"),
        ("FATAL:  the database system is shutting down", "stopping"),
        ("FATAL:  the database system is starting up", "starting"),
        ("FATAL:  the database system is not yet accepting connections", "starting"),
        ("FATAL:  the database system is not accepting connections", "starting"),
        ("FATAL:  the database system is in recovery mode", "starting"),
        ('connection to server on socket "/x" failed: Resource temporarily unavailable', "hung"),
        ("FATAL:  sorry, too many clients already", "unreachable"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "unreachable"),
        ('FATAL:  Peer authentication failed for user "role_probe"', "unreachable"),
    ],
)
def test_what_a_refusal_says_about_the_server(message: str, state: str) -> None:
    """The words of Postgres and of the kernel."""
    assert state_of(message) == state
