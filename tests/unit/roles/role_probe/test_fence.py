"""The fence marker, readable or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from role_probe import fence
from role_probe.fence import read_fence


@pytest.fixture
def pattern(tmp_path: Path) -> str:
    for major in ("16", "17"):
        (tmp_path / major / "main").mkdir(parents=True)
    return str(tmp_path / "{major}" / "main" / "fenced.json")


@pytest.mark.parametrize(
    ("marked", "version", "fenced"),
    [
        ("17", 170011, True),
        ("16", 170011, False),
        ("", 170011, False),
        ("16", None, True),
        ("", None, False),
        ("", 180000, False),
    ],
)
def test_the_marker_of_the_running_version(pattern: str, marked: str, version: int | None, fenced: bool) -> None:
    """While no server runs, any version's counts."""
    if marked:
        Path(pattern.replace("{major}", marked)).write_text("{}")
    assert read_fence(pattern, version) is fenced


def test_no_folder_means_no_marker(tmp_path: Path) -> None:
    """Postgres is not installed yet."""
    assert read_fence(str(tmp_path / "none" / "{major}" / "fenced.json"), None) is False


def test_a_pattern_without_a_version(tmp_path: Path) -> None:
    """A plain path."""
    (tmp_path / "fenced.json").write_text("{}")
    assert read_fence(str(tmp_path / "fenced.json"), None) is True


@pytest.mark.parametrize("version", [170011, None])
def test_not_being_let_in_is_not_knowing(pattern: str, version: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither fenced nor not fenced."""

    def refuse(_self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fence.Path, "lstat", refuse)
    assert read_fence(pattern, version) is None
