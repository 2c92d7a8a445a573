# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the files of a backup into a directory, as a systemd unit of its own that outlives the run that began it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command, restore
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import owner_ids

UNDER_WAY = ("active", "activating", "deactivating")
# After so many seconds without a line in the log the repository is asked for a sign of life, and given so many for it.
QUIET_S, ANSWER_S = 60.0, 20.0


class RestoreFailed(Exception):
    """The files could not be restored. The message says what pgBackRest or systemd said."""


@dataclass(frozen=True)
class Wanted:
    """What is restored. ``process_max``: how many processes fetch files."""

    stanza: str
    repository: int
    label: str
    process_max: int


def wanted_from(args: Mapping[str, Any]) -> Wanted:
    """Read it; half of the processors fetch unless the caller says otherwise."""
    processes = int(args.get("process_max") or max(1, (os.cpu_count() or 2) // 2))
    return Wanted(str(args["stanza"]), int(args.get("repository") or 1), str(args["label"]), processes)


def under_way(runner: Runner) -> bool:
    """Whether a restore runs, or is about to: systemd-run returns before its unit has begun."""
    done = runner.run(["systemctl", "show", restore.UNIT, "--property=ActiveState,Job"], timeout=5)
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line) if done.ok else {}
    return fields.get("Job", "0") not in ("", "0") or fields.get("ActiveState", "") in UNDER_WAY


def tail(path: Path, size: int = 8192) -> str:
    """The end of a log, '' when there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - size))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def failed() -> RestoreFailed:
    """What pgBackRest complained about last."""
    return RestoreFailed(f"the restore failed: {restore.last_words(tail(Path(restore.LOG)))}")


def start(runner: Runner, wanted: Wanted, directory: Path, afterwards: Sequence[Sequence[str]]) -> None:
    """Begin, into a directory that is empty, that an interrupted restore left, or whose files may be used again."""
    own(directory)
    runner.run(["systemctl", "reset-failed", restore.UNIT], timeout=5)
    argv = restore.start_argv(
        stanza=wanted.stanza,
        repository=wanted.repository,
        label=wanted.label,
        data_directory=str(directory),
        process_max=wanted.process_max,
        afterwards=afterwards,
    )
    done = runner.run(argv, timeout=20)
    if not done.ok:
        raise RestoreFailed(f"the restore could not be started: {done.reason}")


def wait(runner: Runner, wanted: Wanted, seconds: float) -> float | None:
    """Wait until the unit has ended, at most so long. None when it has, else how far it is in percent.

    Raises RestoreFailed when nothing is copied and the repository does not answer.
    """
    end = time.monotonic() + seconds
    while under_way(runner):
        if time.monotonic() >= end:
            stop_when_silent(runner, wanted, quiet_for(Path(restore.LOG), time.time()))
            return restore.percent(tail(Path(restore.LOG)))
        time.sleep(0.3)
    return None


def quiet_for(log: Path, now: float) -> float:
    """Seconds since the last line of a log; 0 when there is none."""
    try:
        return now - log.stat().st_mtime
    except OSError:
        return 0.0


def stop_when_silent(runner: Runner, wanted: Wanted, quiet_s: float) -> None:
    """Stop a restore whose repository is gone. Raises RestoreFailed then.

    Left to itself it waits until TCP gives up, which takes a quarter of an hour (tcp(7), tcp_retries2). A large file
    may take as long as that between two lines of the log, so silence alone means nothing.
    """
    if quiet_s < QUIET_S:
        return
    options = [f"--repo={wanted.repository}"]
    asked = command.run(runner, "repo-ls", stanza=wanted.stanza, options=options, timeout=ANSWER_S)
    if asked.ok or not under_way(runner):
        return
    runner.run(["systemctl", "stop", restore.UNIT], timeout=30)
    raise RestoreFailed(
        f"nothing was copied for {quiet_s:.0f} s, and repository {wanted.repository} does not answer "
        f"({command.reason(asked)}); the restore was stopped where it was, and the same command goes on with it"
    )


def own(directory: Path) -> None:
    """Make it for the server's user, and on a new host the directory above it, where a restore leaves its stamp."""
    ids = owner_ids("postgres")
    for place, mode in ((directory.parent, 0o755), (directory, 0o700)):
        fresh = not place.exists()
        place.mkdir(mode=mode, parents=True, exist_ok=True)
        if ids is not None and (fresh or place == directory):
            os.chown(place, *ids)
