# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One persistent, read-only session on the unix socket that never waits longer than it is told to.

A frozen backend ignores statement_timeout, so the limit is kept on this side: the driver runs in its asynchronous mode
and we select() with a deadline. A question that is not answered in time stays in flight and is waited for again at the
next refresh, instead of leaving a trail of stuck connections. After ``patience`` one stuck session is set aside and one
replacement is tried: a single frozen backend is not a frozen server. There is never a second one set aside.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, Protocol

READY, READ, WRITE = 0, 1, 2  # psycopg2.extensions.POLL_OK, POLL_READ, POLL_WRITE


class Cursor(Protocol):
    """What we use of a driver's cursor."""

    def execute(self, sql: str) -> Any: ...
    def fetchone(self) -> Any: ...


class Connection(Protocol):
    """What we use of a driver's asynchronous connection."""

    def poll(self) -> int: ...
    def fileno(self) -> int: ...
    def cursor(self) -> Cursor: ...
    def close(self) -> None: ...


class NoAnswer(Exception):
    """The server did not answer within the limit."""


class Refused(Exception):
    """There is no session; the message is the server's or the kernel's."""


def wait_on(connection: Connection, what: int, seconds: float) -> bool:
    """Wait until the connection's socket can be read or written. False when the time is over."""
    descriptor = connection.fileno()
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT if what == WRITE else select.POLLIN)
    return bool(poller.poll(max(0.0, seconds) * 1000))


class Session:
    """Asks one question at a time.

    :param connect: starts an asynchronous connection; raises ``error`` when that is refused at once.
    :param error: the driver's base exception.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        error: type[Exception],
        clock: Callable[[], float],
        *,
        patience: float,
        wait: Callable[[Connection, int, float], bool] = wait_on,
    ) -> None:
        self._connect, self._error, self._clock = connect, error, clock
        self._patience, self._wait = patience, wait
        self._connection: Connection | None = None
        self._cursor: Cursor | None = None
        self._usable = False  # logged in and idle
        self._busy_since = 0.0
        self._set_aside: Connection | None = None

    @property
    def set_aside(self) -> int:
        """How many stuck sessions are waited for beside the current one: 0 or 1."""
        return 0 if self._set_aside is None else 1

    def ask(self, sql: str, limit: float) -> tuple[float, Any]:
        """Return (when the question was asked, the first row). Takes at most ``limit`` seconds.

        Raises :class:`NoAnswer` or :class:`Refused`.
        """
        deadline = self._clock() + limit
        self._tend_set_aside()
        lost_before = False
        while True:
            try:
                self._become_usable(deadline)
                asked_at = self._clock()
                self._send(sql)
                self._finish("a question", deadline)
                cursor, self._cursor = self._cursor, None
                return asked_at, cursor.fetchone() if cursor else None
            except self._error as error:
                # The server ended the session: a restart, or a person with pg_terminate_backend. One new session tells.
                had_session = self._usable or self._cursor is not None
                self.close()
                if lost_before or not had_session:
                    raise Refused(first_line(error)) from error
                lost_before = True

    def close(self) -> None:
        """Drop the current session."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._cursor, self._usable = None, None, False

    def _become_usable(self, deadline: float) -> None:
        if self._usable:
            return
        if self._connection is None:
            self._busy_since = self._clock()
            self._connection = self._connect()
        what = "a question" if self._cursor is not None else "a login"
        self._finish(what, deadline)  # the answer to an old question is old: it is thrown away
        self._cursor = None

    def _send(self, sql: str) -> None:
        assert self._connection is not None  # noqa: S101 - for the type checker: _become_usable() made it
        self._busy_since = self._clock()
        self._usable = False
        self._cursor = self._connection.cursor()
        self._cursor.execute(sql)

    def _finish(self, what: str, deadline: float) -> None:
        """Drive the connection until it is idle, or raise :class:`NoAnswer`."""
        assert self._connection is not None  # noqa: S101 - for the type checker
        while True:
            wanted = self._connection.poll()
            if wanted == READY:
                self._usable = True
                return
            if wanted not in (READ, WRITE):
                raise self._error("the connection broke")
            if not self._wait(self._connection, wanted, deadline - self._clock()) and self._clock() >= deadline:
                waited = self._clock() - self._busy_since
                if waited >= self._patience and self._set_aside is None:
                    self._set_aside, self._connection, self._cursor = self._connection, None, None
                raise NoAnswer(f"{what} has been waiting for {waited:.1f} s")

    def _tend_set_aside(self) -> None:
        """Close the stuck session as soon as it shows any sign of life, or of death."""
        if self._set_aside is None:
            return
        try:
            alive = self._set_aside.poll() == READY
        except self._error:
            alive = True
        if alive:
            self._set_aside.close()
            self._set_aside = None


def first_line(error: Exception) -> str:
    """The part of a driver's message that says what happened; libpq puts hints on further lines."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


# What the server or the kernel says -> the state it is in. First match wins; the C locale makes the words stable.
REFUSALS: tuple[tuple[str, str], ...] = (
    ("No such file or directory", "stopped"),
    ("Connection refused", "stopped"),
    ("shutting down", "stopping"),
    ("starting up", "starting"),
    ("not yet accepting connections", "starting"),
    ("in recovery mode", "starting"),
    ("not accepting connections", "starting"),
    ("Resource temporarily unavailable", "hung"),
)


def state_of(message: str) -> str:
    """The state behind a refusal; 'unreachable' when the server runs but does not let us in (slots, authentication)."""
    return next((state for text, state in REFUSALS if text in message), "unreachable")
