"""`python -m tests.chaos.power_back`: a dead primary's power comes back with nobody near it, again and again.

Each trial cuts the primary's power under a load that writes through the pooler, types failover.yml, and switches the
power on again at some moment before, during or after it. Every node is asked every 50 ms whether it is writable. When
somebody else is primary afterwards, the host that came back has to be held by its boot guard, or fenced. It is made a
standby again.

Exit status 0 when no two nodes were ever writable at once, no acknowledged order was lost, writes flowed after each
trial, and every old primary stayed down. The result goes to artifacts/power-back-<seed>.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.chaos.control_node import ROOT, Playbook
from tests.chaos.sampler import Sampler, overlaps
from tests.chaos.whole import status, status_when_green
from tests.lab.estate import DATABASE_HOSTS, Lab
from tests.lab.faults import break_host, heal
from tests.lab.shell import LabError, on_host
from tests.storm.process import StormFailed, StormProcess, wait_for_writes

ARTIFACTS = ROOT / "artifacts"
FOLDER = ARTIFACTS / "power-back"
# From the command to its end on a busy machine.
SPREAD_S = 8.0
BOOT_S = 120.0
FLOWS_S = 60.0


def come_back(lab: Lab, host: str, problems: list[str]) -> None:
    """Switch the power on and wait until the host has booted."""
    try:
        heal(lab, host, BOOT_S)
    except LabError as error:
        problems.append(str(error))


def guard_of(lab: Lab, host: str) -> dict[str, Any]:
    """What the guard of the host said last, and whether anything fences it."""
    said = on_host(lab, host, "cat", "/run/ha_recovery/boot_guard.json", check=False)
    fenced = on_host(lab, host, "sh", "-c", "ls /etc/postgresql/*/main/fenced.json 2>/dev/null", check=False)
    state = dict(json.loads(said)) if said.startswith("{") else {}
    return {"verdict": state.get("verdict"), "row": state.get("row"), "fenced": bool(fenced)}


def fail_over(number: int, again: int) -> Playbook:
    """Type it."""
    return Playbook("failover.yml", [], FOLDER / f"{number:02d}-failover-{again}.log")


def known_status(within: float = 120.0) -> dict[str, Any]:
    """What status.yml says once it knows a primary: on a busy machine hosts answer late."""
    end = time.monotonic() + within
    while True:
        seen = status(FOLDER)
        if seen["primary"] in DATABASE_HOSTS or time.monotonic() > end:
            return seen


def readmit(number: int, host: str) -> None:
    """The host is a standby again."""
    log = FOLDER / f"{number:02d}-readmit.log"
    Playbook("rejoin.yml", ["-e", f"rejoin_host={host}"], log).wait(240)


def trial(number: int, lab: Lab, victim: str, moment: float, storm: StormProcess) -> dict[str, Any]:
    """One power cut, and the power's return ``moment`` seconds after the command; beyond the spread: after its end."""
    problems: list[str] = []
    break_host(lab, "power-cut", victim)
    began = time.monotonic()
    run = fail_over(number, 0)
    after = moment > SPREAD_S
    if after:
        run.wait(180)
        time.sleep(moment - SPREAD_S)
    else:
        time.sleep(moment)
    during = run.running
    boot = threading.Thread(target=come_back, args=(lab, victim, problems))
    boot.start()
    exits = [run.wait(180)]
    ended = time.monotonic()
    boot.join()
    for again in (1, 2, 3):
        try:
            wait_for_writes(storm, storm.acknowledged() + 20, FLOWS_S if again == 3 else 25)
            break
        except StormFailed:
            exits.append(fail_over(number, again).wait(180))
    seen = known_status()
    guard = guard_of(lab, victim)
    result = {
        "trial": number,
        "victim": victim,
        "power_back_s": round(moment, 2),
        "when": "after" if after else "during" if during else "just after",
        "failover_s": round(ended - began, 1),
        "exits": exits,
        "primary": seen["primary"],
        "guard": guard,
        "problems": problems,
    }
    held = guard["fenced"] or guard["verdict"] == "refused"
    result["held"] = seen["primary"] == victim or held
    if seen["primary"] != victim:
        readmit(number, victim)
    healthy = status_when_green(FOLDER, within=60)
    result["verdict"] = healthy["verdict"]
    result["ok"] = bool(result["held"]) and not problems and healthy["verdict"] == "green"
    return result


def moments(trials: int, chance: random.Random) -> list[float]:
    """Spread evenly over the failover and a little beyond, in no order."""
    found = [(SPREAD_S + 4.0) * (number + chance.random()) / trials for number in range(trials)]
    chance.shuffle(found)
    return found


def main() -> int:
    """Run the trials and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs=2, metavar=("FROM", "TO"), help="of the trials, these: for long runs")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further trial after so many seconds")
    arguments = parser.parse_args()
    began = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    lab, chance = Lab(), random.Random(arguments.seed)
    planned = list(enumerate(moments(arguments.trials, chance)))
    first, last = arguments.only or (0, arguments.trials)
    planned = [one for one in planned if first <= one[0] < last]
    primary = str(known_status()["primary"])
    # A storm blows for an hour at most: longer runs are done in parts.
    storm = StormProcess(lab.dsn(5432), FOLDER, min(3600.0, 120.0 + 180.0 * len(planned)))
    results: list[dict[str, Any]] = []
    try:
        wait_for_writes(storm, 0, 30)
        with Sampler({host: lab.container(host) for host in DATABASE_HOSTS}) as sampler:
            for number, moment in planned:
                if time.monotonic() - began > arguments.seconds:
                    break
                results.append(trial(number, lab, primary, moment, storm))
                both = overlaps(list(sampler.samples.values()))
                print(json.dumps({**results[-1], "two_writable": both}), flush=True)
                primary = str(results[-1]["primary"])
                if primary not in DATABASE_HOSTS or not results[-1]["ok"] or both:
                    break
        both = overlaps(list(sampler.samples.values()))
        sampled = {host: len(one.answers) for host, one in sampler.samples.items()}
    finally:
        report = storm.stop()
    audit = report["audit"] or {}
    result = {
        "seed": arguments.seed,
        "planned": len(planned),
        "done": len(results),
        "trials": results,
        "held": sum(bool(one["held"]) for one in results),
        "two_writable": both,
        "samples": sampled,
        "acknowledged": report["acknowledged"],
        "lost": audit.get("lost"),
        "duplicated": audit.get("duplicated"),
        "read_only_errors": report["read_only_errors"],
    }
    name = f"power-back-{arguments.seed}" + (f"-{first}" if arguments.only else "")
    Path(ARTIFACTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "trials"}))
    good = bool(results) and all(one["ok"] for one in results) and not both and min(sampled.values()) > 0
    return 0 if good and audit.get("lost") == 0 and audit.get("duplicated") == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
