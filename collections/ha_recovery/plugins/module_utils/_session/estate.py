# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions with many hosts at once. Dead and frozen hosts cost one short wait together, never one after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.reach import reach
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer, Session, take

Questions = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Limits:
    """Seconds: until TCP is accepted, until the SSH banner, until the agent answers (a busy host takes long)."""

    connect: float = 1.0
    banner: float = 4.0
    login: float = 12.0


class Estate:
    """Opens sessions with every host in parallel; a context manager that closes them all."""

    def __init__(self, connections: Iterable[Connection], limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.sessions = {one.host: Session(one) for one in connections}
        self.reach: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Estate:
        threads = [threading.Thread(target=self._open, args=(name,), daemon=True) for name in self.sessions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        threads = [threading.Thread(target=one.end, daemon=True) for one in self.sessions.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _open(self, name: str) -> None:
        session = self.sessions[name]
        began = time.monotonic()
        session.start()
        if session.connection.direct and self.limits.connect > 0:
            seen = reach(
                session.connection.address,
                session.connection.port,
                connect_timeout=self.limits.connect,
                banner_timeout=self.limits.banner,
            )
            if not seen["ok"]:
                session.end(seen["why"])
                self.reach[name] = seen
                return
        session.wait(began + self.limits.login)
        seconds = round(time.monotonic() - began, 3)
        self.reach[name] = {"ok": session.ok, "tcp": True, "why": session.why, "seconds": seconds}

    def call(self, host: str, call: str, args: Mapping[str, Any] | None = None, timeout: float = 5.0) -> Answer:
        """One call of one host."""
        return self.sessions[host].call(call, args, timeout)

    def call_all(self, questions: Questions, timeout: float = 5.0) -> dict[str, dict[str, Answer]]:
        """``{host: {call: args}}`` all at once; the time limit holds for all of them together."""
        deadline = time.monotonic() + timeout
        sent = {
            host: {call: self.sessions[host].submit(call, args) for call, args in calls.items()}
            for host, calls in questions.items()
        }
        return {
            host: {
                call: take(future, max(0.001, deadline - time.monotonic()), call, timeout)
                for call, future in calls.items()
            }
            for host, calls in sent.items()
        }
