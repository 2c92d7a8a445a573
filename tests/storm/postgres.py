# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storm's database when it is a real one: Postgres, through whatever a libpq DSN leads to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from psycopg import pq
from psycopg.pq import abc

from . import wire
from .config import valid_table
from .dsn import parse_dsn
from .model import READ_ONLY, DatabaseError, Order, StormError

T = TypeVar("T")

_TRANSIENT = ("Connection", "ResponseTimeout", READ_ONLY, "08", "57P", "53300", "23505", "42P07")
"""Beginnings of the error classes worth another try: no primary yet, or another storm creating the same table."""

_DDL = """CREATE TABLE IF NOT EXISTS {table} (
  row_number bigserial PRIMARY KEY,
  id uuid NOT NULL,
  run uuid NOT NULL,
  writer integer NOT NULL,
  sequence bigint NOT NULL,
  inserted_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""  # id is not unique on purpose: a duplicated order must be visible, not refused

_EXISTS = "SELECT 1 WHERE to_regclass($1) IS NOT NULL"
_NOT_WRITABLE = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool"


class PostgresSession:
    """One connection, used as BEGIN, INSERT, COMMIT with a round trip each, as an ordinary application does."""

    def __init__(self, pgconn: abc.PGconn, table: str, run: str, timeout: float, abort: threading.Event) -> None:
        self._pgconn, self._run, self._timeout, self._abort = pgconn, run, timeout, abort
        # The server's own address: behind proxies nothing else tells which one acknowledged.
        self._insert = (
            f"INSERT INTO {table} (id, run, writer, sequence) VALUES ($1, $2, $3, $4) "  # noqa: S608 checked name
            "RETURNING coalesce(host(inet_server_addr()), '')"
        )
        self._warnings: list[str] = []
        pgconn.notice_handler = self._notice

    def begin(self) -> None:
        self.execute("BEGIN")

    def insert(self, order: Order) -> str:
        return self.rows(self._insert, order.id, self._run, str(order.writer), str(order.sequence))[0][0]

    def commit(self) -> None:
        self._warnings.clear()
        tag = (self.execute("COMMIT").command_status or b"").decode()
        if tag != "COMMIT":
            raise DatabaseError("CommitRefused", f"COMMIT was answered with {tag or 'nothing'}")
        if self._warnings:
            # "canceling wait for synchronous replication": committed here, but no standby is known to have it. A client
            # that counts on synchronous replication was promised nothing.
            raise DatabaseError("CommitNotReplicated", self._warnings[0])

    def execute(self, sql: str, *parameters: str) -> abc.PGresult:
        return wire.execute(self._pgconn, sql, parameters, self._timeout, self._abort)

    def rows(self, sql: str, *parameters: str) -> list[tuple[str, ...]]:
        result = self.execute(sql, *parameters)
        columns = range(result.nfields)
        return [tuple((result.get_value(row, n) or b"").decode() for n in columns) for row in range(result.ntuples)]

    def close(self) -> None:
        self._pgconn.finish()

    def _notice(self, notice: abc.PGresult) -> None:
        if notice.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) == b"WARNING":
            message = notice.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"warning"
            self._warnings.append(message.decode(errors="replace"))


class PostgresDatabase:
    """Implements :class:`model.Database`.

    connect_timeout: seconds per host; None = the DSN's, else 1. response_timeout: longest wait for one answer, seconds.
    tcp_user_timeout_ms: how long sent data may stay unacknowledged by the peer's kernel.
    """

    def __init__(
        self,
        dsn: str,
        *,
        run: str,
        table: str = "storm_orders",
        connect_timeout: float | None = None,
        response_timeout: float = 3.0,
        tcp_user_timeout_ms: int = 1000,
    ) -> None:
        self._dsn = parse_dsn(dsn, tcp_user_timeout_ms)
        self._run, self._table = run, valid_table(table)
        self._connect_timeout = connect_timeout or self._dsn.connect_timeout or 1.0
        self._response_timeout = response_timeout
        self._abort = threading.Event()

    @property
    def target(self) -> str:
        return self._dsn.shown

    def connect(self) -> PostgresSession:
        return self._open(self._response_timeout, self._abort)

    def abort(self) -> None:
        self._abort.set()

    def prepare(self, timeout: float) -> None:
        def create() -> None:
            with self._session(max(timeout, self._response_timeout)) as session:
                if not session.rows(_EXISTS, self._table):
                    session.execute(_DDL.format(table=self._table))

        self._eventually(create, timeout, f"table {self._table} cannot be created")

    def stored(self, run: str, timeout: float) -> Mapping[str, int]:
        def count() -> dict[str, int]:
            with self._session(max(timeout, self._response_timeout)) as session:
                if session.rows(_NOT_WRITABLE) != [("f",)]:
                    raise DatabaseError(READ_ONLY, "a standby or read-only server answered, whose rows prove nothing")
                if not session.rows(_EXISTS, self._table):
                    raise DatabaseError("42P01", "the table does not exist there: another database, or all is lost")
                sql = f"SELECT id::text, count(*) FROM {self._table} WHERE run = $1 GROUP BY id"  # noqa: S608 checked name
                return {order: int(rows) for order, rows in session.rows(sql, run)}

        return self._eventually(count, timeout, f"run {run} in table {self._table} cannot be audited")

    def remove(self, run: str) -> None:
        try:
            with self._session(10.0) as session:
                session.execute("BEGIN")
                session.execute("SET LOCAL lock_timeout = '500ms'")
                session.execute(f"LOCK TABLE {self._table} IN ACCESS EXCLUSIVE MODE")
                if not session.rows(f"SELECT 1 FROM {self._table} WHERE run <> $1 LIMIT 1", run):  # noqa: S608 checked name
                    session.execute(f"DROP TABLE {self._table}")
                    session.execute("COMMIT")
                    return
        except DatabaseError:
            pass  # another storm is using the table, or it is somebody else's: our own rows can still go
        with self._session(60.0) as session:
            session.execute(f"DELETE FROM {self._table} WHERE run = $1", run)  # noqa: S608 checked name

    @contextmanager
    def _session(self, timeout: float) -> Iterator[PostgresSession]:
        session = self._open(timeout, threading.Event())
        try:
            yield session
        finally:
            session.close()

    def _open(self, response_timeout: float, abort: threading.Event) -> PostgresSession:
        error = DatabaseError("ConnectionFailed", "the DSN names no host")
        for conninfo in self._dsn.ordered():
            try:
                pgconn = wire.connect(conninfo, self._connect_timeout, abort)
            except DatabaseError as failure:
                error = failure
                if abort.is_set():
                    break
            else:
                return PostgresSession(pgconn, self._table, self._run, response_timeout, abort)
        raise error

    def _eventually(self, attempt: Callable[[], T], timeout: float, failed: str) -> T:
        """Try ``attempt`` until it succeeds, fails for a reason that will not pass, or ``timeout`` seconds are over."""
        end = time.monotonic() + timeout
        while True:
            try:
                return attempt()
            except DatabaseError as error:
                passing = error.error_class.startswith(_TRANSIENT)
                if not passing or time.monotonic() >= end:
                    waited = f" after {timeout:g} s of trying" if passing else ""
                    raise StormError(f"{failed} at {self.target}{waited}: {error.error_class}: {error}") from error
            time.sleep(0.1)
