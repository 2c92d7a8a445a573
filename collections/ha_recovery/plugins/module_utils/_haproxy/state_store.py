# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server-state-file on disk: written whole or not at all, one writer at a time.

Also installed on the load balancer beside the program ``haproxy_state``: standard library only, no relative imports.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


class Busy(Exception):
    """Another program holds the lock: a reload is under way, or an order is being given."""


def read(path: str) -> str:
    """The text of the file; empty when there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def write(path: str, text: str) -> None:
    """Replace the file so that a power cut leaves the old text or the new one. Raises OSError (a full disk, say)."""
    folder = Path(path).parent
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{Path(path).name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def lock(path: str, wait_s: float) -> Iterator[None]:
    """Hold the lock that belongs to the state file, for at most ``wait_s`` seconds of waiting. Raises :class:`Busy`.

    It keeps an order (``set server … state maint``) from falling between the moment in which a reload reads the
    running state and the moment in which the next process has taken over, where it would be lost.
    """
    end = time.monotonic() + wait_s
    with Path(f"{path}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise Busy(f"{path}.lock is held by another program for more than {wait_s:g} s") from None
                time.sleep(0.02)
        yield
