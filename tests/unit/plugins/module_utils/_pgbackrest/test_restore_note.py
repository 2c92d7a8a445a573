"""What everybody else is told of a restore."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_note import noted

NOTE: dict[str, Any] = {"id": "20261127T053029Z", "phase": "recovering", "host": "pg2", "target": {"kind": "latest"}}
TOLD = {
    "id": "20261127T053029Z",
    "phase": "recovering",
    "host": "pg2",
    "target": "the end of the archive",
    "undo": False,
    "disaster": False,
}
UNREADABLE = {"id": "", "phase": "unreadable", "host": "", "target": "", "undo": False, "disaster": False}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps(NOTE), TOLD),
        (json.dumps({**NOTE, "undo": True, "disaster": True}), {**TOLD, "undo": True, "disaster": True}),
        (json.dumps({**NOTE, "phase": "done"}), {**TOLD, "phase": "done"}),
        ("{", UNREADABLE),
        ("[]", UNREADABLE),
        (json.dumps({"phase": "begun"}), UNREADABLE),
    ],
)
def test_told(tmp_path: Path, text: str, told: dict[str, Any] | None) -> None:
    """What cannot be read is told as such."""
    folder = tmp_path / "var/lib/ha_recovery"
    folder.mkdir(parents=True)
    assert noted(str(tmp_path)) is None
    (folder / "restore-17-main.json").write_text(text)
    assert noted(str(tmp_path)) == told
