"""`make bench`: measure on the running lab, and print minimum, median and maximum of each figure.

    python -m tests.bench status preflight site switchover pooler failover rejoin backup restore drill [--runs 10]

status, preflight, site: the commands on a healthy estate that changes nothing. switchover: there and back under a load
on port 5000; pooler: the same through the pooler on port 5432. failover: power cut of the primary under load, the
command, then the host is brought back. rejoin: a lost primary by rewind, a stopped standby by following. backup: what
a full backup costs the load. restore: a backup's files back onto a database host, against a plain copy of the same
files, and onto files of which one in a hundred bytes has changed. drill: restore_drill.yml by size of the database.
The last three fill the database first (backups.py says with how much). The load is that of the design: 8 writers,
BEGIN/INSERT/COMMIT, 5 ms think time.
The whole goes to artifacts/bench.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import backups
from tests.bench.commands import ARTIFACTS, FOLDER, BenchFailed, Figures, primary, timed, under_load
from tests.chaos.control_node import Playbook
from tests.lab.estate import DATABASE_HOSTS, Lab
from tests.lab.faults import break_host, heal
from tests.lab.shell import on_host
from tests.storm.process import StormFailed


def switchover(port: int) -> Figures:
    """One switchover to another host; the record says how long the pools were held."""
    target = next(host for host in DATABASE_HOSTS if host != primary())
    seconds: list[float] = []
    figures = under_load(port, lambda: seconds.append(timed("switchover", "-e", f"switchover_to={target}")))
    newest = max((ARTIFACTS / "orders").glob("*-switchover.json"), key=lambda path: path.stat().st_mtime)
    record = json.loads(newest.read_text())
    figures["command (s)"] = seconds
    for step in record["steps"]:
        figures.setdefault(f"  {step['name']} (s)", []).append(step["seconds"])
    return {name: [max(values)] if name.startswith("  ") else values for name, values in figures.items()}


def failover(port: int = 5000) -> Figures:
    """One power cut, the command, and the host back as a standby."""
    old, lab = primary(), Lab()
    seconds: list[float] = []

    def act() -> None:
        break_host(lab, "power-cut", old)
        seconds.append(timed("failover"))

    figures = under_load(port, act)
    heal(lab, old)
    rc = Playbook("../molecule/shared/readmit.yml", [], FOLDER / "readmit.log").wait(300)
    if rc:
        raise BenchFailed((FOLDER / "readmit.log").read_text()[-2000:])
    return {"command (s)": seconds, **figures}


def streams(lab: Lab, host: str, of: str) -> bool:
    """Whether the primary sends WAL to a host now, asked on the primary."""
    sql = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'"
    return host in on_host(lab, of, "su", "postgres", "-c", f'psql -XAtqc "{sql}"', check=False).split()


def bring_back(lab: Lab, host: str, of: str) -> tuple[float, float]:
    """Type rejoin.yml; seconds until the host streams, and until the command ended."""
    began, seen = time.monotonic(), 0.0
    log = FOLDER / "rejoin.log"
    run = Playbook("rejoin.yml", ["-e", f"rejoin_host={host}"], log)
    while run.running and not seen:
        if streams(lab, host, of):
            seen = time.monotonic() - began
        time.sleep(0.1)
    if run.wait(300) or not seen:
        raise BenchFailed(f"rejoin.yml: {host} does not stream\n{log.read_text()[-2000:]}")
    return seen, time.monotonic() - began


def rejoin() -> Figures:
    """A primary that lost its power comes back by rewind; then a standby that was stopped, by following."""
    old, lab = primary(), Lab()
    break_host(lab, "power-cut", old)
    timed("failover")
    heal(lab, old)
    new = primary()
    rewound = bring_back(lab, old, new)
    on_host(lab, old, "systemctl", "stop", "postgresql@*")
    followed = bring_back(lab, old, new)
    return {
        "rewind: streams after (s)": [rewound[0]],
        "rewind: command (s)": [rewound[1]],
        "follow: streams after (s)": [followed[0]],
        "follow: command (s)": [followed[1]],
    }


SUBJECTS: dict[str, Callable[[], Figures]] = {
    "status": lambda: {"command (s)": [timed("status")]},
    "preflight": lambda: {"command (s)": [timed("preflight")]},
    "site": lambda: {"command (s)": [timed("site")]},
    "switchover": lambda: switchover(5000),
    "pooler": lambda: switchover(5432),
    "failover": failover,
    "rejoin": rejoin,
    "backup": backups.backup,
    "restore": backups.restore,
    "drill": backups.drill,
}


def table(subject: str, figures: Figures) -> list[str]:
    """One line a figure."""
    return [
        f"{subject:<11}{name:<70}"
        + "".join(f"{value:>9.2f}" for value in (min(values), statistics.median(values), max(values)))
        + f"  n={len(values)}"
        for name, values in figures.items()
    ]


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("subjects", nargs="*", choices=[*SUBJECTS, []], default=[])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    result: dict[str, Figures] = {}
    path = ARTIFACTS / "bench.json"
    print(
        f"{'':<81}{'min':>9}{'median':>9}{'max':>9}   load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        flush=True,
    )
    for subject in arguments.subjects or list(SUBJECTS):
        figures: Figures = {}
        for _run in range(arguments.runs):
            for name, values in SUBJECTS[subject]().items():
                figures.setdefault(name, []).extend(values)
        result[subject] = figures
        print("\n".join(table(subject, figures)), flush=True)
        Path(path).write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchFailed, StormFailed) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
