"""Which record of a runbook counts, and how old it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.lookup.last_record import last_record

NOW = 1772334120.0  # 2026-03-01T03:02:00Z
DONE = {"status": "done", "old_primary": "pg1", "new_primary": "pg2", "ended_at": "2026-03-01T03:01:00Z"}


def records(folder: Path, **files: Any) -> Path:
    """A folder with records; a text that is no JSON is written as it is."""
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}-switchover.json").write_text(text)
    (folder / "20260301T040000Z-failover.json").write_text(json.dumps({**DONE, "new_primary": "pg3"}))
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, {}),
        ({"a": DONE}, {"name": "a-switchover", "status": "done", "new_primary": "pg2", "age_s": 60.0}),
        ({"a": DONE, "b": {**DONE, "status": "started"}}, {"name": "b-switchover", "status": "started"}),
        ({"a": DONE, "b": {**DONE, "status": "refused"}}, {"name": "a-switchover"}),
        ({"a": DONE, "b": {**DONE, "status": "none"}}, {"name": "a-switchover"}),
        ({"a": DONE, "b": "half a rec"}, {"name": "a-switchover"}),
        ({"a": DONE, "b": []}, {"name": "a-switchover"}),
        ({"a": {**DONE, "ended_at": "2026-03-01T03:03:00Z"}}, {"age_s": 0.0}),
        ({"a": {**DONE, "ended_at": "yesterday"}}, {"age_s": 0.0}),
        ({"a": {**DONE, "evidence": {"moved": {"from": "lb1", "to": "lb2"}}}}, {"moved": {"from": "lb1", "to": "lb2"}}),
    ],
)
def test_the_newest_that_did_something(tmp_path: Path, files: dict[str, Any], expected: dict[str, Any]) -> None:
    """Refusals, runs that had nothing to do and broken files are passed over; other runbooks' records do not count."""
    found = last_record(records(tmp_path, **files), "switchover", NOW)
    assert {key: found.get(key) for key in expected} == expected
    assert bool(found) == bool(expected)


def test_no_folder_yet(tmp_path: Path) -> None:
    """Nothing was ever recorded."""
    assert last_record(tmp_path / "none", "switchover", NOW) == {}
