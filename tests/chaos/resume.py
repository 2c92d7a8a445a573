"""`python -m tests.chaos.resume failover`: the control node dies in the middle of a runbook, again and again.

One run that nobody interrupts shows where a run can be killed: before each task, and at moments spread over the longest
one. Then each trial begins anew, kills everything that belongs to the run at one of these points, looks whether clients
are served again without anybody's help, and types the same command again. A load writes through the pooler all the
while, and every node is asked every 50 ms whether it is writable. `--trials 0` (the default) takes every point.

Exit status 0 when each rerun ended well and the estate was healthy then, no pool stayed paused, no two nodes were
writable at once, and no acknowledged order was lost. A restore goes back to a restore point: a row from before it must
be there, one from after it must not, and orders from after it are lost on purpose. It wants a lab with backups
(HA_LAB_BACKUP=pgbackrest). Results: artifacts/chaos-resume-<runbook>.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.boundaries import Point, chosen, events, points, tasks_of
from tests.chaos.control_node import ROOT, Playbook
from tests.chaos.experiment import GENTLY
from tests.chaos.judge import served_by_two
from tests.chaos.results import commit
from tests.chaos.sampler import Sampler, overlaps
from tests.chaos.whole import ARTIFACTS, NotWhole, ask, make_whole, status, status_when_green
from tests.lab.estate import DATABASE_HOSTS, Lab
from tests.lab.faults import break_host, heal
from tests.lab.shell import LabError, on_host
from tests.storm.history import read_journal
from tests.storm.process import StormFailed, StormProcess, wait_for_writes

PORT = 5432
COMMAND_S = 300.0
SERVED_AGAIN_S = 40.0
STORM_S = 3500.0
CALLBACK = {
    "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/chaos/callback"),
    "ANSIBLE_CALLBACKS_ENABLED": "chaos_boundary",
}


class TrialFailed(RuntimeError):
    """What should have come before or after the trial did not work; the trial says nothing."""


class Trials:
    """The trials of one runbook."""

    def __init__(self, runbook: str, seed: int) -> None:
        self.runbook = runbook
        self.lab = Lab()
        self.chance = random.Random(f"{seed}/{runbook}")
        self.folder = ARTIFACTS / "chaos" / f"resume-{runbook}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.boundaries = self.folder / "boundaries.jsonl"
        self.primary = str(status(self.folder)["primary"])
        self.storm = StormProcess(self.lab.dsn(PORT), self.folder, STORM_S, more=GENTLY)
        self._prepare: Callable[[], list[str]] = {
            "failover": self._without_primary,
            "rejoin": self._with_old_primary,
            "switchover": self._as_it_is,
            "restore": self._with_a_point,
        }[runbook]
        self._point = ""

    # Before and after

    def _play(self, name: str, options: list[str], log: str) -> None:
        run = Playbook(name, options, self.folder / f"{log}.log")
        if run.wait(COMMAND_S):
            raise TrialFailed(f"{name}: exit status {run.wait(1)}, see {run.log}")

    def _as_it_is(self) -> list[str]:
        """A switchover begins in a healthy estate."""
        target = self.chance.choice([host for host in DATABASE_HOSTS if host != self.primary])
        return ["-e", f"switchover_to={target}"]

    def _without_primary(self) -> list[str]:
        """A failover begins when the primary has lost its power."""
        break_host(self.lab, "power-cut", self.primary)
        return []

    def _with_old_primary(self) -> list[str]:
        """A rejoin begins when a failover is over and the old primary has its power again."""
        old = self.primary
        break_host(self.lab, "power-cut", old)
        self._play("failover.yml", [], "before")
        heal(self.lab, old)
        return ["-e", f"rejoin_host={old}"]

    def _with_a_point(self) -> list[str]:
        """A restore goes back to a restore point; a row is written before it and another one after it."""
        self._point = f"chaos_{time.time_ns()}"
        row = "INSERT INTO chaos_rows VALUES ('{}')"
        for sql in (
            "CREATE TABLE IF NOT EXISTS chaos_rows (what text)",
            row.format(f"before {self._point}"),
            f"SELECT pg_create_restore_point('{self._point}')",
            row.format(f"after {self._point}"),
        ):
            ask(self.lab, self.primary, sql)
        target = ["-e", "restore_target_type=name", "-e", f"restore_target={self._point}"]
        return [*target, "-e", "restore_confirm=orders"]

    def reached(self) -> bool:
        """Whether the rows are those of the restore point."""
        sql = f"SELECT what FROM chaos_rows WHERE what LIKE '% {self._point}'"  # noqa: S608 own name
        return ask(self.lab, self.primary, sql) == f"before {self._point}"

    def _afterwards(self) -> None:
        """After a failover the old primary is brought back, after a restore room is made; the others leave nothing."""
        if self.runbook == "restore":
            for host in DATABASE_HOSTS:
                on_host(self.lab, host, "sh", "-c", "rm -rf /var/lib/postgresql/*/main.before-restore-*")
        if self.runbook == "failover":
            heal(self.lab, self.primary)
            self._play("rejoin.yml", ["-e", f"rejoin_host={self.primary}"], "after")

    @property
    def _playbook(self) -> str:
        return f"{self.runbook}.yml"

    # One run

    def _start(self, options: list[str], log: str, stop_before: int = 0) -> Playbook:
        self.boundaries.unlink(missing_ok=True)
        more = {**CALLBACK, "CHAOS_BOUNDARIES": str(self.boundaries), "CHAOS_STOP_BEFORE": str(stop_before)}
        return Playbook(self._playbook, options, self.folder / f"{log}.log", more)

    def calibrate(self, inside: int) -> list[Point]:
        """A run that nobody interrupts: where can it be killed?"""
        run = self._start(self._prepare(), "calibration")
        if run.wait(COMMAND_S):
            raise TrialFailed(f"{self.runbook} fails when nobody interrupts it, see {run.log}")
        found = points(tasks_of(events(self.boundaries)), inside, self.chance)
        self._afterwards()
        self._note_primary(status_when_green(self.folder))
        return found

    def _note_primary(self, seen: dict[str, Any]) -> bool:
        self.primary = str(seen["primary"] or self.primary)
        return bool(seen["verdict"] == "green")

    def _kill_at(self, point: Point, options: list[str], log: str) -> bool:
        """True when the run was killed there, false when it ended before."""
        run = self._start(options, log, point.number if point.inside is None else 0)
        key = "stopped" if point.inside is None else "task"

        def there() -> bool:
            return any(key in event and event["number"] == point.number for event in events(self.boundaries))

        hit = run.wait_until(there, COMMAND_S)
        if hit and point.inside is not None:
            time.sleep(point.inside)
        hit = hit and run.running
        run.kill()
        return hit

    def trial(self, number: int, point: Point) -> dict[str, Any]:
        """One death and the rerun."""
        options = self._prepare()
        old = self.primary
        result: dict[str, Any] = {"trial": number, "point": str(point), "primary_before": old}
        result["hit"] = self._kill_at(point, options, f"{number:02d}-killed")
        killed_at = time.monotonic()
        try:
            patience = 1.0 if self.runbook in ("failover", "restore") else SERVED_AGAIN_S
            wait_for_writes(self.storm, self.storm.acknowledged(), patience)
            result["served_again_s"] = round(time.monotonic() - killed_at, 2)
        except StormFailed:
            result["served_again_s"] = None
        began = time.monotonic()
        rerun = Playbook(self._playbook, options, self.folder / f"{number:02d}-again.log")
        result["rerun"] = rerun.wait(COMMAND_S)
        result["rerun_s"] = round(time.monotonic() - began, 2)
        wait_for_writes(self.storm, self.storm.acknowledged(), 30)
        if result["rerun"] == 0:
            self._afterwards()
        seen = status_when_green(self.folder)
        green = self._note_primary(seen)
        result.update(verdict=seen["verdict"], primary=self.primary, reasons=seen["reasons"])
        result["paused"] = [host["host"] for host in seen.get("hosts", []) if "paused" in str(host["detail"])]
        moved = {
            "switchover": f"switchover_to={self.primary}" in options,
            "failover": self.primary != old,
            "rejoin": True,
            "restore": self.runbook == "restore" and self.reached(),
        }
        result["ok"] = result["rerun"] == 0 and green and not result["paused"] and moved[self.runbook]
        return result


def watch(trials: Trials, wanted: int, inside: int, first: int) -> tuple[list[dict[str, Any]], Sampler]:
    """Calibrate, then trial after trial, until one does not end well."""
    results: list[dict[str, Any]] = []
    with Sampler({host: trials.lab.container(host) for host in DATABASE_HOSTS}) as sampler:
        wait_for_writes(trials.storm, 0, 30)
        every = trials.calibrate(inside)
        print(f"{len(every)} points; primary {trials.primary}", flush=True)
        for number, point in list(enumerate(chosen(every, wanted), start=1))[max(0, first - 1) :]:
            results.append(trials.trial(number, point))
            print(json.dumps(results[-1]), flush=True)
            if not results[-1]["ok"]:
                break
    return results, sampler


def summary(trials: Trials, results: list[dict[str, Any]], sampler: Sampler, report: dict[str, Any]) -> dict[str, Any]:
    """What all trials together came to."""
    audit = report["audit"] or {}
    history = read_journal(trials.storm.journal)
    result = {
        "runbook": trials.runbook,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit(),
        "load": round(os.getloadavg()[0], 1),
        "hit": sum(one["hit"] for one in results),
        "two_writable": overlaps(list(sampler.samples.values())),
        "served_by_two": served_by_two(history.acked_by),
        "samples": {host: len(one.answers) for host, one in sampler.samples.items()},
        "acknowledged": report["acknowledged"],
        "lost": audit.get("lost"),
        "duplicated": audit.get("duplicated"),
        "read_only_errors": report["read_only_errors"],
    }
    held = bool(results) and all(one["ok"] for one in results)
    held = held and not result["two_writable"] and not result["served_by_two"] and min(result["samples"].values()) > 0
    kept = result["lost"] == 0 or trials.runbook == "restore"
    result["ok"] = held and kept and result["duplicated"] == 0
    return {**result, "trials": results}


def main() -> int:
    """Run the trials and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("runbook", choices=["failover", "rejoin", "switchover", "restore"])
    parser.add_argument("--trials", type=int, default=0, help="so many points, evenly over the run; 0: every one")
    parser.add_argument("--inside", type=int, default=8, help="moments inside of the longest task")
    parser.add_argument(
        "--first", type=int, default=1, help="begin with this point, to go on where an earlier run ended"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    os.chdir(ROOT)
    trials = Trials(arguments.runbook, arguments.seed)
    whole = False
    try:
        results, sampler = watch(trials, arguments.trials, arguments.inside, arguments.first)
        result = {"seed": arguments.seed, **summary(trials, results, sampler, trials.storm.stop())}
        path = ARTIFACTS / f"chaos-resume-{arguments.runbook}.json"
        earlier = json.loads(path.read_text()) if path.exists() else []
        Path(path).write_text(json.dumps([*earlier, result], indent=2) + "\n")
        whole = bool(result["ok"])
    finally:
        if trials.storm.running():
            trials.storm.stop()
        if not whole:
            print(f"the lab is whole: {make_whole(trials.lab, trials.folder)}", flush=True)
    print(json.dumps({key: value for key, value in result.items() if key != "trials"}))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (LabError, NotWhole, StormFailed, TrialFailed, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
