"""Run every check of the repository, in lanes side by side, and end with one line: `N passed, N failed`.

usage: check.py [--only NAME ...] [--list]

Lane "desk" reads files and runs the Python tests. Lane "parts" runs the Molecule scenarios that build an estate and
break its parts, one after another, on a lab of its own. Lane "runbooks" runs those of the runbooks and a part of the
chaos experiments on a second lab and a copy of the tree; it begins when the desk is free, for there are two cores.
A check's output goes to artifacts/checks/<name>.log; it is shown when the check fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "artifacts" / "checks"
LAB_NAME = "test"
SECOND = ROOT / "artifacts" / "second"
# In this order: each scenario leaves its lab as the next one expects it.
PARTS = (
    "lock",
    "provision",
    "postgresql",
    "role_probe",
    "haproxy",
    "keepalived",
    "pgbouncer",
    "failover",
    "rejoin",
    "pgbackrest",
    "repositories",
    "restore_drill",
    "restore",
    "reseed",
    "disaster",
)
RUNBOOKS = (
    "preflight",
    "switchover",
    "loadbalancer",
    "maintenance",
    "rolling",
    "refusals",
    "fencing",
    "boot_guard",
    "file_backup",
    "postgresql_dump",
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
    needed: bool = False


@dataclass(frozen=True)
class Lane:
    """Checks that run one after another, in a tree, with an environment; ``after`` is another lane that ends first."""

    name: str
    checks: tuple[Check, ...]
    environment: Mapping[str, str]
    root: Path = ROOT
    after: str = ""


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
ON_A_LAB = (
    # Molecule believes its notes of earlier runs, not the machine: forget them, and begin from nothing.
    Check("molecule default: reset", molecule("reset", "default")),
    Check("molecule default: destroy", molecule("destroy", "default")),
    Check("molecule default: create", molecule("create", "default"), needed=True),
)
LAB_AWAY = Check("molecule default: take the lab away", molecule("destroy", "default"))
BUILD = (
    *ON_A_LAB,
    Check("molecule default: verify", molecule("verify", "default")),
    *(Check(f"molecule {name}", molecule("test", name, "--destroy=never"), timeout=1500) for name in PARTS),
    LAB_AWAY,
)
OPERATE = (
    *ON_A_LAB,
    Check(
        "site.yml on the second lab", ("ansible-playbook", "-i", "inventories/lab", "playbooks/site.yml"), needed=True
    ),
    *(Check(f"molecule {name}", molecule("test", name, "--destroy=never"), timeout=1500) for name in RUNBOOKS),
    Check("chaos", ("pytest", "tests/chaos", "-q", "-rA", "--seed", "1", "--telling"), timeout=1200, pytest=True),
    LAB_AWAY,
)


@dataclass
class Outcome:
    """What a check came to."""

    passed: int
    failed: int
    seconds: float
    name: str = ""
    why: Sequence[str] = ()


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


def run(check: Check, lane: Lane) -> Outcome:
    """Run one check to its end or its time limit; say a line when it begins and one when it ends."""
    log = LOGS / (re.sub(r"[^a-z_-]+", "-", f"{lane.name} {check.name}") + ".log")
    print(f"  ...  {check.name}", flush=True)
    begin = time.monotonic()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            check.argv,
            cwd=lane.root,
            env=lane.environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
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
    said = why(output) if failed else []
    if failed:
        print("\n".join(f"      | {line}" for line in [*output.splitlines()[-60:], *said]), flush=True)
    return Outcome(passed, failed, seconds, check.name if failed else "", said)


def why(output: str) -> list[str]:
    """What failed, in Ansible's and pytest's words: the message, and what a typed command printed before it failed."""
    said: list[str] = []
    lines = output.splitlines()
    for number, line in enumerate(lines):
        found = re.match(r"(?:fatal|failed): \[(.+?)\].*?=> (.*)$", line)
        if found:
            try:
                result = json.loads(found.group(2))
            except ValueError:  # an assertion's answer spans lines
                result = {"msg": message_below(lines[number : number + 40]) or found.group(2)}
            words = [
                *str(result.get("stdout") or "").splitlines()[-25:],
                *str(result.get("msg") or "").splitlines()[-8:],
            ]
            said += [f"{found.group(1)}: {word}"[:300] for word in words]
        elif re.match(r"(FAILED tests|E   )", line):
            said.append(line.strip()[:300])
    return said[-40:]


def message_below(lines: Sequence[str]) -> str:
    """The message in an assertion's answer, which spans lines; a message that is a list spans some more."""
    for number, line in enumerate(lines):
        if '"msg": ' in line:
            end = next((at for at, one in enumerate(lines[number:]) if one.strip().startswith("]")), 0)
            return "\n".join(one.strip() for one in lines[number : number + (end if line.endswith("[") else 0) + 1])
    return ""


def last_task(log: Path) -> str:
    """What a Molecule run is doing now, for the progress line."""
    tasks = re.findall(r"TASK \[(.+?)\]", log.read_text(errors="replace"))
    return str(tasks[-1]) if tasks else "still running"


def walk(lane: Lane, outcomes: list[Outcome], ended: Mapping[str, threading.Event]) -> None:
    """Run the checks of a lane one after another. Without a lab nothing that needs one is tried."""
    try:
        if lane.after in ended:
            ended[lane.after].wait()
        if lane.root != ROOT:
            copy_tree(lane.root)
        for number, check in enumerate(lane.checks):
            outcome = run(check, lane)
            outcomes.append(outcome)
            if outcome.failed and check.needed:
                left = len(lane.checks) - number - 1
                print(f"FAIL  {check.name}: the {left} checks that need it count as failed", flush=True)
                outcomes.append(Outcome(0, left, 0))
                return
    finally:
        ended[lane.name].set()


def copy_tree(target: Path) -> None:
    """The tree once more: Molecule and the runbooks keep notes below it, which two labs must not share."""
    shutil.rmtree(target, ignore_errors=True)
    skipped = shutil.ignore_patterns(".venv", ".git", "artifacts", "vendor", ".*_cache", "__pycache__")
    shutil.copytree(ROOT, target, symlinks=True, ignore=skipped)
    for shared in (".venv", "collections/vendor"):
        (target / shared).symlink_to(ROOT / shared)


def environment_of(root: Path, lab: str, octet: int) -> dict[str, str]:
    """The environment of a lane: its lab, and the collection of its own tree."""
    return {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": f"{root / 'collections'}:{root / 'collections/vendor'}",
        "PWD": str(root),
        "HA_LAB": lab,
        "HA_LAB_OCTET": str(octet),
        "COLUMNS": "160",
        "NO_COLOR": "1",
    }


def main() -> int:
    """Run what was asked for; exit status 1 when a check failed or nothing ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run the checks whose name begins with one of these")
    parser.add_argument("--list", action="store_true", help="name the checks and stop")
    arguments = parser.parse_args()
    name, octet = os.environ.get("HA_TEST_LAB", LAB_NAME), int(os.environ.get("HA_TEST_LAB_OCTET", "9"))
    lanes = [
        Lane("desk", DESK, environment_of(ROOT, name, octet)),
        Lane("parts", BUILD, environment_of(ROOT, name, octet)),
        Lane("runbooks", OPERATE, environment_of(SECOND, f"{name}2", octet + 1), SECOND, after="desk"),
    ]
    if arguments.only:
        wanted = tuple(arguments.only)
        lanes = [replace(one, checks=tuple(c for c in one.checks if c.name.startswith(wanted))) for one in lanes]
        # What every lane has is run in the first one, unless more of another one is wanted.
        shared = {*ON_A_LAB, LAB_AWAY}
        lanes = [one for one in lanes if one.name == "parts" or not shared.issuperset(one.checks)]
    lanes = [one for one in lanes if one.checks]
    if arguments.list:
        print("\n".join(f"{one.name}: {check.name}" for one in lanes for check in one.checks))
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    outcomes: list[Outcome] = []
    ended = {one.name: threading.Event() for one in lanes}
    threads = [threading.Thread(target=walk, args=(one, outcomes, ended)) for one in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    # Once more at the end, where people look first.
    for one in outcomes:
        if one.name:
            print("\n".join([f"FAIL  {one.name}", *(f"      | {line}" for line in one.why)]), flush=True)
    print(f"all checks ended after {time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
