"""`make demo`: build the lab, provision it, cut the primary's power under load, fail over, and count.

The result is printed and written to artifacts/demo.json: write_gap_s (longest time without any acknowledged write, as
the clients saw it), client_errors, acknowledged, lost, duplicated, old_primary, new_primary, failover_s (the whole
failover command). Exit status 0 only when no acknowledged write was lost or duplicated.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.demo.steps import ROOT, Narrator, StepFailed, run
from tests.lab.estate import Lab
from tests.lab.faults import break_host
from tests.storm.process import StormFailed, StormProcess, wait_for_writes

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
    storm = StormProcess(lab.dsn(5000), LOGS, STORM_LIMIT_S)
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
    except (StepFailed, StormFailed) as failure:
        print(f"\nThe demo stopped: {failure}", file=sys.stderr)
        return 1
    (ARTIFACTS / "demo.json").write_text(json.dumps(result, indent=2) + "\n")
    print(show(result))
    narrator.say("the same in artifacts/demo.json; the lab still runs: look at it with")
    print("          ansible-playbook -i inventories/lab playbooks/status.yml      (`make clean` removes every trace)")
    return 0 if result["lost"] == 0 and result["duplicated"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
