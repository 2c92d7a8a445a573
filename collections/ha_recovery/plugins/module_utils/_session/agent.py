# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The far end of a session: runs on the host, answers calls by name, and cleans up when nobody is there any more.

One JSON object a line: ``{"id", "call", "args"}`` comes in, ``{"id", "ok", "value"|"error", "seconds"}`` goes out.
Each call has a thread of its own, so that one that waits does not hold up another. When stdin ends, or no line came for
``silence_s`` seconds (the control node lost its power), whatever the calls left behind with :func:`at_end` is undone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed, find_call

DEFAULT_SILENCE_S = 8.0

_undo: dict[str, tuple[Callable[[], object], bool]] = {}
_undo_lock = threading.Lock()


def at_end(name: str, action: Callable[[], object] | None, *, lasting: bool = False) -> None:
    """Do ``action`` when the session ends, however it ends. The same name replaces, None takes it back.

    A session may serve several borrowers, one after another (`_session.lending`): what is not ``lasting`` is undone at
    the end of each.
    """
    with _undo_lock:
        if action is None:
            _undo.pop(name, None)
        else:
            _undo[name] = (action, lasting)


def undo(*, everything: bool) -> dict[str, list[str]]:
    """Undo, newest first, what was left behind. Names of what was undone, and what went wrong."""
    with _undo_lock:
        due = [(name, action) for name, (action, lasting) in _undo.items() if everything or not lasting]
        for name, _action in due:
            del _undo[name]
    problems = []
    for name, action in reversed(due):
        try:
            action()
        except Exception as error:  # the others must be undone too; at a session's end only the journal is told
            problems.append(f"{name}: {error}")
            sys.stderr.write(f"{name}: {error}\n")
    return {"undone": [name for name, _action in due], "problems": problems}


class Agent:
    """Reads calls from ``source`` and writes answers to ``sink`` until either ends."""

    def __init__(self, source: TextIO, sink: TextIO, silence_s: float = DEFAULT_SILENCE_S) -> None:
        self.source = source
        self.sink = sink
        self.silence_s = silence_s
        self.heard = time.monotonic()
        self._lock = threading.Lock()

    def say(self, answer: dict[str, Any]) -> None:
        """One line out. A control node that is gone is noticed by the reader, not here."""
        with self._lock:
            try:
                self.sink.write(json.dumps(answer) + "\n")
                self.sink.flush()
            except (BrokenPipeError, ValueError):
                return

    def answer(self, request: dict[str, Any]) -> None:
        """Carry out one call. Whatever goes wrong is an answer."""
        began = time.monotonic()
        result: dict[str, Any] = {"id": request["id"]}
        try:
            value = find_call(str(request["call"]))(request.get("args") or {})
            result.update(ok=True, value=value)
        except CallFailed as error:
            result.update(ok=False, error=str(error), value=error.value)
        except Exception as error:  # a defect in one call must not end the others' session
            result.update(ok=False, error=f"{type(error).__name__}: {error}", value=None)
        result["seconds"] = round(time.monotonic() - began, 4)
        self.say(result)

    def _watch(self) -> None:
        while time.monotonic() - self.heard < self.silence_s:
            time.sleep(0.2)
        sys.stderr.write(f"no word from the control node for {self.silence_s:g} s: ending\n")
        undo(everything=True)
        os._exit(4)

    def serve(self) -> None:
        """Until the end of input."""
        threading.Thread(target=self._watch, daemon=True).start()
        self.say({"id": 0, "ok": True, "value": {"pid": os.getpid(), "epoch": time.time()}, "seconds": 0})
        for line in self.source:
            self.heard = time.monotonic()
            request = json.loads(line)
            if request.get("call") == "ping":
                self.silence_s = float(request.get("silence_s") or self.silence_s)
                continue
            threading.Thread(target=self.answer, args=(request,), daemon=True).start()


def main() -> None:
    """Take stdin and stdout for the protocol; anything that a call prints goes to stderr."""
    source = os.fdopen(os.dup(0), "r", encoding="utf-8")
    sink = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    try:
        Agent(source, sink).serve()
    finally:
        undo(everything=True)
        os._exit(0)
