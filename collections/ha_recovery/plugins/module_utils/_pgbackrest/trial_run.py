# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have the program on the repository host work with a scratch instance, as a systemd unit of its own, and follow it.

The unit goes on when the connection breaks; whoever types the command again follows the one that runs. systemd ends
every process of the unit with it, so that a killed run leaves files and no server.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.backup import JOB
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.trial_plan import (
    UNTOUCHED,
    Seen,
    TrialRefused,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import replace_file

SETTINGS = "etc/pgbackrest/job.json"
WORDS = {"drill": "Restore drill that somebody asked for", "table": "Tables out of a backup that somebody asked for"}


class TrialFailed(Exception):
    """The unit ended and left no result."""


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; nothing where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def look(host: str, version: str, root: str = "/") -> Seen:
    """The repository host, as far as a scratch instance is concerned."""
    settings = read_json(Path(root, SETTINGS))
    there = Path(root, str((settings.get("scratch") or {}).get("path") or "/").lstrip("/"))
    while not there.exists():
        there = there.parent
    server = Path(root, f"usr/lib/postgresql/{version}/bin/postgres").exists()
    return Seen(host, settings, shutil.disk_usage(there).free, version, server)


def state_path(settings: Mapping[str, Any], name: str) -> Path:
    """A file beside the figures for Prometheus."""
    return Path(str(settings["metrics"])).with_name(name)


def unit_of(kind: str) -> str:
    """The unit's name."""
    return f"ha_recovery-{kind}.service"


def start_argv(kind: str, request: str, limit_s: float) -> list[str]:
    """The unit; ``limit_s``: seconds until systemd ends it, with the wait for other jobs."""
    return [
        "systemd-run",
        "--quiet",
        "--no-block",
        # A failure is told to whoever asked, and does not stay behind as a degraded host.
        "--collect",
        f"--unit={unit_of(kind)}",
        "--service-type=oneshot",
        f"--description={WORDS[kind]}",
        "--property=User=postgres",
        "--property=Group=postgres",
        f"--property=TimeoutStartSec={limit_s:.0f}",
        "--property=UMask=0077",
        "--property=Nice=5",
        "--setenv=LC_ALL=C",
        "/usr/bin/python3",
        "-B",
        "-E",
        "-s",
        JOB,
        kind,
        "--request",
        request,
    ]


def running(runner: Runner, kind: str) -> bool:
    """Whether the unit runs, or is about to."""
    done = runner.run(["systemctl", "show", unit_of(kind), "--property=ActiveState,Job"], timeout=10)
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line) if done.ok else {}
    return fields.get("Job", "0") not in ("", "0") or fields.get("ActiveState", "") not in ("inactive", "failed", "")


def start(runner: Runner, kind: str, seen: Seen, request: Mapping[str, Any]) -> None:
    """Start it, unless the same runs already. Raises TrialRefused when another one does."""
    path = state_path(seen.settings, f"{kind}_request.json")
    if running(runner, kind):
        if read_json(path) == json.loads(json.dumps(request)):
            return
        raise TrialRefused(
            f"{seen.host}: another run of this kind is under way ({unit_of(kind)}); expected none. {UNTOUCHED} "
            f"Next: the same command when it has ended; journalctl -fu {unit_of(kind)} there shows it"
        )
    replace_file(path, json.dumps(request, indent=1) + "\n", mode=0o644, owner="")
    runner.run(["systemctl", "reset-failed", unit_of(kind)], timeout=10)
    limit = float(seen.settings["scratch"]["timeout_s"]) + 22200
    done = runner.run(start_argv(kind, str(path), limit), timeout=20)
    if not done.ok:
        raise TrialRefused(
            f"{seen.host}: {unit_of(kind)} could not be started: {done.reason}; expected it to run. {UNTOUCHED} "
            f"Next: systemctl status {unit_of(kind)}"
        )


def last_words(runner: Runner, kind: str) -> str:
    """What the unit said last."""
    argv = ["journalctl", f"--unit={unit_of(kind)}", "--lines=20", "--output=cat", "--no-pager"]
    done = runner.run(argv, timeout=10)
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith("pgbackrest_job")]
    return lines[-1] if lines else f"see journalctl -u {unit_of(kind)}"


def follow(
    runner: Runner,
    kind: str,
    seen: Seen,
    began: float,
    wait: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(result, progress): one of the two, the result when the unit ended. Raises TrialFailed when it left none."""
    deadline, pause = clock() + wait, 0.3
    while True:
        if not running(runner, kind):
            result = read_json(state_path(seen.settings, f"{kind}.json"))
            if float(result.get("at") or 0) >= int(began):
                return result, {}
            raise TrialFailed(
                f"{seen.host}: {unit_of(kind)} ended without a result: {last_words(runner, kind)}. "
                "The next run removes what it left. Next: the same command"
            )
        if clock() >= deadline:
            return {}, read_json(state_path(seen.settings, f"{kind}_progress.json"))
        sleep(min(pause, max(0.0, deadline - clock())))
        pause = min(2.0, pause * 1.3)


def told(progress: Mapping[str, Any], seconds: float) -> str:
    """One line for a person who waits."""
    share = progress.get("percent")
    so_far = f" {share:g} %" if share is not None else ""
    return f"{progress.get('message') or 'it begins'}{so_far}, {seconds:.0f} s so far"
