# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the postmaster still take connections? An established session cannot tell: it never talks to the postmaster.

The cheapest true question is a TLS request on the unix socket: the postmaster has to accept and fork, and the child
answers with one byte, before any login. It takes no connection slot and leaves nothing in the log (unless
log_connections is on, which logs every connection received).
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
# The answer takes about 2 ms. A question that stays open is a child of the postmaster, for which a shutdown waits:
# asked during one, it would hold it up until the next look (and a planned switchover's clients with it).
PATIENCE_MS = 25


def open_socket(path: str) -> socket.socket:
    """Connect to the unix socket without waiting, and ask. Raises OSError (EAGAIN: the queue is full)."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.setblocking(False)
        channel.connect(path)
        channel.send(SSL_REQUEST)
    except OSError:
        channel.close()
        raise
    return channel


class Postmaster:
    """Asks every ``interval`` seconds; keeps one question in flight at most."""

    def __init__(
        self,
        path: str,
        clock: Callable[[], float],
        *,
        interval: float,
        connect: Callable[[str], socket.socket] = open_socket,
    ) -> None:
        self._path, self._clock, self._interval, self._connect = path, clock, interval, connect
        self._channel: socket.socket | None = None
        self._asked_at: float | None = None

    def look(self, limit: float) -> str:
        """Why new connections are not served, or an empty string. Waits for :data:`PATIENCE_MS` at most.

        A refused connection is not reported here: the session finds that out with a better message.
        """
        now = self._clock()
        if self._channel is not None:
            self._read(0)
        if self._channel is None and (self._asked_at is None or now - self._asked_at >= self._interval):
            self._asked_at = now
            try:
                self._channel = self._connect(self._path)
            except BlockingIOError:
                self._asked_at = None  # ask again at the next look: this costs nothing
                return "the queue of new connections is full"
            except OSError:
                return ""
            self._read(PATIENCE_MS)
        if self._channel is not None and self._asked_at is not None and now - self._asked_at > limit:
            return f"a new connection has been waiting for {now - self._asked_at:.1f} s"
        return ""

    def close(self) -> None:
        """Forget the question in flight."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _read(self, patience_ms: int) -> None:
        """Any byte, and also the end of the connection, is a sign that somebody served it."""
        assert self._channel is not None  # noqa: S101 - for the type checker
        poller = select.poll()
        poller.register(self._channel, select.POLLIN)
        if poller.poll(patience_ms):
            self.close()
