# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files were before they were backed up, and whether what comes back is the same.

A backup carries its own list.

It lies beside the program that timers run, so it imports nothing of the collection.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Known:
    """A file as it was: SHA-256 in hexadecimal, bytes, nanoseconds since 1970."""

    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Comparison:
    """What came back. ``changed_meanwhile``: written between the list and the backup, so not to be compared."""

    same: int = 0
    changed_meanwhile: int = 0
    different: tuple[str, ...] = field(default=())
    missing: tuple[str, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Something came back, and all of it right."""
        return self.same > 0 and not self.different and not self.missing


def excluded(path: str, patterns: Sequence[str]) -> bool:
    """A pattern without a slash is for names anywhere in the path; one with a slash is a path and all below it."""
    names = path.split("/")
    for pattern in patterns:
        if "/" in pattern:
            if path == pattern or path.startswith(pattern.rstrip("/") + "/"):
                return True
        elif any(fnmatch.fnmatchcase(name, pattern) for name in names):
            return True
    return False


def _walk(path: str) -> Iterator[str]:
    if not Path(path).is_dir() or Path(path).is_symlink():
        yield path
        return
    for folder, _folders, names in os.walk(path):
        for name in names:
            yield str(Path(folder, name))


def digest(path: Path) -> str:
    """SHA-256 of a file, a mebibyte at a time."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def take(paths: Sequence[str], patterns: Sequence[str] = ()) -> dict[str, Known]:
    """Path to what it is, of all regular files below. One that goes away meanwhile is left out. Raises OSError."""
    found = {}
    for top in paths:
        for path in _walk(top):
            if excluded(path, patterns):
                continue
            try:
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode):
                    found[path] = Known(digest(Path(path)), status.st_size, status.st_mtime_ns)
            except FileNotFoundError:
                continue
    return found


def dump(known: Mapping[str, Known]) -> str:
    """As text, one path a line, sorted."""
    lines = [
        json.dumps({"path": path, "sha256": one.sha256, "size": one.size, "mtime_ns": one.mtime_ns})
        for path, one in sorted(known.items())
    ]
    return "".join(f"{line}\n" for line in lines)


def load(text: str) -> dict[str, Known]:
    """Raises ValueError, KeyError for something else."""
    found = {}
    for line in text.splitlines():
        raw = json.loads(line)
        found[str(raw["path"])] = Known(str(raw["sha256"]), int(raw["size"]), int(raw["mtime_ns"]))
    return found


def compare(known: Mapping[str, Known], root: Path) -> Comparison:
    """The list against what was restored below ``root``. Raises OSError.

    ==============================================  =================
    restored file                                   counts as
    ==============================================  =================
    not there                                       missing
    other time of change than in the list           changed meanwhile
    same time, other size or content                different
    same time, size and content                     same
    ==============================================  =================
    """
    same = changed = 0
    different, missing = [], []
    for path, one in sorted(known.items()):
        there = root / path.lstrip("/")
        try:
            status = os.lstat(there)
        except FileNotFoundError:
            missing.append(path)
            continue
        if status.st_mtime_ns != one.mtime_ns:
            changed += 1
        elif status.st_size != one.size or digest(there) != one.sha256:
            different.append(path)
        else:
            same += 1
    return Comparison(same, changed, tuple(different), tuple(missing))
