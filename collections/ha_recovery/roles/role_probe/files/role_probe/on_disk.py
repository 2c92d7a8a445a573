# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on this host's disk: the control file's timeline, the fence, and what the boot guard said last.

The probe may not read the data directory. The role boot_guard offers a unix socket behind which systemd starts a small
program that may; it is asked while there is no running server to ask, and when somebody wants to know.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from .state import OnDisk, View

POLL_S = 0.25
LARGEST_ANSWER = 65536


def fetch(path: str, timeout: float, clock: Callable[[], float]) -> Any:
    """The answer at the socket, decoded. The limit holds for the whole exchange. Raises OSError or ValueError."""
    deadline = clock() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(timeout)
        channel.connect(path)
        answer = b""
        while len(answer) <= LARGEST_ANSWER:
            left = deadline - clock()
            if left <= 0:
                raise TimeoutError("timed out")
            channel.settimeout(left)
            part = channel.recv(65536)
            if not part:
                break
            answer += part
    return json.loads(answer)


class Disk:
    """The last answer. ``run()`` asks for a new one when the server cannot tell by itself, or when woken."""

    def __init__(
        self,
        path: str,
        clock: Callable[[], float],
        *,
        every: float,
        timeout: float,
        get: Callable[[str, float, Callable[[], float]], Any] = fetch,
    ) -> None:
        self._path, self._clock, self._every, self._timeout, self._get = path, clock, every, timeout, get
        self._known = OnDisk()
        self._wake = threading.Event()
        self._of: tuple[str, float] = ("", 0.0)  # state and start of the server that was asked about last

    def known(self) -> OnDisk:
        """What is known now. Safe from any thread."""
        return self._known

    def wake(self) -> None:
        """Somebody wants to know. Safe from any thread."""
        self._wake.set()

    def ask(self) -> None:
        """Ask once. What was told before stays when there is no answer, with its age."""
        asked_at = self._clock()
        try:
            told = self._get(self._path, self._timeout, self._clock)
            if not isinstance(told, Mapping):
                raise ValueError("the answer is not an object")
            self._known = OnDisk(asked_at=asked_at, told=told)
        except FileNotFoundError:
            self._known = OnDisk(error="the boot guard is not installed")
        except (OSError, ValueError) as error:
            before = self._known
            self._known = OnDisk(before.asked_at, before.told, str(error) or type(error).__name__)

    def due(self, view: View) -> bool:
        """Whether the server alone cannot tell what this host knows, or was started since the last question."""
        server = view.snapshot.server
        now = (view.snapshot.state, server.started_at if server else 0.0)
        changed, self._of = now != self._of, now
        late = self._known.asked_at is None or view.now - self._known.asked_at >= self._every
        streams = server is not None and server.receiver is not None and server.receiver.status == "streaming"
        knows = server is not None and (server.role == "primary" or streams)
        return changed or (late and not knows)

    def run(self, view: Callable[[], View], stop: threading.Event) -> None:
        """Until ``stop`` is set."""
        while not stop.is_set():
            woken = self._wake.wait(POLL_S)
            self._wake.clear()
            if not stop.is_set() and (self.due(view()) or woken):
                self.ask()
