"""A PgBouncer small enough for a test: it speaks the console's protocol on a real Unix socket and can be paused."""

from __future__ import annotations

import contextlib
import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import Instance

CLIENT = {
    "user": "app", "database": "app", "addr": "192.0.2.9", "port": "4711", "link": "0x1",
    "request_time": "2026-11-23 02:00:05 UTC", "application_name": "nightly",
}  # fmt: skip


class Complaint(Exception):
    """What the console answers with an error."""


@dataclass
class FakePooler:
    """Databases by name, paused or not; ``open``: transactions that no pause can wait for. ``seen``: every command.

    ``held``: the whole is paused or suspended; None: a version that has no SHOW STATE.
    """

    databases: dict[str, bool] = field(default_factory=lambda: {"app": False, "postgres": False})
    open: dict[str, int] = field(default_factory=dict)
    held: str | None = ""
    wait_timeout: str = "30"
    deaf: bool = False
    seen: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def command(self, text: str) -> list[dict[str, str]]:
        """The rows of the answer."""
        if not text.startswith("SHOW"):
            self.seen.append(text)
        if match := re.fullmatch(r'(PAUSE|RESUME|RECONNECT) "?([^"]+)"?', text):
            return self._one(match[1], match[2])
        shown = {
            "SHOW VERSION": [{"version": "PgBouncer 1.24.1"}],
            "SHOW CONFIG": [{"key": "query_wait_timeout", "value": self.wait_timeout}],
            "SHOW CLIENTS": [CLIENT] if self.open else [],
            "SHOW DATABASES": [self._database(name) for name in ["pgbouncer", *self.databases]],
            "SHOW POOLS": [self._pool(name) for name in self.databases],
        }
        if text == "SHOW STATE" and self.held is not None:
            return [{"key": word, "value": "yes" if self.held == word else "no"} for word in ("paused", "suspended")]
        if text == "RESUME":
            if not self.held:
                raise Complaint("pooler is not paused/suspended")
            self.held = ""
            return []
        if text not in shown:
            raise Complaint(f"invalid command '{text}', use SHOW HELP;")
        return shown[text]

    def _one(self, verb: str, name: str) -> list[dict[str, str]]:
        if verb == "RECONNECT":
            return []
        if verb == "RESUME" and not self.databases[name]:
            raise Complaint(f"database {name} is not paused")
        self.databases[name] = verb == "PAUSE"
        if verb == "PAUSE" and self.open.get(name):
            self.released.wait(20)
        return []

    def _database(self, name: str) -> dict[str, str]:
        return {"name": name, "paused": str(int(self.databases.get(name, False))), "disabled": "0"}

    def _pool(self, name: str) -> dict[str, str]:
        return {
            "database": name, "cl_active": "2", "cl_waiting": "1", "sv_active": str(self.open.get(name, 0)),
            "sv_tested": "0", "sv_idle": "1", "sv_used": "1", "maxwait": "2", "maxwait_us": "500000",
        }  # fmt: skip


def message(kind: bytes, body: bytes) -> bytes:
    """One message of the server."""
    return kind + struct.pack("!i", len(body) + 4) + body


def rows(found: list[dict[str, str]]) -> bytes:
    """RowDescription and DataRows; nothing for a command without rows."""
    if not found:
        return b""
    columns = list(found[0])
    text = struct.pack("!h", len(columns)) + b"".join(name.encode() + b"\0" + bytes(18) for name in columns)
    data = message(b"T", text)
    for row in found:
        values = b"".join(struct.pack("!i", len(value)) + value.encode() for value in row.values())
        data += message(b"D", struct.pack("!h", len(row)) + values)
    return data


@contextlib.contextmanager
def serving(pooler: FakePooler, folder: Path) -> Iterator[None]:
    """That PgBouncer on a socket in ``folder``."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = struct.unpack("!i", self.rfile.read(4))[0]
            self.rfile.read(length - 4)
            ready = message(b"Z", b"I")
            self.wfile.write(message(b"R", struct.pack("!i", 0)) + message(b"S", b"a\0b\0") + ready)
            while head := self.rfile.read(5):
                text = self.rfile.read(struct.unpack("!i", head[1:])[0] - 4).rstrip(b"\0").decode()
                if pooler.deaf:
                    pooler.released.wait(20)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    try:
                        self.wfile.write(rows(pooler.command(text)) + message(b"C", b"DONE\0") + ready)
                    except Complaint as complaint:
                        fields = b"SERROR\0C08P01\0M" + str(complaint).encode() + b"\0\0"
                        self.wfile.write(message(b"E", fields) + ready)

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False

    folder.mkdir(parents=True, exist_ok=True)
    with Server(str(folder / ".s.PGSQL.5432"), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield
        pooler.released.set()
        listener.shutdown()


class FakeRunner:
    """systemd as far as a lease needs it. ``seen`` holds every command line."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.refuses = ""

    def run(self, argv: Any, *, timeout: float, stdin: str | None = None, env: Any = None) -> Completed:
        """See Runner."""
        self.seen.append(list(argv))
        return Completed(rc=1 if self.refuses else 0, stdout="", stderr=self.refuses)


@pytest.fixture
def pooler() -> FakePooler:
    """Two databases, nobody paused."""
    return FakePooler()


@pytest.fixture
def instance(pooler: FakePooler, tmp_path: Path) -> Iterator[Instance]:
    """A pool that answers, with the program that ends a lease."""
    program = tmp_path / "program"
    program.touch()
    (tmp_path / "read_write.ini").touch()
    found = Instance("read_write", run=str(tmp_path), etc=str(tmp_path), program=str(program))
    with serving(pooler, Path(found.socket_directory)):
        yield found


@pytest.fixture
def runner() -> FakeRunner:
    """A systemd that does as it is told."""
    return FakeRunner()
