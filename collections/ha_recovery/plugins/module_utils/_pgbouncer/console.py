# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PgBouncer's admin console over its Unix socket: one connection, one command at a time, always with a time limit.

Spoken directly rather than through psql, whose start alone costs more than a pause of the pool should last.
Also installed on the load balancer beside the program that ends a lease: standard library only, no relative imports.
Source: PostgreSQL manual, chapter "Frontend/Backend Protocol" (simple query); pgbouncer(1), "Admin console".
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

#: The console's name as a database, and the role that the socket's peer check lets root be.
DATABASE = "pgbouncer"
USER = "root"
_PROTOCOL_3 = 196608


class ConsoleError(Exception):
    """PgBouncer gave no usable answer."""


class NotRunning(ConsoleError):
    """Nobody listens on the socket."""


class NoAnswer(ConsoleError):
    """Somebody listens, and does not answer in time."""


class Refused(ConsoleError):
    """PgBouncer answered a command with an error; the message is PgBouncer's."""


def socket_in(directory: str) -> str:
    """The socket in an instance's directory (its name carries the port). Raises :class:`NotRunning`."""
    try:
        names = sorted(path for path in Path(directory).glob(".s.PGSQL.*") if path.is_socket())
    except OSError as error:
        raise NotRunning(f"cannot look for PgBouncer's socket in {directory}: {error.strerror}") from error
    if not names:
        raise NotRunning(f"PgBouncer does not run: there is no socket in {directory}")
    return str(names[0])


class Console:
    """A session of the console behind the socket at ``path``; close it, or use it as a context manager."""

    def __init__(self, path: str, timeout: float = 2.0) -> None:
        """Log in within ``timeout`` seconds. Raises :class:`ConsoleError`."""
        self.path = path
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._open(timeout)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave. A command that still waits (PAUSE) is not undone by this."""
        self._socket.close()

    def query(self, command: str, timeout: float = 2.0) -> list[dict[str, str]]:
        """The rows that a command answers with, text by column name. Raises :class:`ConsoleError`."""
        self.send(command)
        return self.answer(command, timeout)

    def send(self, command: str) -> None:
        """Give a command without waiting for its answer."""
        try:
            self._socket.sendall(_message(b"Q", command.encode() + b"\0"))
        except OSError as error:
            raise NotRunning(f"PgBouncer at {self.path} went away: {error.strerror}") from error

    def answer(self, command: str, timeout: float) -> list[dict[str, str]]:
        """The answer to the command sent last. Raises :class:`NoAnswer` after ``timeout`` seconds; ask again then."""
        columns: list[str] = []
        rows: list[dict[str, str]] = []
        refusal = ""
        for kind, body in self._messages(timeout, command):
            if kind == b"T":
                columns = list(_column_names(body))
            elif kind == b"D":
                rows.append(dict(zip(columns, _values(body))))
            elif kind == b"E":
                refusal = _error_text(body)
            elif kind == b"Z":
                break
        if refusal:
            raise Refused(f"PgBouncer refused `{command}`: {refusal}")
        return rows

    def _open(self, timeout: float) -> None:
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(self.path)
            self._socket.sendall(_message(b"", struct.pack("!i", _PROTOCOL_3) + _startup(USER, DATABASE)))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning(f"PgBouncer does not listen on {self.path} ({error.strerror})") from error
        except (TimeoutError, BlockingIOError) as error:
            raise NoAnswer(f"PgBouncer did not answer on {self.path} within {timeout:g} s") from error
        except OSError as error:
            raise ConsoleError(f"cannot talk to PgBouncer on {self.path}: {error.strerror or error}") from error
        for kind, body in self._messages(timeout, "log in"):
            if kind == b"E":
                raise Refused(f"PgBouncer refused the login to its console on {self.path}: {_error_text(body)}")
            if kind == b"R" and struct.unpack("!i", body[:4])[0] != 0:
                raise Refused(
                    f"PgBouncer wants a password on {self.path}; its console knows {USER} by the socket's peer"
                )
            if kind == b"Z":
                return

    def _messages(self, timeout: float, what: str) -> Iterator[tuple[bytes, bytes]]:
        """Messages of the server until the caller has what it waits for."""
        end = time.monotonic() + timeout
        while True:
            while len(self._buffer) < 5 or len(self._buffer) < 1 + struct.unpack("!i", self._buffer[1:5])[0]:
                self._receive(end, timeout, what)
            length = 1 + struct.unpack("!i", self._buffer[1:5])[0]
            kind, body = self._buffer[:1], self._buffer[5:length]
            self._buffer = self._buffer[length:]
            yield kind, body

    def _receive(self, end: float, timeout: float, what: str) -> None:
        self._socket.settimeout(max(0.001, end - time.monotonic()))
        try:
            chunk = self._socket.recv(65536)
        except (TimeoutError, BlockingIOError) as error:
            raise NoAnswer(f"PgBouncer did not answer `{what}` on {self.path} within {timeout:g} s") from error
        except OSError as error:
            raise ConsoleError(f"cannot talk to PgBouncer on {self.path}: {error.strerror or error}") from error
        if not chunk:
            raise NotRunning(f"PgBouncer closed its console on {self.path}")
        self._buffer += chunk


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _startup(user: str, database: str) -> bytes:
    return b"".join(
        text.encode() + b"\0" for text in ("user", user, "database", database, "application_name", "ha_recovery", "")
    )


def _column_names(body: bytes) -> Iterator[str]:
    """RowDescription: a count, then a name and 18 bytes of description for each column."""
    position = 2
    for _column in range(struct.unpack("!h", body[:2])[0]):
        end = body.index(b"\0", position)
        yield body[position:end].decode(errors="replace")
        position = end + 19


def _values(body: bytes) -> Iterator[str]:
    """DataRow: a count, then a length (-1: null) and as many bytes for each value."""
    position = 2
    for _value in range(struct.unpack("!h", body[:2])[0]):
        length = struct.unpack("!i", body[position : position + 4])[0]
        position += 4
        yield body[position : position + max(0, length)].decode(errors="replace")
        position += max(0, length)


def _error_text(body: bytes) -> str:
    """ErrorResponse: fields of one letter and a text; M is the message."""
    fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
    return fields.get(b"M", b"no reason given").decode(errors="replace")


def connect(directory: str, timeout: float = 2.0) -> Console:
    """A session with the instance whose socket lies in ``directory``. Raises :class:`ConsoleError`."""
    return Console(socket_in(directory), timeout)
