"""Run every check of the repository, two lanes side by side, and end with one line: `N passed, N failed`.

usage: check.py [--only NAME ...] [--list]

Lane "desk" reads files and runs the Python tests;
lane "lab" runs the Molecule scenarios, one after another, on one lab.
A check's output goes to artifacts/checks/<name>.log; it is shown when the check fails.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "artifacts" / "checks"
LAB_NAME = "test"
# In this order: each scenario leaves the lab as the next one expects it.
SCENARIOS = (
    "lock",
    "provision",
    "postgresql",
    "role_probe",
    "haproxy",
    "keepalived",
    "pgbouncer",
    "failover",
    "boot_guard",
    "rejoin",
    "preflight",
    "switchover",
    "loadbalancer",
    "maintenance",
    "rolling",
    "refusals",
)
TYPED = (
    "collections/ha_recovery/plugins/module_utils",
    *(f"tests/{name}" for name in ("bench", "chaos", "demo", "lab", "storm")),
)
PROBE = "collections/ha_recovery/roles/role_probe/files"
GUARD = "collections/ha_recovery/roles/boot_guard/files"
SOURCES = ("collections/ha_recovery", "tests", ".ci")


@dataclass(frozen=True)
class Check:
    """One check: its name, its command, and whether its closing line counts tests (pytest) or it counts as one."""

    name: str
    argv: tuple[str, ...]
    timeout: float = 900
    pytest: bool = False


def molecule(command: str, scenario: str, *options: str) -> tuple[str, ...]:
    """The command line that runs one Molecule command on one scenario."""
    return ("molecule", "--base-config", ".config/molecule/config.yml", command, "--scenario-name", scenario,
            *(() if command == "reset" else ("--report", "--no-command-borders")), *options)  # fmt: skip


DESK = (
    Check("ruff", ("ruff", "check", *SOURCES)),
    Check("ruff-format", ("ruff", "format", "--check", *SOURCES)),
    Check("yamllint", ("yamllint", "--strict", ".")),
    Check("mypy", ("mypy", "--strict", *TYPED)),
    # The probe and the guard are programs of their own, installed on hosts: they find their modules beside themselves.
    Check("mypy role_probe", ("env", f"MYPYPATH={PROBE}", "mypy", "--strict", "-p", "role_probe")),
    Check("mypy boot_guard", ("env", f"MYPYPATH={GUARD}", "mypy", "--strict", "-p", "boot_guard")),
    Check("unit", ("pytest", "tests/unit", "-q"), pytest=True),
    Check("contract", ("pytest", "tests/contract", "-q"), pytest=True),
    Check("sanity", (".ci/sanity",)),
    Check("ansible-lint", ("ansible-lint", "--nocolor")),
)  # fmt: skip
LAB = (
    # Molecule believes its notes of earlier runs, not the machine: forget them, and begin from nothing.
    Check("molecule default: reset", molecule("reset", "default")),
    Check("molecule default: destroy", molecule("destroy", "default")),
    Check("molecule default: create", molecule("create", "default")),
    Check("molecule default: verify", molecule("verify", "default")),
    *(Check(f"molecule {name}", molecule("test", name, "--destroy=never"), timeout=1500) for name in SCENARIOS),
    Check("molecule default: take the lab away", molecule("destroy", "default")),
)


@dataclass
class Outcome:
    """What a check came to."""

    passed: int
    failed: int
    seconds: float


def count(check: Check, rc: int, output: str) -> tuple[int, int]:
    """(passed, failed): tests for pytest, one for everything else. Molecule must not have missed a playbook."""
    if check.pytest:
        numbers = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", output)}
        failed = numbers.get("failed", 0) + numbers.get("error", 0)
        passed = numbers.get("passed", 0)
        return (passed, max(failed, 1 if rc or not passed else 0))
    if check.argv[0] == "molecule" and re.search(r"missing=[1-9]", output):
        return (0, 1)
    return (0, 1) if rc else (1, 0)


def run(check: Check, environment: dict[str, str]) -> Outcome:
    """Run one check to its end or its time limit; say a line when it begins and one when it ends."""
    log = LOGS / (re.sub(r"[^a-z_-]+", "-", check.name) + ".log")
    print(f"  ...  {check.name}", flush=True)
    begin = time.monotonic()
    with log.open("wb") as sink:
        process = subprocess.Popen(check.argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=sink,
                                   stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
        late = False
        while True:
            try:
                rc = process.wait(timeout=45)
                break
            except subprocess.TimeoutExpired:
                elapsed = time.monotonic() - begin
                if elapsed > check.timeout:
                    os.killpg(process.pid, 9)
                    late = True
                else:
                    print(f"  ...  {check.name}: {elapsed:.0f} s, {last_task(log)}", flush=True)
    output = log.read_text(errors="replace")
    passed, failed = count(check, rc, output)
    seconds = time.monotonic() - begin
    print(
        f"{'FAIL' if failed else '  ok'}  {check.name} ({seconds:.0f} s)" + (", stopped: too slow" if late else ""),
        flush=True,
    )
    if failed:
        print("\n".join(f"      | {line}" for line in output.splitlines()[-60:]), flush=True)
    return Outcome(passed, failed, seconds)


def last_task(log: Path) -> str:
    """What a Molecule run is doing now, for the progress line."""
    tasks = re.findall(r"TASK \[(.+?)\]", log.read_text(errors="replace"))
    return str(tasks[-1]) if tasks else "still running"


def lane(checks: tuple[Check, ...], environment: dict[str, str], outcomes: list[Outcome]) -> None:
    """Run the checks of a lane one after another. Without a lab nothing that needs one is tried."""
    for check in checks:
        outcome = run(check, environment)
        outcomes.append(outcome)
        if outcome.failed and check.name == "molecule default: create":
            print("FAIL  no lab: the scenarios that need it count as failed", flush=True)
            outcomes.append(Outcome(0, len(SCENARIOS), 0))
            return


def main() -> int:
    """Run what was asked for; exit status 1 when a check failed or nothing ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run the checks whose name begins with one of these")
    parser.add_argument("--list", action="store_true", help="name the checks and stop")
    arguments = parser.parse_args()
    lanes = [DESK, LAB]
    if arguments.only:
        lanes = [tuple(c for c in checks if c.name.startswith(tuple(arguments.only))) for checks in lanes]
    if arguments.list:
        print("\n".join(check.name for checks in lanes for check in checks))
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'collections'}:{ROOT / 'collections/vendor'}",
        "HA_LAB": os.environ.get("HA_TEST_LAB", LAB_NAME),
        "HA_LAB_OCTET": os.environ.get("HA_TEST_LAB_OCTET", "9"),
        "COLUMNS": "160",
        "NO_COLOR": "1",
    }
    begin = time.monotonic()
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lane, args=(checks, environment, outcomes)) for checks in lanes if checks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"all checks ended after {time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
