# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry a restore of files out on its host. Every step may be cut off: the next run finds what is there and goes on."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.host_facts import read_disk
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup import restore, snapshots

LOOK_S = 120.0
DONE = ".restored.json"


class Repository:
    """This host's repository, reached as its own backups reach it. ``settings``: the role's host.json."""

    def __init__(self, runner: Runner, settings: Mapping[str, Any]) -> None:
        self._runner = runner
        self._options = [
            "restic", "--repo", str(settings["repository"]), "--password-file", str(settings["password_file"]),
            "-o", f"rclone.program={settings['rclone_program']}", "--cache-dir", str(settings["cache"]),
        ]  # fmt: skip

    def run(self, *words: str, timeout: float = LOOK_S) -> Completed:
        """One command. Raises Failed with restic's reason."""
        done = self._runner.run([*self._options, *words], timeout=timeout)
        if not done.ok:
            reason = done.reason if done.timed_out else snapshots.reason(done.stderr, done.rc)
            raise Failed(f"restic {words[0]} failed: {reason}. Next: systemctl status ssh on the repository host; "
                         "file_backup_job freshness there shows each host's repository")  # fmt: skip
        return done

    def listed(self) -> list[snapshots.Snapshot]:
        """Oldest first. Raises Failed, SnapshotError."""
        return snapshots.parse_snapshots(self.run("snapshots", "--json", "--no-lock").stdout)

    def entries(self, snapshot: str) -> list[snapshots.Entry]:
        """Raises Failed, SnapshotError."""
        return snapshots.parse_entries(self.run("ls", "--json", "--no-lock", snapshot).stdout)


def kind_of(path: str) -> tuple[str, int, float] | None:
    """(kind, size, mtime) of what is there, in restic's words."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    kinds: tuple[tuple[Callable[[int], bool], str], ...] = (
        (stat.S_ISREG, "file"), (stat.S_ISDIR, "dir"), (stat.S_ISLNK, "symlink"),
    )  # fmt: skip
    kind = next((name for test, name in kinds if test(status.st_mode)), "other")
    return kind, status.st_size, status.st_mtime


def restored_already(target: Path, snapshot: str, paths: Sequence[str]) -> bool:
    """A run that came to its end left a note of what it restored."""
    try:
        note = json.loads((target / DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(note == {"snapshot": snapshot, "paths": sorted(paths)})


def look(repository: Repository, asked: restore.Asked, folder: str, manifest: str) -> tuple[restore.Seen, Path]:
    """What the plan is made of, and the folder that belongs to the snapshot. Raises Failed, SnapshotError."""
    found = repository.listed()
    try:
        chosen = snapshots.choose(found, asked.snapshot)
    except snapshots.SnapshotError:
        return restore.Seen(tuple(found)), Path(folder)
    entries = repository.entries(chosen.id)
    target = Path(folder, f"{asked.host}-{chosen.short}")
    wanted = restore.wanted_entries(entries, asked.paths, manifest) if asked.in_place else []
    seen = ((one.path, kind_of(one.path)) for one in wanted)
    there = {path: here for path, here in seen if here is not None}
    free = read_disk(target)["free_bytes"]
    already = restored_already(target, chosen.id, asked.paths)
    return restore.Seen(tuple(found), tuple(entries), free, there, already), target


def restore_beside(
    repository: Repository, plan: restore.Plan, paths: Sequence[str], target: Path, timeout: float
) -> None:
    """Into an empty folder, read once more and compared by restic itself. Raises Failed, OSError."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, mode=0o700)
    words = [word for path in paths for word in ("--include", path)]
    repository.run("restore", plan.snapshot, "--verify", "--target", str(target), *words, timeout=timeout)
    note = {"snapshot": plan.snapshot, "paths": sorted(paths)}
    (target / DONE).write_text(json.dumps(note) + "\n", encoding="utf-8")


def _keep(path: Path, kept: Path) -> None:
    """What is replaced goes aside: a folder is moved, anything else copied, to be replaced in one step afterwards."""
    if not os.path.lexists(path):
        return
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.is_dir() and not path.is_symlink():
        shutil.move(path, kept)
    else:
        _copy(path, kept)


def _copy(source: Path, target: Path) -> None:
    """Content, owner, mode and times."""
    shutil.copy2(source, target, follow_symlinks=False)
    status = os.lstat(source)
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        # chown takes the set-user-id bits away.
        target.chmod(stat.S_IMODE(status.st_mode))
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def put_in_place(plan: restore.Plan, target: Path, kept: Path) -> list[str]:
    """What differs, folders first, each replaced in one step; ``kept``: where what was there goes. Raises OSError."""
    done = []
    for name in sorted(plan.changes):
        source, path = target / name.lstrip("/"), Path(name)
        if plan.changes[name] != "new":
            _keep(path, kept / name.lstrip("/"))
        status = os.lstat(source)
        if stat.S_ISDIR(status.st_mode):
            if path.is_symlink() or path.is_file():
                path.unlink()
            path.mkdir(parents=True, exist_ok=True)
            os.chown(path, status.st_uid, status.st_gid)
            path.chmod(stat.S_IMODE(status.st_mode))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.restored")
            fresh.unlink(missing_ok=True)
            _copy(source, fresh)
            fresh.replace(path)
        done.append(name)
    return done
