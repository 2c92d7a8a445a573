"""What jobs left on a host, as the call tells it: ages as they are now, problems in words."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers import copies


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of figures and notes, where the settings are looked for as well."""
    monkeypatch.setattr(copies, "FILES", tmp_path)
    monkeypatch.setattr(copies, "DUMPS", tmp_path / "job.json")
    return tmp_path


def write(state: Path, settings: str, figures: str, age: float, **notes: object) -> None:
    """Settings, figures of that age, and notes."""
    job = {"metrics": str(state / "told.prom"), "state": str(state), "max_age_s": 93600}
    (state / settings).write_text(json.dumps(job))
    if figures:
        (state / "told.prom").write_text(figures)
        os.utime(state / "told.prom", (time.time() - age,) * 2)
    for name, note in notes.items():
        (state / f"{name}.json").write_text(json.dumps(note))


def test_not_set_up(state: Path) -> None:
    """Absent software is an answer."""
    assert copies.dump_info({}) == {"set_up": False, "of": {}, "problems": {}}
    seen = copies.file_backup_info({})
    assert (seen["repository"]["set_up"], seen["host"]["set_up"]) == (False, False)


def test_dumps(state: Path) -> None:
    """The age goes on while nobody looks."""
    write(state, "job.json", 'postgresql_dump_age_seconds{database="app"} 60\n', 600,
          dumps={"app": {"problem": "no room"}})  # fmt: skip
    seen = copies.dump_info({})
    assert seen["of"]["app"]["age_seconds"] == pytest.approx(660, abs=5)
    assert (seen["told_s"], seen["max_age_s"], seen["problems"]) == (
        pytest.approx(600, abs=5),
        93600,
        {"app": "no room"},
    )


def test_nobody_has_looked_yet(state: Path) -> None:
    """Settings without figures."""
    write(state, "job.json", "", 0)
    assert (copies.dump_info({})["told_s"], copies.dump_info({})["set_up"]) == (None, True)


def test_files(state: Path) -> None:
    """The repository tells of every host, a host of itself."""
    write(
        state, "repository.json", 'file_backup_drill_good{host="lb1"} 0\n', 0, drill={"lb1": {"problem": "missing: a"}}
    )
    seen = copies.file_backup_info({})["repository"]
    assert (seen["of"], seen["drill"], seen["check"]) == ({"lb1": {"drill_good": 0.0}}, {"lb1": "missing: a"}, {})
    write(state, "host.json", 'file_backup_last_run_good{host="lb1"} 0\n', 0, backup={"problem": "no key"})
    assert copies.file_backup_info({})["host"]["problem"] == "no key"
