"""Run the commands of the demo so that somebody who watches always knows what is going on."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUIET_FOR_S = 10.0
_TASK = re.compile(r"^(?:TASK|PLAY|RUNNING HANDLER) \[(?P<name>.+?)\]")


class StepFailed(RuntimeError):
    """A command of the demo failed; the message holds the end of its output."""


class Narrator:
    """Prints lines with the time since the demo began, and one whenever nothing was said for ten seconds."""

    def __init__(self, out: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._began = clock()
        self._said = self._began
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Say a line now."""
        with self._lock:
            self._said = self._clock()
            self._out(f"[{self._said - self._began:5.0f} s] {text}")

    def murmur(self, text: str, after: float = QUIET_FOR_S) -> None:
        """Say a line if nothing was said for a while."""
        if self._clock() - self._said >= after:
            self.say(f"  … {text}")


def environment() -> dict[str, str]:
    """The environment in which the repository's commands run."""
    return {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ.get('PATH', '')}",
        "NO_COLOR": "1",
        "ANSIBLE_NOCOLOR": "1",
        # It names a task when it begins: what is murmured is under way.
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "COLUMNS": "200",
    }


def run(narrator: Narrator, argv: Sequence[str], log: Path, timeout: float) -> float:
    """Run a command to its end, murmuring which task it is at; returns its seconds, raises StepFailed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    process = subprocess.Popen(
        list(argv), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    current = ["starting"]
    tail: deque[str] = deque(maxlen=40)

    def read() -> None:
        with log.open("w") as sink:
            for line in process.stdout or ():
                sink.write(line)
                tail.append(line.rstrip())
                match = _TASK.match(line.strip())
                if match:
                    current[0] = match["name"]

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while process.poll() is None:
        if time.monotonic() - began > timeout:
            process.kill()
            raise StepFailed(f"{' '.join(argv)}: still not done after {timeout:.0f} s\n" + "\n".join(tail))
        narrator.murmur(current[0])
        time.sleep(0.05)
    reader.join(timeout=5)
    seconds = time.monotonic() - began
    if process.returncode:
        raise StepFailed(
            f"{' '.join(argv)}: exit status {process.returncode}, whole output in {log}\n" + "\n".join(tail)
        )
    return seconds
