# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's runtime API: one command, one answer, over a Unix socket, always with a time limit.

Also installed on the load balancer beside the program ``haproxy_state``: standard library only, no relative imports.
Source: HAProxy management guide, 9.3 "Unix Socket commands" and 9.4 "Master CLI".
"""

from __future__ import annotations

import re
import socket
from typing import Protocol


class RuntimeApiError(Exception):
    """HAProxy gave no usable answer."""


class NotRunning(RuntimeApiError):
    """Nobody listens on the socket."""


class NoAnswer(RuntimeApiError):
    """Somebody listens, and does not answer in time."""


class CommandRefused(RuntimeApiError):
    """HAProxy answered a command, which is silent when it works, with a complaint."""


class Api(Protocol):
    """What code needs of the runtime API; tests hand in a table of answers."""

    def command(self, line: str) -> str:
        """The answer to one line of commands."""


class RuntimeApi:
    """The runtime API behind the socket at ``path``. ``timeout`` is in seconds, for each command as a whole step."""

    def __init__(self, path: str, timeout: float = 2.0) -> None:
        self.path = path
        self.timeout = timeout

    def command(self, line: str) -> str:
        """The answer to ``line`` without the blank line that ends it. Raises :class:`RuntimeApiError`."""
        chunks = []
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self.timeout)
                connection.connect(self.path)
                connection.sendall(line.encode() + b"\n")
                connection.shutdown(socket.SHUT_WR)  # the master's socket ends its answer only then
                while chunk := connection.recv(65536):
                    chunks.append(chunk)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning(f"HAProxy does not listen on {self.path} ({error.strerror})") from error
        except (TimeoutError, BlockingIOError) as error:
            raise NoAnswer(f"HAProxy did not answer on {self.path} within {self.timeout:g} s") from error
        except OSError as error:
            raise RuntimeApiError(f"cannot talk to HAProxy on {self.path}: {error.strerror or error}") from error
        return b"".join(chunks).decode(errors="replace").strip("\n")


def order(api: Api, line: str) -> None:
    """Give an order that is silent when it works: HAProxy reports an error as text, with no status, so any text is one.

    Raises :class:`CommandRefused` with that text.
    """
    answer = api.command(line).strip()
    if answer:
        raise CommandRefused(f"HAProxy refused `{line}`: {' '.join(answer.split())}")


def parse_info(text: str) -> dict[str, str]:
    """``show info``: one ``Name: value`` a line."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def parse_old_workers(text: str) -> tuple[int, ...]:
    """``show proc`` of the master: the processes that a reload left behind to finish their connections."""
    pids = []
    old = False
    for line in text.splitlines():
        if line.startswith("#"):
            old = line.strip() == "# old workers"
        elif old and (match := re.match(r"(\d+)\s+worker\b", line)):
            pids.append(int(match.group(1)))
    return tuple(pids)


def parse_sessions(text: str) -> tuple[tuple[str, str, str], ...]:
    """``show sess``: (session id, backend, server) of each session that has a server.

    A line reads ``0x55…: proto=tcpv4 src=10.0.0.9:40000 fe=web be=app srv=a1 ts=00 …``.
    """
    found = []
    for line in text.splitlines():
        match = re.match(r"(0x[0-9a-f]+): .*\bbe=(\S+) srv=(\S+)", line)
        if match and match.group(3) != "<none>":
            found.append((match.group(1), match.group(2), match.group(3)))
    return tuple(found)
