# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session with one host, seen from the control node: an ssh process, an agent at its far end, calls in between."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.loader import GREETING, NEED, bundle, digest

PING_EVERY_S = 1.0
NOT_ASKED = "was not asked"


@dataclass(frozen=True)
class Answer:
    """What came of a call. ``seconds``: as the control node waited; ``remote_s``: what the call itself took;
    ``sent_at``: when it was sent, seconds since 1970 by the control node's clock (None: it was not sent)."""

    ok: bool
    value: Any = None
    error: str = ""
    seconds: float = 0.0
    remote_s: float | None = None
    silent: bool = False
    sent_at: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        plain = {"ok": self.ok, "value": self.value, "error": self.error, "seconds": round(self.seconds, 3)}
        return plain if self.sent_at is None else {**plain, "sent_at": round(self.sent_at, 3)}


@dataclass
class _Call:
    future: Future[Answer]
    began: float
    name: str = ""
    sent_at: float = dataclass_field(default_factory=time.time)


@dataclass
class Session:
    """Not opened yet until :meth:`open` returned ''. Every method may be called from any thread."""

    connection: Connection
    why: str = NOT_ASKED
    _process: subprocess.Popen[bytes] | None = None
    _calls: dict[int, _Call] = dataclass_field(default_factory=dict)
    _next: int = 1
    _lock: threading.Lock = dataclass_field(default_factory=threading.Lock)
    _errors: deque[str] = dataclass_field(default_factory=lambda: deque(maxlen=5))
    _hello: Future[Answer] = dataclass_field(default_factory=Future)

    @property
    def ok(self) -> bool:
        """True while calls can be made."""
        return self.why == ""

    def start(self) -> None:
        """Begin to log in; returns at once."""
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            self.connection.argv(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
        self._process = process
        self._calls[0] = _Call(self._hello, time.monotonic(), "log in")
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        threading.Thread(target=self._complaints, args=(process,), daemon=True).start()

    def wait(self, deadline: float) -> bool:
        """Wait until the agent said hello, or the monotonic clock passed ``deadline``."""
        try:
            hello = self._hello.result(timeout=max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            self.end("the host did not let us in within the time limit")
            return False
        if hello.ok:
            self.why = ""
            threading.Thread(target=self._ping, daemon=True).start()
        else:
            self.end(hello.error)
        return self.ok

    def submit(self, call: str, args: Mapping[str, Any] | None = None) -> Future[Answer]:
        """Send a call; the future always gets an answer, also when the session ends."""
        future: Future[Answer] = Future()
        if not self.ok:
            future.set_result(Answer(False, error=self.why, silent=True))
            return future
        with self._lock:
            number = self._next
            self._next += 1
            self._calls[number] = _Call(future, time.monotonic(), call)
        self._send({"id": number, "call": call, "args": dict(args or {})})
        return future

    def call(self, call: str, args: Mapping[str, Any] | None = None, timeout: float = 5.0) -> Answer:
        """:meth:`submit`, and wait at most ``timeout`` seconds."""
        return take(self.submit(call, args), timeout, call)

    def end(self, why: str = "the session has ended") -> None:
        """Close it; open calls are answered with ``why``. The agent undoes what was to be undone."""
        if self.why in ("", NOT_ASKED):
            self.why = why
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                if process.stdin:
                    process.stdin.close()
            try:
                # Nothing runs at the far end yet when nobody greeted: no reason to wait for it to clean up.
                process.wait(timeout=2.0 if self._hello.done() else 0.0)
            except subprocess.TimeoutExpired:
                process.kill()
        self._fail_all(self.why)

    def _fail_all(self, why: str) -> None:
        with self._lock:
            calls, self._calls = list(self._calls.values()), {}
        for one in calls:
            if not one.future.done():
                one.future.set_result(Answer(False, error=why, seconds=time.monotonic() - one.began, silent=True))

    def _send(self, request: Mapping[str, Any]) -> None:
        process = self._process
        try:
            if process is None or process.stdin is None:
                raise BrokenPipeError
            with self._lock:
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
        except (OSError, ValueError):
            self.why = self.why or self._last_words()
            self._fail_all(self.why)

    def _ping(self) -> None:
        while self.ok:
            time.sleep(PING_EVERY_S)
            if self.ok:
                self._send({"call": "ping"})

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        try:
            if process.stdin is None or process.stdout is None:
                raise BrokenPipeError
            if self.connection.become and self.connection.become_password:
                process.stdin.write(self.connection.become_password.encode() + b"\n")
            process.stdin.write(f"{GREETING} {digest()}\n".encode())
            process.stdin.flush()
            if process.stdout.readline().decode().strip() == NEED:
                code = bundle()
                process.stdin.write(f"{len(code)}\n".encode() + code)
                process.stdin.flush()
            for line in process.stdout:
                self._take(json.loads(line))
        except BrokenPipeError:
            pass  # why it went away is told on its stderr, or is not told
        except (OSError, ValueError) as error:
            self._errors.append(str(error))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        time.sleep(0.02)  # its last words may still be on their way
        self.why = self.why or self._last_words()
        self._fail_all(self._last_words())

    def _take(self, reply: Mapping[str, Any]) -> None:
        with self._lock:
            one = self._calls.pop(int(reply["id"]), None)
        if one is not None and not one.future.done():
            one.future.set_result(
                Answer(
                    bool(reply["ok"]),
                    reply.get("value"),
                    str(reply.get("error") or ""),
                    time.monotonic() - one.began,
                    reply.get("seconds"),
                    sent_at=one.sent_at,
                )
            )

    def _complaints(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stderr or ():
            text = line.decode(errors="replace").strip()
            if text:
                self._errors.append(text)

    def _last_words(self) -> str:
        return self._errors[-1] if self._errors else "the connection was closed"


def take(future: Future[Answer], timeout: float, name: str = "the call", limit: float | None = None) -> Answer:
    """The answer, or one that says that none came in time. ``limit``: of which ``timeout`` is what is left."""
    try:
        return future.result(timeout=timeout)
    except TimeoutError:
        return Answer(False, error=f"{name}: no answer within {limit or timeout:g} s", seconds=timeout, silent=True)
