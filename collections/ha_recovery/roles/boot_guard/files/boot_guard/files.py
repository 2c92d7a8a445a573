# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on this host: the cluster's files, the fence, the runbook lock and what the guard said last. Only reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .controldata import ControlData, parse_controldata
from .decision import Own
from .layout import Layout, data_state, detect_version
from .lock_file import look

STATE = "run/ha_recovery/boot_guard.json"
LOCK = "run/ha_recovery/runbook.lock"
# The first eight digits of a segment's name, and a history file's, are a timeline ("WAL Internals").
_TIMELINE = re.compile(r"([0-9A-F]{8})(?:[0-9A-F]{16}(?:\.partial)?|\.history)")
CONTROL_S = 5.0


def layout_of(instance: str, root: str = "/") -> Layout:
    """``17-main`` as systemd calls the unit's instance."""
    version, _dash, cluster = instance.partition("-")
    return Layout(version, cluster, root)


def newest_in_wal(directory: Path) -> int:
    """The newest timeline named in pg_wal; 0 when there is none."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - names are all we want of thousands of files
    except OSError:
        return 0
    found = (_TIMELINE.fullmatch(name) for name in names)
    return max((int(match[1], 16) for match in found if match), default=0)


def fence_reason(marker: Path) -> str:
    """Why the host is fenced; '' when it is not. A marker that nobody can read fences as well."""
    if not os.path.lexists(marker):
        return ""
    try:
        return str(json.loads(marker.read_text(encoding="utf-8")).get("reason") or "no reason given")
    except (OSError, ValueError, AttributeError):
        return "the marker cannot be read"


def runbook_at_work(root: str = "/") -> str:
    """The runbook that holds the lock on this host, '' when none does."""
    holder = look(Path(root, LOCK))
    return str((holder or {}).get("runbook") or "")


def read_control(layout: Layout, directory: Path) -> ControlData | None:
    """The control file; None when it cannot be read."""
    done = subprocess.run(
        [str(layout.bin_dir / "pg_controldata"), "-D", str(directory)],
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=CONTROL_S,
        check=False,
    )
    return parse_controldata(done.stdout) if done.returncode == 0 else None


def read_own(name: str, layout: Layout) -> Own:
    """Everything of this host that the decision needs."""
    directory = layout.data_directory()
    fenced = fence_reason(layout.fence_marker)
    own = Own(name, standby=(directory / "standby.signal").exists(), fenced=fenced)
    if own.standby:
        return own
    if data_state(directory, layout.version) != "initialized":
        # Without PG_VERSION the server refuses by itself. With it, something is damaged: no control file.
        return Own(name, fenced=fenced, has_data=(directory / "PG_VERSION").exists())
    restoring = (directory / "recovery.signal").exists()
    copied = (directory / "backup_label").exists()
    runbook = runbook_at_work(layout.root)
    newest = newest_in_wal(directory / "pg_wal")
    control = read_control(layout, directory)
    if control is None:
        return Own(name, fenced=fenced, runbook=runbook)
    return Own(
        name,
        fenced=fenced,
        restoring=restoring,
        copied=copied,
        state=control.state,
        timeline=control.timeline,
        newest_in_wal=newest,
        system_identifier=control.system_identifier,
        lsn=control.checkpoint_lsn,
        runbook=runbook,
    )


def read_state(root: str = "/") -> Mapping[str, Any] | None:
    """What the guard said last, None when it has said nothing since the host booted."""
    try:
        state = json.loads(Path(root, STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def facts(name: str, cluster: str, root: str = "/") -> dict[str, Any]:
    """What the role probe is told. A standby's files are read too: it may know a newer timeline than it runs on."""
    state = read_state(root)
    if state is not None:
        state = {**state, "age_seconds": round(time.time() - float(state.get("epoch") or 0), 3)}
    version = detect_version(cluster, root)
    told: dict[str, Any] = {"has_data": False, "runbook": runbook_at_work(root), "boot_guard": state}
    if version is None:
        return told
    layout = Layout(version, cluster, root)
    directory = layout.data_directory()
    told.update(standby=(directory / "standby.signal").exists(), fenced=bool(fence_reason(layout.fence_marker)))
    if data_state(directory, version) != "initialized":
        return told
    control = read_control(layout, directory)
    if control is None:
        return told
    return {
        **told,
        "has_data": True,
        "state": control.state,
        "system_identifier": control.system_identifier,
        "timeline": max(control.timeline, newest_in_wal(directory / "pg_wal")),
        "lsn": control.checkpoint_lsn,
    }
