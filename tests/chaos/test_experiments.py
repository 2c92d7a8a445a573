"""`make chaos`: every experiment, on the running lab. What must hold is in judge.py."""

from __future__ import annotations

import pytest

from tests.chaos.engine import run_experiment
from tests.chaos.experiment import Experiment
from tests.chaos.experiments import ALL
from tests.lab.estate import Lab

MARKED = [pytest.param(one, id=one.name, marks=[pytest.mark.telling] if one.telling else []) for one in ALL]


@pytest.mark.parametrize("experiment", MARKED)
def test_it_holds(experiment: Experiment, seed: int) -> None:
    """Nothing of what must hold was seen broken."""
    if experiment.backups and not Lab().has_backups:
        pytest.skip("the lab has no backups: HA_LAB_BACKUP=pgbackrest make lab")
    result = run_experiment(experiment, seed)
    assert not result["wrong"], f"see artifacts/chaos/{experiment.name}: " + "; ".join(result["wrong"])
