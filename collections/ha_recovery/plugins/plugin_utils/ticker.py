# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line at the foot of a terminal that says what is under way. Nothing is written when stdout is no terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable

QUIET_S = 1.0
EVERY_S = 0.5


class Ticker:
    """Redraws one line while a task runs for longer than a second.

    It writes to the file descriptor and not through Python's stream: Ansible forks while this thread runs, and a lock
    of the stream that is held at that moment would never be released in the child.
    """

    def __init__(
        self, write: Callable[[bytes], object] | None = None, columns: Callable[[], int] | None = None
    ) -> None:
        """Without arguments: to stdout, when it is a terminal."""
        self._write = write or (self._to_stdout if sys.stdout.isatty() else None)
        self._columns = columns or (lambda: os.get_terminal_size(sys.stdout.fileno()).columns or 80)
        self._lock = threading.Lock()
        self._words: Callable[[], str] | None = None
        self._since = 0.0
        self._drawn = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @staticmethod
    def _to_stdout(text: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), text)

    @property
    def on_terminal(self) -> bool:
        """Whether anything is ever drawn."""
        return self._write is not None

    def show(self, words: Callable[[], str] | None) -> None:
        """From now on say this; ``None``: nothing is under way."""
        if self._write is None:
            return
        with self._lock:
            self._words, self._since = words, time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def clear(self) -> None:
        """Take the line away, before something else is printed."""
        with self._lock:
            self._clear()

    def stop(self) -> None:
        """Take the line away for good."""
        self._ended.set()
        self.clear()

    def _clear(self) -> None:
        if self._drawn and self._write is not None:
            self._write(b"\r\x1b[K")
            self._drawn = False

    def tick(self, now: float) -> None:
        """Draw, when what is under way takes long enough to be told."""
        with self._lock:
            if self._write is None or self._words is None or now - self._since < QUIET_S or self._ended.is_set():
                return
            words = self._words()[: max(20, self._columns() - 1)]
            self._write(b"\r\x1b[K" + words.encode())
            self._drawn = True

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            with contextlib.suppress(OSError, ValueError):
                self.tick(time.monotonic())
