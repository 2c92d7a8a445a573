"""A HAProxy small enough for a test: it speaks the runtime API on a real Unix socket and keeps servers' state."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.server_state import (
    FORCED_DRAIN,
    FORCED_MAINT,
    RUNNING,
    STOPPED,
    ServerState,
    render,
)

ADMIN = {"ready": 0, "drain": FORCED_DRAIN, "maint": FORCED_MAINT}


class FakeHaproxy:
    """Answers like HAProxy 3.0: silent when an order works, text when it does not. ``seen`` holds every line.

    ``old`` maps the process id of an older worker to the lines of its ``show sess``.
    """

    def __init__(self, servers: list[ServerState]) -> None:
        self.servers = {server.key: server for server in servers}
        self.old: dict[int, list[str]] = {}
        self.deaf_to: set[str] = set()
        self.seen: list[str] = []

    def command(self, line: str) -> str:
        """The answer to one line."""
        self.seen.append(line)
        return "\n".join(self._one(part.strip()) for part in line.split(";"))

    def _one(self, line: str) -> str:
        if line == "show servers state":
            return render(self.servers.values())
        if line == "show info":
            return "Version: 3.0.11\nUptime_sec: 60\n"
        if line.startswith("show stat"):
            return "# pxname,svname,status,check_status,\n"
        if line == "show proc":
            old = "".join(f"{pid}            worker          1               0d00h04m02s\n" for pid in self.old)
            return f"#<PID>  <type>\n660  master  3\n# workers\n700  worker\n# old workers\n{old}# programs\n"
        if match := re.fullmatch(r"@!(\d+) show sess", line):
            return "\n".join(self.old[int(match[1])])
        if match := re.fullmatch(r"@!(\d+) shutdown session (\S+)", line):
            self.old[int(match[1])] = [s for s in self.old[int(match[1])] if not s.startswith(match[2])]
            return ""
        if match := re.fullmatch(r"set server (\S+)/(\S+) (state|weight|health) (\S+)", line):
            return self._set((match[1], match[2]), match[3], match[4])
        return "Unknown command: 'x', but maybe one of the following ones is a better match:"

    def _set(self, key: tuple[str, str], what: str, value: str) -> str:
        if key not in self.servers:
            return "No such server.\n"
        if what in self.deaf_to:
            return ""
        server = self.servers[key]
        if what == "weight":
            server = replace(server, weight=int(value))
        elif what == "health":
            server = replace(server, operational=STOPPED)
        else:
            # Leaving maintenance, HAProxy takes a server for healthy until a check says otherwise.
            left = server.admin == FORCED_MAINT and value == "ready"
            server = replace(server, admin=ADMIN[value], operational=RUNNING if left else server.operational)
        self.servers[key] = server
        return ""


def server(name: str, backend: str = "postgresql_primary", **changes: int) -> ServerState:
    """A server that is up and in service."""
    base = ServerState(backend, name, f"192.0.2.2{name[-1]}", 5432, RUNNING, 0, 1, 1)
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture
def haproxy() -> FakeHaproxy:
    """Two servers in both backends."""
    return FakeHaproxy(
        [server(name, backend) for backend in ("postgresql_primary", "postgresql_replicas") for name in ("pg1", "pg2")]
    )


@pytest.fixture
def listening(haproxy: FakeHaproxy, tmp_path: Path) -> Iterator[Path]:
    """The socket on which that HAProxy answers, as HAProxy does: it closes once the other side has said everything."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines = self.rfile.read().decode().splitlines()
            self.wfile.write(("\n".join(haproxy.command(line) for line in lines) + "\n").encode())

    path = tmp_path / "admin.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield path
        listener.shutdown()
