# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace small files whole: a reader sees the old or the new content, a crash leaves no hole."""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path


def owner_ids(user: str) -> tuple[int, int] | None:
    """uid and primary gid of a user; None when there is no such user or we could not give files away anyway."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def sync_directory(directory: Path) -> None:
    """Make a created, renamed or removed name in this directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, text: str, *, mode: int, owner: str) -> None:
    """Write ``text`` beside ``path``, flush it to disk and rename it into place with that mode and owner."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            ids = owner_ids(owner)
            if ids is not None:
                os.fchown(stream.fileno(), *ids)
            os.fsync(stream.fileno())
        Path(name).rename(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file for good, also after a power cut."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)
