# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the storm's parts agree on: an order, the errors a database may answer with, and what a database must offer.

The storm knows a database only through the two protocols below, so that its own tests can drive it with an in-memory
database that lies in known ways (``tests/unit/storm/fake.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

READ_ONLY = "25006"
"""SQLSTATE of ``read_only_sql_transaction``: the writer was routed to a standby."""

STOPPED = "StormStopped"
"""Class of the one error that is the storm's own doing: it was told to stop and gave up waiting for an answer."""


@dataclass(frozen=True)
class Order:
    """One order. ``id`` is made by the client, so that it can be recognised without an answer from the server."""

    id: str
    writer: int
    sequence: int


class StormError(Exception):
    """The storm cannot do what it was asked to; the message says what was seen and what to do next."""


class DatabaseError(Exception):
    """The database, or the way to it, failed.

    ``error_class`` is the five-character SQLSTATE when the server named one, else a name: ``ConnectionTimeout`` (no
    session within the connect timeout), ``ConnectionFailed`` (refused, or the server turned the session down; libpq
    gives no SQLSTATE there), ``ConnectionLost``, ``ResponseTimeout`` (no answer within the response timeout),
    ``CommitRefused`` (COMMIT was answered, but not with COMMIT), ``CommitNotReplicated`` (committed with the warning
    that the wait for the synchronous standby was cancelled) or ``StormStopped``.
    """

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class Session(Protocol):
    """One connection. Every call raises :class:`DatabaseError` on failure, after which only ``close`` may be called."""

    def begin(self) -> None: ...

    def insert(self, order: Order) -> str:
        """Returns the address of the server that took it; empty when the server does not know it."""

    def commit(self) -> None:
        """Return only when the server acknowledged the commit."""

    def close(self) -> None: ...


class Database(Protocol):
    """Where the orders go."""

    @property
    def target(self) -> str:
        """Where that is, for people and reports. Never holds a password."""

    def prepare(self, timeout: float) -> None:
        """Create the table unless it exists; keep trying for ``timeout`` seconds, then raise :class:`StormError`."""

    def connect(self) -> Session:
        """Open a session. Raises :class:`DatabaseError`."""

    def stored(self, run: str, timeout: float) -> Mapping[str, int]:
        """How many rows each order id of ``run`` has, read from a writable primary.

        Keeps trying for ``timeout`` seconds, then raises :class:`StormError`: an answer from a standby would not count.
        """

    def remove(self, run: str) -> None:
        """Delete the rows of ``run``, and the table with them once it is empty. Raises :class:`DatabaseError`."""

    def abort(self) -> None:
        """Make every session of ``connect`` that waits for the server give up soon, with class ``StormStopped``."""
