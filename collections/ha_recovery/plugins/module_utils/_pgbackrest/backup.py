# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a backup as a systemd unit of its own, which goes on when the connection to the host breaks, and follow it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup, Stanza

UNIT = "ha_recovery-backup.service"
JOB = "/usr/local/lib/ha_recovery/pgbackrest_job"
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:+/-]{0,79}")


class BackupRefused(Exception):
    """Nothing was started. The message says what was seen, what was expected and what comes next."""


class BackupFailed(Exception):
    """A backup was started and did not succeed, in the words of what took it."""


@dataclass(frozen=True)
class Plan:
    """``take`` or ``keep``, and why."""

    action: str
    reason: str


def plan(stanza: Stanza, *, max_age: float | None, now: float, label: str) -> Plan:
    """Decide from what is in the repository. ``max_age`` (seconds): an older newest backup is replaced; None: always.

    =====================================  ========
    seen                                   action
    =====================================  ========
    a stanza that is not there             refused
    a label that cannot be kept            refused
    no ``max_age``                         take
    a repository without a backup          take
    the newest of one is older             take
    those of all are younger               keep
    =====================================  ========
    """
    if label and not LABEL.fullmatch(label):
        raise BackupRefused(
            f"the label is {label!r}; expected up to 80 letters, digits, spaces and . _ : + / -. Nothing was started. "
            "Next: choose another label."
        )
    lost = [one for one in stanza.repositories if not one.there]
    if lost or not stanza.repositories:
        why = f"repository {lost[0].key}: {lost[0].message}" if lost else stanza.message
        raise BackupRefused(
            f"stanza {stanza.name}: {why}; expected a repository that knows it. Nothing was started. "
            "Next: ansible-playbook playbooks/site.yml"
        )
    if max_age is None:
        return Plan("take", "it was asked for")
    ages = stanza.ages(now)
    without = [key for key, age in ages.items() if age is None]
    if without:
        several = f" in repository {without[0]}" if len(ages) > 1 else ""
        return Plan("take", f"there is no backup yet{several}")
    oldest, age = max(((stanza.newest_in(key), age or 0.0) for key, age in ages.items()), key=lambda one: one[1])
    told = f"{oldest.label if oldest else ''} ended {hours(age)} ago"
    return Plan("take", told) if age > max_age else Plan("keep", told)


def hours(seconds: float) -> str:
    """A time as people read it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def start_argv(kind: str, label: str, max_age: float | None = None) -> list[str]:
    """The unit of a backup that somebody asked for; the timers' units are the role's."""
    extra = [*(["--label", label] if label else []), *(["--max-age", f"{max_age:g}"] if max_age is not None else [])]
    return [
        "systemd-run",
        "--quiet",
        "--no-block",
        # A failure is told to whoever asked, and does not stay behind as a degraded host.
        "--collect",
        f"--unit={UNIT}",
        "--service-type=oneshot",
        "--description=Backup that somebody asked for",
        "--property=User=postgres",
        "--property=Group=postgres",
        "--property=TimeoutStartSec=infinity",
        "--property=UMask=0027",
        "--property=Nice=5",
        "--setenv=LC_ALL=C",
        "/usr/bin/python3",
        "-B",
        "-E",
        "-s",
        JOB,
        "backup",
        kind,
        *extra,
    ]


def unit_state(runner: Runner) -> str:
    """systemd's ActiveState of the unit, 'activating' while its start is still queued."""
    done = runner.run(["systemctl", "show", UNIT, "--property=ActiveState,Job"], timeout=5)
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line) if done.ok else {}
    return "activating" if fields.get("Job", "0") not in ("", "0") else fields.get("ActiveState", "")


def start(runner: Runner, kind: str, label: str, max_age: float | None = None) -> None:
    """Start it, unless one that somebody asked for runs already: then that one is followed. Raises BackupRefused."""
    runner.run(["systemctl", "reset-failed", UNIT], timeout=5)
    done = runner.run(start_argv(kind, label, max_age), timeout=20)
    if not done.ok:
        raise BackupRefused(f"the backup could not be started: {done.reason}. Next: systemctl status {UNIT}")


def last_words(runner: Runner) -> str:
    """What the unit said last."""
    done = runner.run(["journalctl", f"--unit={UNIT}", "--lines=20", "--output=cat", "--no-pager"], timeout=10)
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith("pgbackrest_job")]
    return lines[-1] if lines else f"see journalctl -u {UNIT}"


def follow(
    runner: Runner,
    stanza: str,
    began: float,
    wait: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    max_age: float | None = None,
) -> tuple[Backup | None, Stanza]:
    """Wait until the unit ends, at most ``wait`` seconds. The newest backup, or None while it runs.

    ``max_age``: repositories with one that was younger when it ``began`` were left out. Raises BackupFailed.
    """
    deadline = clock() + wait
    pause = 0.3
    while True:
        running = unit_state(runner) not in ("inactive", "failed", "")
        if not running:
            found = command.info(runner, stanza)
            backup = found.since(began) or (found.newest if max_age is not None else None)
            without = found.lacking(began - (max_age or 0))
            if backup is None or without or not all(one.there for one in found.repositories):
                raise BackupFailed(f"the backup failed: {last_words(runner)}")
            return backup, found
        if clock() >= deadline:
            return None, command.info(runner, stanza)
        sleep(min(pause, max(0.0, deadline - clock())))
        pause = min(2.0, pause * 1.3)


def told(stanza: Stanza, backup: Backup | None, seconds: float) -> str:
    """One line for a person who waits."""
    if backup is not None:
        return f"{backup.label}: {backup.type}, {backup.ended_at - backup.started_at} s"
    if stanza.percent is not None:
        return f"{stanza.percent:g} % copied"
    return f"the backup begins (checkpoint, list of files), {seconds:.0f} s so far"


def answer(stanza: Stanza, backup: Backup | None, began: float, seconds: float) -> dict[str, Any]:
    """What the module returns of a backup that was started."""
    return {
        "finished": backup is not None,
        "follow": began,
        "percent": 100.0 if backup is not None else stanza.percent,
        "message": told(stanza, backup, seconds),
    }
