# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An estate whose sessions somebody else keeps open: the borrower's side of `_session.lending`.

It is used like :class:`Estate`. Hosts that the lender has no session with are logged in to on the side.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate, Limits, Questions
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer

# Beyond what the lender itself may take.
PATIENCE_S = 10.0


class LenderGone(Exception):
    """Whoever kept the sessions has ended, and with it all that was under way."""


class BorrowedEstate:
    """A context manager; what was left behind on the hosts is undone at its end, as with sessions of one's own."""

    def __init__(self, path: Path, connections: Iterable[Connection], limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._connections = list(connections)
        self._path = path
        self._link: socket.socket | None = None
        self._stream: TextIO | None = None
        self._lent: set[str] = set()
        self._side: Estate | None = None
        self._opening: threading.Thread | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> BorrowedEstate:
        self._link = socket.socket(socket.AF_UNIX)
        try:
            self._link.connect(str(self._path))
        except OSError as error:
            self._link.close()
            raise self._gone() from error
        self._stream = self._link.makefile("rw", encoding="utf-8")
        answer = self._talk({"want": "borrow", "hosts": [one.host for one in self._connections]}, 0)
        if answer["state"] != "held":
            raise LenderGone(str(answer.get("msg") or "the runbook lock is not held any more"))
        self._lent = set(answer["lent"])
        self._side = Estate((one for one in self._connections if one.host not in self._lent), self.limits)
        self._opening = threading.Thread(target=self._side.__enter__, daemon=True)
        self._opening.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if not isinstance(error, LenderGone):
                self._talk({"want": "return"}, 0)
        finally:
            for one in (self._stream, self._link):
                if one is not None:
                    with contextlib.suppress(OSError):
                        one.close()
            self._aside().__exit__(kind, error, at)

    @property
    def reach(self) -> dict[str, dict[str, Any]]:
        """As of :class:`Estate`; waits until every host has been tried."""
        lent = self._talk({"want": "reach"}, 0) if self._lent else {}
        return {**lent, **self._aside().reach}

    def call(self, host: str, call: str, args: Mapping[str, Any] | None = None, timeout: float = 5.0) -> Answer:
        """One call of one host."""
        return self.call_all({host: {call: args or {}}}, timeout)[host][call]

    def call_all(self, questions: Questions, timeout: float = 5.0) -> dict[str, dict[str, Answer]]:
        """As of :class:`Estate`: all at once, lent or not."""
        lent = {host: calls for host, calls in questions.items() if host in self._lent}
        aside = {host: calls for host, calls in questions.items() if host not in self._lent}
        found: dict[str, dict[str, Answer]] = {}
        beside = threading.Thread(target=lambda: found.update(self._aside().call_all(aside, timeout)), daemon=True)
        if aside:
            beside.start()
        if lent:
            answers = self._talk({"want": "ask", "questions": lent, "timeout": timeout}, timeout)
            found.update(
                {host: {name: Answer(**one) for name, one in calls.items()} for host, calls in answers.items()}
            )
        if aside:
            beside.join()
        return {host: found[host] for host in questions}

    def _aside(self) -> Estate:
        if self._side is None or self._opening is None:
            return Estate([])
        self._opening.join()
        return self._side

    def _talk(self, request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """One line there, one line back. Raises LenderGone."""
        if self._link is None or self._stream is None:
            raise self._gone()
        with self._lock:
            self._link.settimeout(timeout + self.limits.banner + self.limits.login + PATIENCE_S)
            try:
                self._stream.write(json.dumps(request) + "\n")
                self._stream.flush()
                line = self._stream.readline()
            except OSError as error:
                raise self._gone() from error
        if not line:
            raise self._gone()
        return dict(json.loads(line))

    def _gone(self) -> LenderGone:
        now = time.strftime("%H:%M:%S", time.gmtime())
        return LenderGone(
            "the process that keeps this run's lock and its sessions does not answer any more (noticed at "
            f"{now} UTC): it was killed, or this machine is out of memory. Each host has undone by itself what was "
            "only begun on it. Next: ansible-playbook playbooks/status.yml, then run the same command again"
        )
