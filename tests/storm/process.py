"""The storm as a process of its own, for programs that do something else meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class StormFailed(RuntimeError):
    """The storm ended early or nobody acknowledges its orders; the message holds the end of its output."""


class StormProcess:
    """The order storm, in a process of its own; it ends by itself after ``limit_s``. Its files go to ``folder``.

    ``through``: a command that runs it elsewhere, such as in another network. ``audit`` false: :meth:`audit` does it.
    ``more``: options.
    """

    def __init__(
        self,
        dsn: str,
        folder: Path,
        limit_s: float,
        *,
        through: Sequence[str] = (),
        audit: bool = True,
        more: Sequence[str] = (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._stop = folder / "storm.stop"
        self._status = folder / "storm.status.json"
        self._report = folder / "storm.json"
        for path in (self._stop, self._status, self._report, folder / "storm.jsonl"):
            path.unlink(missing_ok=True)
        self.journal = folder / "storm.jsonl"
        self._log = (folder / "storm.log").open("w")
        self._process = subprocess.Popen(
            [
                *through,
                sys.executable,
                "-m",
                "tests.storm",
                "run",
                "--duration",
                str(limit_s),
                "--stop-file",
                str(self._stop),
                "--status-file",
                str(self._status),
                "--report",
                str(self._report),
                "--journal",
                str(folder / "storm.jsonl"),
                *([] if audit else ["--no-audit"]),
                *more,
            ],
            cwd=ROOT,
            env={**os.environ, "STORM_DSN": dsn},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def acknowledged(self) -> int:
        """Orders acknowledged so far."""
        try:
            return int(json.loads(self._status.read_text())["acknowledged"])
        except (FileNotFoundError, json.JSONDecodeError, KeyError):
            return 0

    def running(self) -> bool:
        """False once the storm has ended, by itself or not."""
        return self._process.poll() is None

    def stop(self) -> dict[str, Any]:
        """Stop the writers, wait for the audit, and return the report."""
        self._stop.touch()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()
        if not self._report.exists():
            raise StormFailed("the storm left no report:\n" + Path(self._log.name).read_text()[-2000:])
        return dict(json.loads(self._report.read_text()))

    def audit(self, dsn: str) -> dict[str, Any]:
        """Judge a stopped storm against the primary that ``dsn`` leads to, and return the report."""
        argv = [sys.executable, "-m", "tests.storm", "audit"]
        argv += ["--journal", str(self.journal), "--report", str(self._report)]
        environment = {**os.environ, "STORM_DSN": dsn}
        subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, timeout=90, check=False)
        return dict(json.loads(self._report.read_text()))

    def words(self) -> str:
        """The end of what it printed."""
        return Path(self._log.name).read_text()[-2000:]


def wait_for_writes(storm: StormProcess, more_than: int, timeout: float) -> None:
    """Wait until orders are acknowledged (again)."""
    deadline = time.monotonic() + timeout
    while storm.acknowledged() <= more_than:
        if not storm.running() or time.monotonic() > deadline:
            raise StormFailed("no order is acknowledged:\n" + storm.words())
        time.sleep(0.1)
