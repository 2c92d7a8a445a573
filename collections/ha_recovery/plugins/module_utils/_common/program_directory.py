# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory that holds exactly the files of one small Python program, installed as a unit.

Files are replaced one by one, each atomically, and only where they differ; source files that the program no longer has
go away with their compiled leftovers. Anything else in the directory is somebody else's and stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.py")


class NotAProgram(ValueError):
    """What was asked for cannot be installed; the message says why."""


@dataclass(frozen=True)
class Found:
    """One file (or the directory itself, without a digest) as it is now."""

    mode: int
    owner: int
    group: int
    digest: str = ""


@dataclass(frozen=True)
class Plan:
    """What has to be done: file names, sorted."""

    make_directory: bool
    write: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """True when there is anything to do."""
        return self.make_directory or bool(self.write or self.remove)


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def plan(wanted: Mapping[str, str], directory: Found | None, found: Mapping[str, Found]) -> Plan:
    """Compare what is wanted (name -> content) with what is there. Raises :class:`NotAProgram` for unusable names."""
    if not wanted:
        raise NotAProgram("files is empty; a program has at least one file")
    for name in wanted:
        if not NAME.fullmatch(name):
            raise NotAProgram(f"files has {name!r}; allowed are names of Python source files without a path")
    right = {name: Found(FILE_MODE, 0, 0, digest(content.encode())) for name, content in wanted.items()}
    return Plan(
        make_directory=directory != Found(DIRECTORY_MODE, 0, 0),
        write=tuple(sorted(name for name, file in right.items() if found.get(name) != file)),
        remove=tuple(sorted(set(found) - set(wanted))),
    )


def observe(path: Path) -> tuple[Found | None, dict[str, Found]]:
    """The directory, and the Python source files in it. Raises :class:`NotAProgram` when the path is something else."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None, {}
    if not stat.S_ISDIR(status.st_mode):
        raise NotAProgram(f"{path} is not a directory; expected a directory or nothing at all")
    found = {
        entry.name: _look(entry, digest(entry.read_bytes()))
        for entry in path.iterdir()
        if entry.suffix == ".py" and entry.is_file() and not entry.is_symlink()
    }
    return _look(path), found


def apply(path: Path, wanted: Mapping[str, str], todo: Plan) -> None:
    """Carry the plan out. Raises OSError."""
    if todo.make_directory:
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, 0, 0)
        path.chmod(DIRECTORY_MODE)
    for name in todo.write:
        _write(path / name, wanted[name].encode())
    for name in todo.remove:
        (path / name).unlink()
    if todo.remove:
        shutil.rmtree(path / "__pycache__", ignore_errors=True)


def _look(path: Path, content: str = "") -> Found:
    status = path.lstat()
    return Found(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content)


def _write(target: Path, content: bytes) -> None:
    """Write beside the target and rename, so that a reader finds the old file or the new one, never half of it."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chown(name, 0, 0)
        Path(name).chmod(FILE_MODE)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
