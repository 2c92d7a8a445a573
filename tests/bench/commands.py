"""What every subject of the benchmark does: type a command, ask who is primary, write while something is done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from tests.chaos.control_node import ROOT, Playbook
from tests.lab.estate import Lab
from tests.storm.process import StormProcess, wait_for_writes

ARTIFACTS = ROOT / "artifacts"
FOLDER = ARTIFACTS / "bench"
Figures = dict[str, list[float]]


class BenchFailed(RuntimeError):
    """A command that should have worked did not: there is nothing to measure."""


def timed(playbook: str, *options: str, limit: float = 600) -> float:
    """Seconds that a person waits for a playbook."""
    began = time.monotonic()
    log = FOLDER / f"{playbook}.log"
    rc = Playbook(f"{playbook}.yml", options, log).wait(limit)
    if rc:
        raise BenchFailed(f"{playbook}.yml: exit status {rc}\n{log.read_text()[-2000:]}")
    return time.monotonic() - began


def primary() -> str:
    """Who is primary now."""
    timed("status")
    return str(json.loads((ARTIFACTS / "status.json").read_text())["primary"])


def under_load(port: int, act: Callable[[], None]) -> Figures:
    """What the clients of a port saw while something was done."""
    storm = StormProcess(Lab().dsn(port), FOLDER, 300)
    try:
        wait_for_writes(storm, 0, 30)
        time.sleep(3)
        act()
        wait_for_writes(storm, storm.acknowledged(), 60)
        time.sleep(3)
    finally:
        report = storm.stop()
    audit = report["audit"] or {}
    return {
        "write gap (s)": [report["write_gap_s"]],
        "client errors": [report["client_errors"]],
        "read-only errors": [report["read_only_errors"]],
        "acknowledged": [report["acknowledged"]],
        "lost": [audit["lost"]],
        "duplicated": [audit["duplicated"]],
    }
