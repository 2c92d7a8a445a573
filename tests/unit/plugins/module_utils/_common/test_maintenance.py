"""The note that a host is out for maintenance."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import maintenance
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers import maintenance as answers


def test_no_note_is_in_service(tmp_path: Path) -> None:
    """Neither the file nor its folder has to be there."""
    assert maintenance.read_note(str(tmp_path)) is None


def test_a_note_that_cannot_be_read_counts(tmp_path: Path) -> None:
    """Better out than in by mistake."""
    path = maintenance.note_path(str(tmp_path))
    path.parent.mkdir(parents=True)
    path.write_text("{half a no")
    found = maintenance.read_note(str(tmp_path))
    assert found == {"reason": "the note is there but cannot be read"}
    assert maintenance.told(found) == "out for maintenance: the note is there but cannot be read"


def test_a_note_in_half_a_line() -> None:
    """Since when, by whom, why; what is not known is left out."""
    note = {"since": "2026-03-01T03:12:09Z", "by": "anna", "reason": "new disk"}
    assert maintenance.told(note) == "out for maintenance since 2026-03-01T03:12:09Z by anna: new disk"
    assert maintenance.told({}) == "out for maintenance"


def test_who_began_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rerun completes somebody's maintenance; it does not take it over. The same note is no change."""
    path = tmp_path / "maintenance.json"
    monkeypatch.setattr(answers, "note_path", lambda: path)
    monkeypatch.setattr(
        answers, "read_note", lambda: maintenance.parse_note(path.read_text()) if path.exists() else None
    )
    first = {"note": {"by": "anna", "covered": False}, "update": {"stopped": True}}
    assert answers.note(first)["changed"]
    second = {"note": {"by": "boris", "covered": False}, "update": {"covered": True}}
    assert answers.note(second)["note"] == {"by": "anna", "covered": True, "stopped": True}
    assert not answers.note(second)["changed"]
    assert answers.unnote({})["changed"]
    assert not answers.unnote({})["changed"]
