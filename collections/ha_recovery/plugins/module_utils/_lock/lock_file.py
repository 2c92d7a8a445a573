# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock on a host: flock(2) on a file below /run, held by the agent's process, and gone with it.

The file's text names the holder. It is only believed while the process that wrote it lives: a killed agent leaves its
text behind, but not the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

READ_AGAIN_S = 0.02
READ_FOR_S = 0.5


def process_began(pid: int) -> str:
    """When a process began, in the kernel's clock ticks since boot (proc(5), stat, field 22); '' when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""


def look(path: Path) -> dict[str, Any] | None:
    """The holder; None when nobody holds the lock. Takes nothing, so it gets into nobody's way."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        agent = found["agent"]
        if agent["began"] and process_began(int(agent["pid"])) == agent["began"]:
            return dict(found["holder"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


class LockFile:
    """One lock file, held or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def take(self, holder: Mapping[str, Any]) -> dict[str, Any]:
        """``{"held": bool, "holder": who has it, or None when that cannot be told}``; does not wait for the lock."""
        if self._fd is None:
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return {"held": False, "holder": self._who()}
            self._fd = fd
        agent = {"pid": os.getpid(), "began": process_began(os.getpid())}
        self._write(json.dumps({"holder": dict(holder), "agent": agent}))
        return {"held": True, "holder": dict(holder)}

    def release(self) -> None:
        """Let go, if it is held."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, 0)
            os.close(fd)

    def _write(self, text: str) -> None:
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, text.encode(), 0)

    def _who(self) -> dict[str, Any] | None:
        """The holder may have taken the lock this moment and not have written its name."""
        deadline = time.monotonic() + READ_FOR_S
        while True:
            found = look(self.path)
            if found is not None or time.monotonic() > deadline:
                return found
            time.sleep(READ_AGAIN_S)
