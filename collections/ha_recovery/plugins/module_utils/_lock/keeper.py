# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper: a small process on the control node that holds a run's lock until that run's ansible-playbook has ended.

It is started by the first task that wants the lock, reads one JSON line from its stdin, and listens on a socket that
belongs to its user alone. Later tasks of the same run ask it there: ``{"want": "state"}`` is answered when it is known
whether the lock is held, ``{"want": "release"}`` when it was let go. ``{"want": "borrow"}`` begins a loan of its
sessions (`_session.lending`), one at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.acquisition import Acquisition
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import Holder
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import process_began
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Limits
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.lending import Loan

POLL_S = 0.25
# What hosts load as soon as they hold the lock, and once they have been looked at: a call's code is not waited for when
# it comes. Those that do not exist on a host cost it a few milliseconds.
LOOK_CALLS = ("cluster_info", "haproxy_info", "keepalived_info", "undo")
ACT_CALLS = ("fence", "follow", "promote", "turn_to_promoted", "client_check", "drain_enter", "pgbouncer_pause")
RETAKE_EVERY_S = 10.0
FIRST_RETAKE_S = 3.0


def ended(holder: Holder) -> bool:
    """Whether a run has ended, as far as this machine can tell."""
    return holder.control_host == socket.gethostname() and process_began(holder.pid) != holder.began


class Watch:
    """Waits for a process that is nobody's child. pidfd_open(2) tells at once; without it, /proc is asked."""

    def __init__(self, pid: int, began: str) -> None:
        self._pid, self._began = pid, began
        self._fd: int | None = None
        with contextlib.suppress(OSError, AttributeError):
            self._fd = os.pidfd_open(pid)

    def gone(self, wait: float) -> bool:
        """True when it has ended; waits so many seconds for it."""
        if self._fd is not None and select.select([self._fd], [], [], wait)[0]:
            return True
        if self._fd is None:
            time.sleep(wait)
        return process_began(self._pid) != self._began


class Keeper:
    """Serves one run."""

    def __init__(self, listener: socket.socket, acquisition: Acquisition) -> None:
        self._listener = listener
        self._acquisition = acquisition
        self._decided = threading.Event()
        self._over = threading.Event()
        self._lending = threading.Lock()
        self._warm = False

    def run(self, gone: Callable[[float], bool]) -> None:
        """Until ``gone``, until somebody wants it released, or until a refusal was told."""
        threading.Thread(target=self._acquire, daemon=True).start()
        threading.Thread(target=self._serve, daemon=True).start()
        retake_at = time.monotonic() + FIRST_RETAKE_S
        while not self._over.is_set() and not gone(POLL_S):
            if self._decided.is_set() and time.monotonic() > retake_at:
                threading.Thread(target=self._acquisition.retake, daemon=True).start()
                retake_at = time.monotonic() + RETAKE_EVERY_S
        self._acquisition.release()

    def _acquire(self) -> None:
        try:
            self._acquisition.acquire()
        finally:
            self._decided.set()
        self._acquisition.warm(LOOK_CALLS)

    def _serve(self) -> None:
        while True:
            client, _address = self._listener.accept()
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ValueError), client.makefile("rw", encoding="utf-8") as stream:
            request = json.loads(stream.readline())
            want = request["want"]
            self._decided.wait()
            answer = self._acquisition.as_dict()
            if want == "borrow" and answer["state"] == "held":
                with self._lending:
                    self._lend(stream, request["hosts"])
                return
            if want == "release":
                self._acquisition.release()
                answer["state"] = "released"
            stream.write(json.dumps(answer) + "\n")
            stream.flush()
            if answer["state"] != "held":
                self._over.set()

    def _lend(self, stream: TextIO, hosts: list[str]) -> None:
        loan = Loan(self._acquisition, hosts)
        stream.write(json.dumps({"state": "held", "lent": loan.lent}) + "\n")
        stream.flush()
        loan.serve(stream)
        if not self._warm:
            self._warm = True
            self._acquisition.warm(ACT_CALLS)


def listen(path: Path) -> socket.socket:
    """A socket for this user alone. The folder is ours (`socket_path`)."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def main() -> None:
    """Read the request, say that questions may come, keep the lock."""
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    holder = Holder(**request["holder"])
    connections = [Connection(**{**one, "ssh_args": tuple(one["ssh_args"])}) for one in request["connections"]]
    path = Path(request["socket"])
    listener = listen(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    # Whoever waits for ansible-playbook's output to end must not wait for the keeper.
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch = Watch(holder.pid, holder.began)
    try:
        Keeper(listener, Acquisition(connections, Limits(**request["limits"]), holder, ended)).run(watch.gone)
    finally:
        path.unlink(missing_ok=True)
        os._exit(0)
