"""A directory that holds exactly one program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import program_directory
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.program_directory import (
    Found,
    NotAProgram,
    Plan,
    apply,
    digest,
    observe,
    plan,
)

WANTED = {"a.py": "A = 1\n", "b.py": "B = 2\n"}
DIRECTORY = Found(0o755, 0, 0)


def right(content: str) -> Found:
    return Found(0o644, 0, 0, digest(content.encode()))


RIGHT = {name: right(content) for name, content in WANTED.items()}


@pytest.mark.parametrize(
    ("directory", "found", "expected"),
    [
        pytest.param(None, {}, Plan(True, ("a.py", "b.py"), ()), id="nothing there"),
        pytest.param(DIRECTORY, RIGHT, Plan(False, (), ()), id="all as it should be"),
        pytest.param(DIRECTORY, {**RIGHT, "a.py": right("A = 3\n")}, Plan(False, ("a.py",), ()), id="other content"),
        pytest.param(
            DIRECTORY,
            {**RIGHT, "a.py": Found(0o666, 0, 0, right(WANTED["a.py"]).digest)},
            Plan(False, ("a.py",), ()),
            id="writable by others",
        ),
        pytest.param(
            DIRECTORY,
            {**RIGHT, "b.py": Found(0o644, 1000, 0, right(WANTED["b.py"]).digest)},
            Plan(False, ("b.py",), ()),
            id="owned by somebody else",
        ),
        pytest.param(DIRECTORY, {**RIGHT, "old.py": right("")}, Plan(False, (), ("old.py",)), id="a left-over"),
        pytest.param(Found(0o777, 0, 0), RIGHT, Plan(True, (), ()), id="directory writable by others"),
    ],
)
def test_plan(directory: Found | None, found: dict[str, Found], expected: Plan) -> None:
    """One row per difference."""
    assert plan(WANTED, directory, found) == expected
    assert plan(WANTED, directory, found).changed is (expected != Plan(False, (), ()))


@pytest.mark.parametrize("name", ["../a.py", "a/b.py", "a.sh", ".py", "", "a.py\n", "-a.py"])
def test_names_that_are_refused(name: str) -> None:
    """Only source files of this directory."""
    with pytest.raises(NotAProgram, match="allowed are names"):
        plan({name: ""}, None, {})


def test_a_program_without_files_is_refused() -> None:
    """It would remove everything."""
    with pytest.raises(NotAProgram, match="at least one file"):
        plan({}, DIRECTORY, RIGHT)


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files belong to whoever runs the tests."""
    monkeypatch.setattr(os, "chown", lambda *_: None)
    monkeypatch.setattr(
        program_directory,
        "_look",
        lambda path, content="": Found(path.lstat().st_mode & 0o7777, 0, 0, content),
    )


@pytest.mark.usefixtures("mine")
def test_apply_makes_it_so_and_leaves_others_files_alone(tmp_path: Path) -> None:
    """Afterwards nothing is left to do; what is no source file stays."""
    path = tmp_path / "lib" / "program"
    path.mkdir(parents=True)
    (path / "old.py").write_text("")
    (path / "__pycache__").mkdir()
    (path / "notes.txt").write_text("keep")
    apply(path, WANTED, plan(WANTED, *observe(path)))
    assert not plan(WANTED, *observe(path)).changed
    assert sorted(entry.name for entry in path.iterdir()) == ["a.py", "b.py", "notes.txt"]
    assert (path / "a.py").read_text() == "A = 1\n"


@pytest.mark.usefixtures("mine")
def test_apply_makes_the_parents(tmp_path: Path) -> None:
    """From nothing."""
    path = tmp_path / "usr" / "lib" / "program"
    assert observe(path) == (None, {})
    apply(path, WANTED, plan(WANTED, *observe(path)))
    assert not plan(WANTED, *observe(path)).changed


@pytest.mark.usefixtures("mine")
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No half file, no left-over."""
    (tmp_path / "a.py").write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        apply(tmp_path, WANTED, Plan(False, ("a.py",), ()))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.py"]
    assert (tmp_path / "a.py").read_text() == "old"


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """Never replaced."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAProgram, match="is not a directory"):
        observe(tmp_path / "file")


@pytest.mark.usefixtures("mine")
def test_a_link_is_not_taken_for_a_file(tmp_path: Path) -> None:
    """It is replaced by the real thing, its target is not touched."""
    (tmp_path / "target").write_text("A = 1\n")
    path = tmp_path / "program"
    path.mkdir()
    (path / "a.py").symlink_to(tmp_path / "target")
    apply(path, WANTED, plan(WANTED, *observe(path)))
    assert not (path / "a.py").is_symlink()
