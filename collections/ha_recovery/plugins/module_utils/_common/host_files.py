# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a role in one step: folders, files, links and what must be gone, compared all at once, tried, replaced.

Each is compared by content, owner, group and mode, and replaced in the order given. A new content is tried by its own
program first; a refusal leaves that file, and those after it, as they were.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner

DIRECTORY, FILE, LINK, ABSENT = "directory", "file", "link", "absent"
VALIDATE_S = 30.0


class FilesRefused(Exception):
    """The file was not replaced. The message names it, and what its program said or what is in its place."""


@dataclass(frozen=True)
class Wanted:
    """One path as it should be. ``content`` is for files, ``target`` for links; ``secret`` keeps it out of diffs."""

    path: str
    state: str = FILE
    content: str = ""
    target: str = ""
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    validate: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Found:
    """One path as it is. ``kind``: directory, file, link, other or absent; names are numbers where nobody has them."""

    kind: str
    content: str | None = None
    target: str = ""
    owner: str = ""
    group: str = ""
    mode: int = 0


@dataclass(frozen=True)
class Change:
    """A path that differs."""

    wanted: Wanted
    found: Found

    @property
    def writes(self) -> bool:
        """Whether content is new, and not only owner or mode."""
        return self.wanted.state == FILE and self.found.content != self.wanted.content


def differs(wanted: Wanted, found: Found) -> bool:
    """Whether anything is to be done. Raises FilesRefused for a thing of another kind, which nobody removes unasked.

    ============  ==============================================================
    wanted        right when
    ============  ==============================================================
    absent        nothing is there
    link          a link to the same target
    directory     a directory of that owner, group and mode
    file          a file of that content, owner, group and mode
    ============  ==============================================================
    """
    if wanted.state == ABSENT:
        if found.kind not in (FILE, LINK, ABSENT):
            raise FilesRefused(f"{wanted.path} is a {found.kind}; expected a file to remove, or nothing")
        return found.kind != ABSENT
    # A link in place of a file, or the other way round, is replaced: masked units are links.
    allowed = {DIRECTORY: (DIRECTORY, ABSENT), FILE: (FILE, LINK, ABSENT), LINK: (LINK, FILE, ABSENT)}[wanted.state]
    if found.kind not in allowed:
        raise FilesRefused(f"{wanted.path} is a {found.kind}; expected a {wanted.state}, or nothing")
    if found.kind != wanted.state:
        return True
    if wanted.state == LINK:
        return found.target != wanted.target
    rights = (found.owner, found.group, found.mode) != (wanted.owner, wanted.group, wanted.mode)
    return rights or (wanted.state == FILE and found.content != wanted.content)


def plan(wanted: Sequence[Wanted], found: Mapping[str, Found]) -> list[Change]:
    """What differs, in the order given."""
    return [Change(one, found[one.path]) for one in wanted if differs(one, found[one.path])]


def _name(number: int, lookup: Any) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def look(path: str) -> Found:
    """The path as it is now."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Found(ABSENT)
    owner, group = _name(status.st_uid, pwd.getpwuid), _name(status.st_gid, grp.getgrgid)
    kind, content, target = "special file", None, ""
    if stat.S_ISLNK(status.st_mode):
        kind, target = LINK, str(Path(path).readlink())
    elif stat.S_ISDIR(status.st_mode):
        kind = DIRECTORY
    elif stat.S_ISREG(status.st_mode):
        kind, content = FILE, Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    return Found(kind, content, target, owner, group, stat.S_IMODE(status.st_mode))


def shown(kind: str, content: str, target: str, rights: tuple[str, str, int], secret: bool) -> str:
    """One side of a diff: rights in the first line, then the content."""
    if kind == ABSENT:
        return ""
    if kind == LINK:
        return f"# link to {target}\n"
    owner, group, mode = rights
    head = f"# {kind} {owner}:{group} {mode:04o}\n"
    if kind != FILE:
        return head
    return head + ("(secret, not shown)\n" if secret else content)


def diff(changes: Sequence[Change]) -> list[dict[str, str]]:
    """Before and after of each change, secrets left out; rights are shown only where they change."""
    result = []
    for one in changes:
        want, have = one.wanted, one.found
        before = shown(have.kind, have.content or "", have.target, (have.owner, have.group, have.mode), want.secret)
        after = shown(want.state, want.content, want.target, (want.owner, want.group, want.mode), want.secret)
        if want.secret and one.writes:
            after += "(new content)\n"
        result.append({"before_header": want.path, "after_header": want.path, "before": before, "after": after})
    return result


def try_out(runner: Runner, change: Change) -> None:
    """Have a new content tried by its program, under its own file name in a folder nobody else sees.

    Raises FilesRefused.
    """
    wanted = change.wanted
    if not wanted.validate or not change.writes:
        return
    with tempfile.TemporaryDirectory(prefix="ha_recovery-") as folder:
        trial = Path(folder) / Path(wanted.path).name
        trial.write_text(wanted.content, encoding="utf-8")
        argv = [word.replace("%s", str(trial)) for word in shlex.split(wanted.validate)]
        done = runner.run(argv, timeout=VALIDATE_S)
    if not done.ok:
        said = " ".join(f"{done.stderr}\n{done.stdout}".split()).replace(str(trial), wanted.path)
        raise FilesRefused(f"{argv[0]} refuses the new {wanted.path}: {said or done.reason}")


def can_be_tried(changes: Sequence[Change]) -> list[Change]:
    """Those that a dry run can try: not what may need a file that is not there yet, a program or one that it reads."""
    known = []
    for one in changes:
        words = shlex.split(one.wanted.validate)
        if all(Path(word).exists() for word in words if word.startswith("/")):
            known.append(one)
        if one.found.kind == ABSENT:
            break
    return known


def _ids(wanted: Wanted) -> tuple[int, int]:
    try:
        return pwd.getpwnam(wanted.owner).pw_uid, grp.getgrnam(wanted.group).gr_gid
    except KeyError as problem:
        raise FilesRefused(f"{wanted.path}: there is no {wanted.owner}:{wanted.group} on this host") from problem


def apply(runner: Runner, changes: Sequence[Change]) -> None:
    """Try and carry out one change after the other, each atomically. Raises OSError, FilesRefused."""
    for one in changes:
        try_out(runner, one)
        path = Path(one.wanted.path)
        if one.wanted.state == ABSENT:
            path.unlink()
        elif one.wanted.state == DIRECTORY:
            path.mkdir(parents=True, exist_ok=True)
            os.chown(path, *_ids(one.wanted))
            path.chmod(one.wanted.mode)
        else:
            _replace(path, one.wanted)
        _sync(path.parent)


def _replace(path: Path, wanted: Wanted) -> None:
    ids = _ids(wanted)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        if wanted.state == LINK:
            fresh.symlink_to(wanted.target)
        else:
            with fresh.open("w", encoding="utf-8", errors="surrogateescape") as stream:
                os.fchmod(stream.fileno(), wanted.mode)
                os.fchown(stream.fileno(), *ids)
                stream.write(wanted.content)
                stream.flush()
                os.fsync(stream.fileno())
        fresh.replace(path)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
