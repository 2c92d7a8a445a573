"""`make demo`: build the lab, provision it, cut the primary's power under load, fail over, and count.

The result is printed and written to artifacts/demo.json: write_gap_s (longest time without any acknowledged write, as
the clients saw it), client_errors, acknowledged, lost, duplicated, old_primary, new_primary, failover_s (the whole
failover command). Exit status 0 only when no acknowledged write was lost or duplicated.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.demo.steps import ROOT, Narrator, StepFailed, environment, run
from tests.lab.estate import Lab
from tests.lab.faults import break_host

ARTIFACTS = ROOT / "artifacts"
LOGS = ARTIFACTS / "demo"
INVENTORY = ("-i", "inventories/lab")
CALM_BEFORE_S = 5.0
CALM_AFTER_S = 5.0
STORM_LIMIT_S = 120.0


def playbook(narrator: Narrator, name: str, timeout: float) -> float:
    """Run one of the playbooks against the lab; returns its seconds."""
    return run(narrator, ["ansible-playbook", *INVENTORY, f"playbooks/{name}.yml"], LOGS / f"{name}.log", timeout)


def observed_primary() -> str:
    """Who status.yml saw as primary."""
    return str(json.loads((ARTIFACTS / "status.json").read_text())["primary"])


class Storm:
    """The order storm, in a process of its own."""

    def __init__(self, dsn: str) -> None:
        self._stop = LOGS / "storm.stop"
        self._status = LOGS / "storm.status.json"
        self._report = LOGS / "storm.json"
        for path in (self._stop, self._status, self._report, LOGS / "storm.jsonl"):
            path.unlink(missing_ok=True)
        self._log = (LOGS / "storm.log").open("w")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.storm",
                "run",
                "--duration",
                str(STORM_LIMIT_S),
                "--stop-file",
                str(self._stop),
                "--status-file",
                str(self._status),
                "--report",
                str(self._report),
                "--journal",
                str(LOGS / "storm.jsonl"),
            ],
            cwd=ROOT,
            env={**environment(), "STORM_DSN": dsn},
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
            raise StepFailed("the storm left no report:\n" + Path(self._log.name).read_text()[-2000:])
        return dict(json.loads(self._report.read_text()))


def wait_for_writes(storm: Storm, more_than: int, timeout: float) -> None:
    """Wait until orders are acknowledged (again)."""
    deadline = time.monotonic() + timeout
    while storm.acknowledged() <= more_than:
        if not storm.running() or time.monotonic() > deadline:
            raise StepFailed("no order is acknowledged:\n" + (LOGS / "storm.log").read_text()[-2000:])
        time.sleep(0.1)


def demo(narrator: Narrator) -> dict[str, Any]:
    """The whole play; returns the result."""
    lab = Lab()
    narrator.say(
        "building the lab: six hosts that run systemd (two load balancers, three database hosts, one backup host)"
    )
    for name in ("destroy", "create"):
        made_by = f"molecule/default/{name}.yml"
        run(narrator, ["ansible-playbook", *INVENTORY, made_by], LOGS / f"{name}.log", 300)
    narrator.say("provisioning it: playbooks/site.yml")
    seconds = playbook(narrator, "site", 600)
    narrator.say(f"provisioned in {seconds:.0f} s; asking who is who: playbooks/status.yml")
    playbook(narrator, "status", 60)
    old = observed_primary()
    storm = Storm(lab.dsn(5000))
    try:
        narrator.say(f"{old} is primary. 8 writers place orders through the virtual IP {lab.vip}:5000")
        wait_for_writes(storm, 0, 30)
        time.sleep(CALM_BEFORE_S)
        narrator.say(f"{storm.acknowledged()} orders acknowledged. Cutting the power of {old}")
        break_host(lab, "power-cut", old)
        narrator.say("running playbooks/failover.yml, as a person would")
        failover_s = playbook(narrator, "failover", 120)
        narrator.say(f"failover.yml ended after {failover_s:.1f} s")
        wait_for_writes(storm, storm.acknowledged(), 30)
        time.sleep(CALM_AFTER_S)
    finally:
        report = storm.stop()
    playbook(narrator, "status", 60)
    audit = report["audit"] or {}
    return {
        "old_primary": old,
        "new_primary": observed_primary(),
        "write_gap_s": report["write_gap_s"],
        "failover_s": round(failover_s, 2),
        "acknowledged": report["acknowledged"],
        "lost": audit.get("lost"),
        "duplicated": audit.get("duplicated"),
        "client_errors": report["client_errors"],
        "in_doubt": report["in_doubt"],
        "tps_before": report["tps_before"],
    }


def show(result: dict[str, Any]) -> str:
    """The result as a person reads it."""
    return "\n".join(
        [
            "",
            f"  {result['old_primary']} lost its power; {result['new_primary']} is primary now.",
            "",
            f"  no write was acknowledged for   {result['write_gap_s']:.2f} s",
            f"  failover.yml took               {result['failover_s']:.2f} s",
            f"  orders acknowledged             {result['acknowledged']}",
            f"  ... of these lost               {result['lost']}",
            f"  ... duplicated                  {result['duplicated']}",
            f"  errors that clients saw         {result['client_errors']}",
            "",
        ]
    )


def main() -> int:
    """Run the demo; exit status 1 when it failed or an acknowledged order is missing."""
    LOGS.mkdir(parents=True, exist_ok=True)
    narrator = Narrator(lambda line: print(line, flush=True))
    try:
        result = demo(narrator)
    except StepFailed as failure:
        print(f"\nThe demo stopped: {failure}", file=sys.stderr)
        return 1
    (ARTIFACTS / "demo.json").write_text(json.dumps(result, indent=2) + "\n")
    print(show(result))
    narrator.say("the same in artifacts/demo.json; the lab still runs: look at it with")
    print("          ansible-playbook -i inventories/lab playbooks/status.yml      (`make clean` removes every trace)")
    return 0 if result["lost"] == 0 and result["duplicated"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
