"""The experiments are whole: hosts, faults and endings exist, and each is documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.experiment import DONE, FAILED, REFUSED, Await, Break, Experiment, Mend, Type
from tests.chaos.experiments import ALL
from tests.lab.faults import FAULTS

ROOT = Path(__file__).resolve().parents[3]
ROLES = {"primary", "candidate", "other", "holder", "spare", "promoted", "all", "control", "repository"}


def test_no_two_have_one_name() -> None:
    """A name is a folder and a row of the table."""
    assert len({one.name for one in ALL}) == len(ALL)


@pytest.mark.parametrize("experiment", ALL, ids=lambda one: one.name)
def test_every_word_of_an_experiment_is_known(experiment: Experiment) -> None:
    """A typing error would otherwise show after minutes."""
    assert experiment.mode in ("sync", "async")
    assert {experiment.rival} <= ROLES | {""}
    for step in experiment.steps:
        if isinstance(step, Break):
            assert step.fault in FAULTS and step.host in ROLES
            assert step.fault == "throttle" or set(step.argument.split(",")) <= ROLES | {""}
        elif isinstance(step, Mend):
            assert step.host in ROLES
        elif isinstance(step, Type):
            assert step.ends and set(step.ends) <= {DONE, FAILED, REFUSED}
            assert (ROOT / "playbooks" / f"{step.runbook}.yml").exists()
        elif isinstance(step, Await):
            assert step.what in ("writes", "promoted", "ended", "archived", "archiving_fails")


@pytest.mark.parametrize("experiment", ALL, ids=lambda one: one.name)
def test_a_command_is_never_typed_while_another_runs(experiment: Experiment) -> None:
    """The engine has one operator."""
    under_way = False
    for step in experiment.steps:
        if isinstance(step, Type):
            assert not under_way
            under_way = not step.wait
        elif isinstance(step, Await) and step.what == "ended":
            assert under_way
            under_way = False


def test_every_experiment_is_in_the_documentation() -> None:
    """What it does to what, and what a person does."""
    text = (ROOT / "docs" / "chaos.md").read_text()
    assert [one.name for one in ALL if f"`{one.name}`" not in text] == []
