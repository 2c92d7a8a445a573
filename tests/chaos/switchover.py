"""`python -m tests.chaos.switchover`: the control node dies in the middle of a switchover, again and again.

Each trial starts switchover.yml, kills everything that belongs to it some time after its record says "started" (the
times are spread evenly over the run, so that every step is hit), looks whether clients are served again without
anybody's help, and runs the same command again. A load writes through the pooler all the while, and every node is asked
every 50 ms whether it is writable.

Exit status 0 when after each rerun the estate was healthy with the wanted primary, no pool stayed paused, no two nodes
were writable at once, and no acknowledged order was lost. The result goes to artifacts/chaos-switchover.json.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.chaos.control_node import ROOT, Playbook
from tests.chaos.sampler import Sampler, overlaps
from tests.lab.estate import DATABASE_HOSTS, Lab
from tests.storm.process import StormFailed, StormProcess, wait_for_writes

ARTIFACTS = ROOT / "artifacts"
FOLDER = ARTIFACTS / "chaos-switchover"
RECORDS = ARTIFACTS / "orders"
# From "started" in the record to the end of a switchover on a quiet machine, and some more.
SPREAD_S = 3.0
SERVED_AGAIN_S = 40.0


def status() -> dict[str, Any]:
    """What status.yml says."""
    run = Playbook("status.yml", [], FOLDER / "status.log")
    run.wait(60)
    return dict(json.loads((ARTIFACTS / "status.json").read_text()))


def begun(since: float) -> bool:
    """Whether a switchover wrote its record after ``since``."""
    return any(path.stat().st_mtime >= since for path in RECORDS.glob("*-switchover.json"))


def trial(number: int, target: str, delay: float, storm: StormProcess) -> dict[str, Any]:
    """One death and the rerun."""
    options = ["-e", f"switchover_to={target}"]
    since = time.time()
    run = Playbook("switchover.yml", options, FOLDER / f"{number:02d}-killed.log")
    started = run.wait_until(lambda: begun(since), 60)
    if started:
        time.sleep(delay)
    hit = run.running
    if hit:
        run.kill()
    killed_at = time.monotonic()
    result: dict[str, Any] = {"trial": number, "to": target, "delay_s": round(delay, 2), "hit": hit, "begun": started}
    try:
        wait_for_writes(storm, storm.acknowledged(), SERVED_AGAIN_S)
        result["served_again_s"] = round(time.monotonic() - killed_at, 2)
    except StormFailed:
        result["served_again_s"] = None
    again = Playbook("switchover.yml", options, FOLDER / f"{number:02d}-again.log")
    result["rerun"] = again.wait(180)
    seen = status()
    result.update(verdict=seen["verdict"], primary=seen["primary"])
    wait_for_writes(storm, storm.acknowledged(), 30)
    result["ok"] = result["rerun"] == 0 and seen["verdict"] == "green" and seen["primary"] == target
    return result


def main() -> int:
    """Run the trials and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the little that is left to chance")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    lab, chance = Lab(), random.Random(arguments.seed)
    primary = str(status()["primary"])
    storm = StormProcess(lab.dsn(5432), FOLDER, 60.0 + 60.0 * arguments.trials)
    results = []
    try:
        wait_for_writes(storm, 0, 30)
        with Sampler({host: lab.container(host) for host in DATABASE_HOSTS}) as sampler:
            for number in range(arguments.trials):
                target = chance.choice([host for host in DATABASE_HOSTS if host != primary])
                delay = SPREAD_S * (number + chance.random()) / arguments.trials
                results.append(trial(number, target, delay, storm))
                print(json.dumps(results[-1]), flush=True)
                primary = target
                if not results[-1]["ok"]:
                    break
        both = overlaps(list(sampler.samples.values()))
        sampled = {host: len(one.answers) for host, one in sampler.samples.items()}
    finally:
        report = storm.stop()
    audit = report["audit"] or {}
    result = {
        "trials": results,
        "hit": sum(one["hit"] for one in results),
        "two_writable": both,
        "samples": sampled,
        "acknowledged": report["acknowledged"],
        "lost": audit.get("lost"),
        "duplicated": audit.get("duplicated"),
        "read_only_errors": report["read_only_errors"],
    }
    Path(ARTIFACTS / "chaos-switchover.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "trials"}))
    good = all(one["ok"] for one in results) and not both and min(sampled.values()) > 0
    return 0 if good and audit.get("lost") == 0 and audit.get("duplicated") == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (StormFailed, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
