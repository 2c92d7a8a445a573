"""A backup's own list of its files, and what it is compared with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup import manifest


@pytest.mark.parametrize(
    ("path", "pattern", "out"),
    [
        ("/etc/a/server.key", "*.key", True),
        ("/etc/a/server.crt", "*.key", False),
        ("/etc/ha_recovery/ca/ca.crt", "/etc/ha_recovery/ca", True),
        ("/etc/ha_recovery/ca2", "/etc/ha_recovery/ca", False),
        ("/srv/.git/HEAD", ".git", True),
    ],
)
def test_what_is_left_out(path: str, pattern: str, out: bool) -> None:
    assert manifest.excluded(path, [pattern]) is out


def tree(tmp_path: Path) -> tuple[Path, dict[str, manifest.Known], Path]:
    """(folder, its list, a restored copy's root)."""
    folder = tmp_path / "etc"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("a")
    (folder / "sub/b").write_text("b")
    (folder / "link").symlink_to("a")
    known = manifest.load(manifest.dump(manifest.take([str(folder)])))
    root = tmp_path / "restored"
    shutil.copytree(folder, root / str(folder).lstrip("/"), symlinks=True)
    return folder, known, root


def test_the_same_files_are_the_same(tmp_path: Path) -> None:
    _folder, known, root = tree(tmp_path)
    assert manifest.compare(known, root) == manifest.Comparison(same=2)
    assert manifest.compare(known, root).good


def test_every_difference_is_found(tmp_path: Path) -> None:
    folder, known, root = tree(tmp_path)
    restored = root / str(folder).lstrip("/")
    status = (restored / "a").stat()
    (restored / "a").write_text("x")
    os.utime(restored / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    (restored / "sub/b").unlink()
    found = manifest.compare(known, root)
    assert found.different == (f"{folder}/a",) and found.missing == (f"{folder}/sub/b",)
    assert not found.good


def test_a_file_that_was_written_meanwhile_is_not_compared(tmp_path: Path) -> None:
    folder, known, root = tree(tmp_path)
    (root / str(folder).lstrip("/") / "a").write_text("later")
    os.utime(root / str(folder).lstrip("/") / "a", ns=(1, 1))
    found = manifest.compare(known, root)
    assert (found.same, found.changed_meanwhile, found.good) == (1, 1, True)


def test_nothing_to_compare_is_not_good() -> None:
    assert not manifest.Comparison().good
