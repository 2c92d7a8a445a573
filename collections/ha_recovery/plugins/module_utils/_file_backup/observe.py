# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at backups of files on this host: repositories, keys, the last backup. Absent software is an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common import openssh
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup import snapshots

ETC = "etc/file_backup"
LOOK_S = 60.0


def state_of(there: bool, done: Completed) -> tuple[str, str, list[snapshots.Snapshot]]:
    """(state, error, snapshots) of a repository, out of what ``restic snapshots --json`` answered.

    ===========  =================================================================
    state        when
    ===========  =================================================================
    missing      nothing is at its place
    unknown      something is, and restic is not installed
    locked_out   the password does not open it
    unreadable   anything else went wrong
    open         it was read
    ===========  =================================================================
    """
    if not there:
        return "missing", "", []
    if done.rc == 127:
        return "unknown", "restic is not installed", []
    if not done.ok:
        state = "locked_out" if snapshots.wrong_password(done.stderr) else "unreadable"
        return state, done.reason if done.timed_out else snapshots.reason(done.stderr, done.rc), []
    try:
        return "open", "", snapshots.parse_snapshots(done.stdout)
    except snapshots.SnapshotError as problem:
        return "unreadable", str(problem), []


def look_repository(runner: Runner, place: Path, password: str) -> dict[str, Any]:
    """{state, error, snapshots, newest (seconds since 1970 or None), newest_id}. The password is in no argument."""
    there = (place / "config").exists()
    done = Completed(0, "[]", "")
    if there:
        argv = ["restic", "--repo", str(place), "--no-cache", "snapshots", "--json", "--no-lock"]
        done = runner.run(argv, timeout=LOOK_S, env={"RESTIC_PASSWORD": password})
    state, error, found = state_of(there, done)
    newest = found[-1] if found else None
    return {"state": state, "error": error, "snapshots": len(found), "newest": newest and newest.at,
            "newest_id": newest.short if newest else ""}  # fmt: skip


def known_host_keys(text: str) -> list[str]:
    """Keys of the repository host that are known already."""
    return [line.split(" ", 1)[1] for line in text.splitlines() if line.startswith("file_backup_repository ")]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def look(
    runner: Runner,
    repositories: Mapping[str, str],
    directory: str,
    state_directory: str,
    *,
    password: str = "",
    root: str = "/",
) -> dict[str, Any]:
    """See the module's RETURN. ``repositories``: host name to password, of those that lie in ``directory`` here."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        seen = pool.map(lambda name: look_repository(runner, Path(directory, name), repositories[name]), repositories)
        found = dict(zip(repositories, seen, strict=True))
    etc = Path(root, ETC)
    try:
        last = json.loads(_read(Path(state_directory, "backup.json")) or "{}")
    except ValueError:
        last = {}
    units = Path(root, "etc/systemd/system")
    kept = _read(etc / "password").strip()
    return {
        "password_differs": bool(kept and password and kept != password),
        "repositories": found,
        "public_key": " ".join(_read(etc / "ssh_key.pub").split(" ")[:2]).strip(),
        "authorized": openssh.authorized(_read(etc / "authorized_keys")),
        "host_keys": openssh.host_keys(runner, root) if repositories else [],
        "known_host_keys": known_host_keys(_read(etc / "known_hosts")),
        "last_success": last.get("at"),
        "last_problem": str(last.get("problem") or ""),
        "timers": sorted(one.name for one in units.glob("file_backup-*.timer")),
    }
