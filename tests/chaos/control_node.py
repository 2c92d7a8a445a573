"""A control node that dies: a playbook is started as a person would, and all that belongs to it is killed at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]


def children_of() -> dict[int, list[int]]:
    """Process id to the ids of its children, of this machine."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(entry.name))
    return found


def family(pid: int) -> Iterator[int]:
    """The process and everything that it started, whatever session they are in."""
    children = children_of()
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += children.get(one, [])


class Playbook:
    """One run of a playbook; its output goes to a file. ``more``: variables of its environment."""

    def __init__(
        self, playbook: str, options: Sequence[str], log: Path, more: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        path = f"{ROOT / '.venv/bin'}:{os.environ.get('PATH', '')}"
        environment = {**os.environ, "PATH": path, "PWD": str(ROOT), **more}
        with log.open("w") as sink:
            self._process = subprocess.Popen(
                ["ansible-playbook", "-i", "inventories/lab", f"playbooks/{playbook}", *options],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self.log = log

    def wait(self, timeout: float) -> int:
        """Its exit status."""
        return self._process.wait(timeout)

    def wait_until(self, happened: Callable[[], bool], timeout: float) -> bool:
        """True when it happened before the playbook ended and in time."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self._process.poll() is None:
            if happened():
                return True
            time.sleep(0.005)
        return False

    @property
    def running(self) -> bool:
        """Not ended by itself."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL to all of it: first stopped, so that none can react to another's death."""
        pids = list(family(self._process.pid))
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        self._process.wait(10)
