# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk to Postgres with a deadline on every single wait.

This drives libpq (``psycopg.pq``) directly because both psycopg's ``connect`` and libpq's own round a connect timeout
below two seconds up to two, which would quantise every figure the storm measures, and because neither bounds the wait
for an answer: a frozen server behind a live kernel would hold a writer for ever.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Sequence

import psycopg
from psycopg import pq
from psycopg.pq import abc

from .model import STOPPED, DatabaseError

_SLICE_S = 0.1  # how long a wait may go without looking at the abort flag


class Deadline:
    """The moment a wait must end: ``seconds`` from now, or earlier when ``abort`` is set."""

    def __init__(self, seconds: float, abort: threading.Event, error_class: str, what: str) -> None:
        self._end = time.monotonic() + seconds
        self._abort = abort
        self._error = DatabaseError(error_class, f"{what} within {seconds:g} s")

    def wait(self, fd: int, events: int) -> None:
        """Return once ``fd`` is ready. Raises the deadline's :class:`DatabaseError`, or ``StormStopped``."""
        poller = select.poll()
        poller.register(fd, events)
        while True:
            if self._abort.is_set():
                raise DatabaseError(STOPPED, "the storm was stopped while it waited for the server")
            remaining = self._end - time.monotonic()
            if remaining <= 0:
                raise self._error
            if poller.poll(max(1, int(min(remaining, _SLICE_S) * 1000))):
                return


def connect(conninfo: str, timeout: float, abort: threading.Event) -> abc.PGconn:
    """Open a connection within ``timeout`` seconds (fractions count). Name resolution is libpq's and is not bounded."""
    deadline = Deadline(timeout, abort, "ConnectionTimeout", "no session")
    pgconn = pq.PGconn.connect_start(conninfo.encode())
    try:
        state = pq.PollingStatus.WRITING  # what libpq says to assume before the first poll
        while state != pq.PollingStatus.OK:
            if pgconn.status == pq.ConnStatus.BAD or state == pq.PollingStatus.FAILED:
                raise DatabaseError("ConnectionFailed", first_line(pgconn.get_error_message()))
            deadline.wait(pgconn.socket, select.POLLIN if state == pq.PollingStatus.READING else select.POLLOUT)
            state = pq.PollingStatus(pgconn.connect_poll())
        pgconn.nonblocking = 1
    except psycopg.Error as error:
        pgconn.finish()
        raise DatabaseError("ConnectionFailed", first_line(str(error))) from error
    except BaseException:
        pgconn.finish()
        raise
    return pgconn


def execute(
    pgconn: abc.PGconn, sql: str, parameters: Sequence[str], timeout: float, abort: threading.Event
) -> abc.PGresult:
    """Run one statement and return its result. Any error leaves the connection fit only for ``finish``."""
    deadline = Deadline(timeout, abort, "ResponseTimeout", "no answer")
    try:
        pgconn.send_query_params(sql.encode(), [value.encode() for value in parameters])
        while pgconn.flush():
            deadline.wait(pgconn.socket, select.POLLIN | select.POLLOUT)
            pgconn.consume_input()
        return _result(pgconn, deadline)
    except psycopg.Error as error:
        raise DatabaseError("ConnectionLost", first_line(str(error))) from error


def _result(pgconn: abc.PGconn, deadline: Deadline) -> abc.PGresult:
    answer: abc.PGresult | None = None
    while True:
        while pgconn.is_busy():
            deadline.wait(pgconn.socket, select.POLLIN)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            break
        _raise_if_failed(result)
        answer = result
    if answer is None:
        raise DatabaseError("ConnectionLost", "the server sent no result")
    return answer


def _raise_if_failed(result: abc.PGresult | None) -> None:
    if result is None or result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        return
    sqlstate = result.error_field(pq.DiagnosticField.SQLSTATE)
    message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
    raise DatabaseError((sqlstate or b"ConnectionLost").decode(), first_line(message.decode(errors="replace")))


def first_line(message: str) -> str:
    return message.strip().partition("\n")[0]
