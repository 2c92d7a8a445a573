# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that are open already, lent to one task after another. This is the lender's side of the conversation.

A loan is one connection to the lender's socket. Lines of JSON come in and are answered in their order:

``{"want": "borrow", "hosts": [...]}``       ``{"state": "held", "lent": [...]}``: the others the borrower opens itself
``{"want": "reach"}``                        ``{host: reach}`` of what was lent, as soon as each has been tried
``{"want": "ask", "questions", "timeout"}``  ``{host: {call: answer}}``
``{"want": "return"}``                       ``{}`` when what the borrower left behind has been undone

A connection that ends without ``return`` is a borrower that died: what it left behind is undone all the same. Where one
of its calls is still under way, only the end of the session stops that call, so the session is ended.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any, Protocol, TextIO

from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Answer, Session, take

UNDO_S = 10.0


class Source(Protocol):
    """Who has the sessions."""

    def lendable(self, hosts: Iterable[str]) -> list[str]:
        """Which of these hosts have an open session, or one being opened, or were found silent just now."""

    def wait_for(self, host: str) -> dict[str, Any]:
        """Wait until it is known whether the host lets us in: its ``reach``."""

    def session(self, host: str) -> Session | None:
        """Its session, None when it never was open."""


class Loan:
    """One borrower."""

    def __init__(self, source: Source, hosts: Iterable[str]) -> None:
        self.source = source
        self.lent = source.lendable(hosts)
        self._open: dict[str, list[Future[Answer]]] = {}

    def serve(self, stream: TextIO) -> None:
        """Answer until the borrower returns what it borrowed, or is gone."""
        wants: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "reach": lambda _request: self.side_by_side(self.lent, self.source.wait_for),
            "ask": self.ask,
            "return": lambda _request: self.undo(),
        }
        try:
            for line in stream:
                request = json.loads(line)
                answer = wants[request["want"]](request)
                stream.write(json.dumps(answer) + "\n")
                stream.flush()
                if request["want"] == "return":
                    return
        except (OSError, ValueError, KeyError):
            pass  # it is gone, or talks nonsense: the same
        self.undo()

    @staticmethod
    def side_by_side(hosts: Iterable[str], work: Callable[[str], Any]) -> dict[str, Any]:
        """Do it for every host at once."""
        found: dict[str, Any] = {}
        threads = {
            host: threading.Thread(target=lambda host=host: found.update({host: work(host)}), daemon=True)
            for host in hosts
        }
        for thread in threads.values():
            thread.start()
        for thread in threads.values():
            thread.join()
        return {host: found[host] for host in threads if host in found}

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All questions at once. The time limit holds from when a host is known to let us in."""

        def one(host: str) -> dict[str, Any]:
            why = self.source.wait_for(host)["why"]
            session = self.source.session(host)
            deadline = time.monotonic() + request["timeout"]
            sent = {}
            for call, args in request["questions"][host].items():
                if session is None:
                    future: Future[Answer] = Future()
                    future.set_result(Answer(False, error=why, silent=True))
                else:
                    future = session.submit(call, args)
                    self._open.setdefault(host, []).append(future)
                sent[call] = future
            return {
                call: asdict(take(future, max(0.001, deadline - time.monotonic()), call, request["timeout"]))
                for call, future in sent.items()
            }

        return self.side_by_side(request["questions"], one)

    def undo(self) -> dict[str, Any]:
        """On every host that was asked anything."""
        return self.side_by_side(self._open, self._undo_on)

    def _undo_on(self, host: str) -> dict[str, Any]:
        session = self.source.session(host)
        if session is None or not session.ok:
            return {"undone": [], "problems": []}
        if all(future.done() for future in self._open[host]):
            answer = session.call("undo", {}, UNDO_S)
            if answer.ok:
                return dict(answer.value)
        with contextlib.suppress(OSError):
            session.end("it was ended to undo what was under way on it")
        return {"undone": [], "problems": ["the session was ended"]}
