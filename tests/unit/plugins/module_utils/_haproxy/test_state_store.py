"""The state file is replaced whole, by one writer at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy import state_store


def test_it_is_written_and_read_and_readable_by_haproxy(tmp_path: Path) -> None:
    path = tmp_path / "state"
    assert state_store.read(str(path)) == ""
    state_store.write(str(path), "1\n")
    state_store.write(str(path), "1\n2\n")
    assert state_store.read(str(path)) == "1\n2\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_a_failed_write_leaves_the_old_text_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    state_store.write(str(path), "old\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state_store.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        state_store.write(str(path), "new\n")
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_one_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    with state_store.lock(path, 0), pytest.raises(state_store.Busy, match=r"state\.lock"), state_store.lock(path, 0.05):
        pytest.fail("two holders of one lock")
    with state_store.lock(path, 0):
        pass
