"""Which record an interrupted run left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.lookup.unfinished_record import unfinished


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("", []),
        ("", ["done"]),
        ("2-failover", ["done", "started"]),
        ("2-failover", ["done", "failed"]),
        ("", ["started", "done"]),
        ("1-failover", ["started", "refused"]),
        ("", ["done", "refused"]),
    ],
)
def test_the_newest_begun_run_counts(tmp_path: Path, name: str, statuses: list[str]) -> None:
    """A refusal began nothing and hides nothing."""
    for number, status in enumerate(statuses, start=1):
        (tmp_path / f"{number}-failover.json").write_text(json.dumps({"status": status}))
    (tmp_path / "9-switchover.json").write_text('{"status": "started"}')
    assert unfinished(tmp_path, "failover") == name


def test_a_damaged_record_is_passed_over(tmp_path: Path) -> None:
    """It says nothing."""
    (tmp_path / "1-failover.json").write_text("{")
    assert unfinished(tmp_path, "failover") == ""
    assert unfinished(tmp_path / "absent", "failover") == ""


@pytest.mark.parametrize(("about", "name"), [("", "1-failover"), ("pg1", "1-failover"), ("pg2", "")])
def test_a_run_about_another_primary_is_another_run(tmp_path: Path, about: str, name: str) -> None:
    """Else the record of one night would be written over by the next one."""
    (tmp_path / "1-failover.json").write_text(json.dumps({"status": "failed", "old_primary": "pg1"}))
    assert unfinished(tmp_path, "failover", about) == name
