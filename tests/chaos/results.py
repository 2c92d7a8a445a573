"""The figures of an experiment, and the file that holds every one that was seen."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.chaos.control_node import ROOT
from tests.chaos.experiment import Experiment
from tests.chaos.judge import Evidence
from tests.chaos.sampler import Samples

Pairs = list[tuple[str, str, float]]


def interval(samples: Samples) -> float | None:
    """The median time between two answers of a node."""
    times = [at for at, _yes in samples.answers]
    steps = sorted(later - at for at, later in zip(times, times[1:]))
    return round(steps[len(steps) // 2], 3) if steps else None


def commit() -> str:
    """Which state of the repository was tested."""
    argv = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def figures(
    experiment: Experiment, seed: int, evidence: Evidence, wrong: list[str], both: tuple[Pairs, Pairs], seconds: float
) -> dict[str, Any]:
    """One result: what was judged and what was measured."""
    storm, audit = evidence.storm, evidence.storm.get("audit") or {}
    result: dict[str, Any] = {
        "name": experiment.name,
        "seed": seed,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "mode": experiment.mode,
        "ok": not wrong,
        "wrong": wrong,
        "write_gap_s": storm.get("write_gap_s"),
        "acknowledged": storm.get("acknowledged"),
        "acknowledged_by": {host: len(acks) for host, acks in evidence.acked_by.items()},
        "client_errors": storm.get("client_errors"),
        "in_doubt": storm.get("in_doubt"),
        "lost": audit.get("lost"),
        "duplicated": audit.get("duplicated"),
        "served_by_two": both[1],
        "two_writable": both[0],
        "runs": [
            {"runbook": run.runbook, "ended": run.ended, "seconds": run.seconds, "headline": run.record.get("headline")}
            for _typed, run in evidence.runs
        ],
        "samples": {one.host: {"n": len(one.answers), "median_s": interval(one)} for one in evidence.samples},
        "roles": dict(evidence.roles),
        "seconds": round(seconds, 1),
        "load": round(os.getloadavg()[0], 1),
    }
    if evidence.loss is not None:
        result["loss"] = {"wal_bytes": evidence.loss.wal_bytes, "quoted_bytes": evidence.loss.quoted_bytes}
    if evidence.rival is not None:
        rival = evidence.rival.get("audit") or {}
        result["rival"] = {
            "acknowledged": evidence.rival.get("acknowledged"),
            "lost": rival.get("lost"),
            "acknowledged_late": evidence.rival_acked_late,
        }
    return result


def seen(path: Path) -> list[dict[str, Any]]:
    """Every result so far."""
    return list(json.loads(path.read_text())["results"]) if path.exists() else []


def keep(path: Path, result: dict[str, Any]) -> None:
    """Add a result to those that were seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"results": [*seen(path), result]}, indent=2) + "\n")
    draft.replace(path)
