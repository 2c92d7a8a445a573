"""Molecule only warns when a playbook is missing; here it is an error."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(path.parent for path in ROOT.glob("molecule/*/molecule.yml"))
BASE = yaml.safe_load((ROOT / ".config" / "molecule" / "config.yml").read_text())
PLAYBOOK = {"check": "converge", "idempotence": "converge"}


def _check_module():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("check", ROOT / ".ci" / "check.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["check"] = module
    spec.loader.exec_module(module)
    return module


def test_every_scenario_is_run() -> None:
    """A scenario that `make test` does not run proves nothing."""
    assert {path.name for path in SCENARIOS} == {*_check_module().PARTS, *_check_module().RUNBOOKS, "default"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_a_scenario_has_every_playbook_of_its_sequence(scenario: Path) -> None:
    """verify.yml above all: a scenario without it passes without looking."""
    config = yaml.safe_load((scenario / "molecule.yml").read_text()) or {}
    sequence = config.get("scenario", {}).get("test_sequence", BASE["scenario"]["test_sequence"])
    assert "verify" in sequence
    for step in sequence:
        assert (scenario / f"{PLAYBOOK.get(step, step)}.yml").exists(), f"{scenario.name} has no playbook for {step}"


@pytest.mark.parametrize(
    ("output", "rc", "expected"),
    [
        ("default: actions=5 successful=5 missing=0 failed=0", 0, (1, 0)),
        ("default: actions=5 successful=4 missing=1 failed=0", 0, (0, 1)),
        ("default: actions=5 successful=4 missing=0 failed=1", 2, (0, 1)),
    ],
)
def test_a_missing_playbook_counts_as_a_failure(output: str, rc: int, expected: tuple[int, int]) -> None:
    """The driver of the checks reads Molecule's recap, not only its exit status."""
    check = _check_module()
    assert check.count(check.Check("molecule x", ("molecule",)), rc, output) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('fatal: [localhost]: FAILED! => {"msg": "rc 2", "stdout": "a\\nrefused: no"}',
         ["localhost: a", "localhost: refused: no", "localhost: rc 2"]),
        ('failed: [pg1] (item=x) => {"msg": "no"}', ["pg1: no"]),
        ('fatal: [pg1]: FAILED! => {\n    "msg": "4 errors"\n}', ['pg1: "msg": "4 errors"']),
        ("FAILED tests/x.py::y - no", ["FAILED tests/x.py::y - no"]),
        ("ok: [pg1]", []),
    ],
)  # fmt: skip
def test_a_failure_says_why(output: str, expected: list[str]) -> None:
    """The end of the output is where people look."""
    assert _check_module().why(output) == expected


@pytest.mark.parametrize(
    ("output", "rc", "expected"),
    [
        ("12 passed in 1.0s", 0, (12, 0)),
        ("11 passed, 1 failed in 1.0s", 1, (11, 1)),
        ("no tests ran in 0.01s", 5, (0, 1)),
        ("Traceback", 1, (0, 1)),
        ("3 passed, 1 error in 1.0s", 1, (3, 1)),
    ],
)
def test_pytest_runs_are_counted_honestly(output: str, rc: int, expected: tuple[int, int]) -> None:
    """No test executed is a failure."""
    check = _check_module()
    assert check.count(check.Check("unit", ("pytest",), pytest=True), rc, output) == expected
