"""Small files are replaced whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import files
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file


def test_content_and_mode(tmp_path: Path) -> None:
    """The new content under the old name, nothing left beside it."""
    path = tmp_path / "a.conf"
    path.write_text("old")
    replace_file(path, "new", mode=0o640, owner="")
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.conf"]
    remove_file(path)
    remove_file(path)
    assert not path.exists()


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk shows when the content is flushed."""
    path = tmp_path / "a.conf"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, "new", mode=0o640, owner="")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.conf"]
