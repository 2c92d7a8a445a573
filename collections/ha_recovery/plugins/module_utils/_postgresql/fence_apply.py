# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a fence on this host: bounded at every step, and looked at again afterwards."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence import FencePlan, FenceState
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.isolate import isolate, isolated, let_in
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, postmaster_pid
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.node import parse_marker
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import read_text


class FenceFailed(Exception):
    """A step did not work; the message names it. Whatever could be done was done.

    ``isolated``: the server that could not be stopped is cut off instead, and will not start at the next boot.
    """

    def __init__(self, message: str, *, isolated: bool = False) -> None:
        super().__init__(message)
        self.isolated = isolated


def server_processes(directory: Path) -> tuple[int, ...]:
    """Every postgres process that works in this data directory, also backends left by a killed postmaster."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().startswith("postgres") and (entry / "cwd").readlink() == directory:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found.append(int(entry.name))
        except OSError:
            continue  # it ended while we looked
    return tuple(sorted(found))


def is_masked(layout: Layout) -> bool:
    """True when systemd will not start the unit. The link itself is read: it needs no answer from systemd."""
    link = Path(layout.root, "etc/systemd/system", layout.unit)
    return link.is_symlink() and str(link.readlink()) == "/dev/null"


def read_state(layout: Layout, runner: Runner | None = None) -> FenceState:
    """What the host is like now. Whether its port is cut off is asked for with a ``runner`` only."""
    return FenceState(
        marker=parse_marker(read_text(layout.fence_marker)),
        masked=is_masked(layout),
        processes=server_processes(layout.data_directory().resolve()),
        isolated=runner is not None and isolated(runner),
    )


def wait_gone(directory: Path, timeout: float, every: float = 0.02) -> bool:
    """True as soon as no server process is left; False when some are after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while server_processes(directory):
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True


def _signal(pids: tuple[int, ...], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def stop_server(layout: Layout, timeout: float) -> str:
    """Stop without a checkpoint (SIGQUIT, "immediate"), then without asking (SIGKILL). Returns how it went.

    A primary that is fenced must stop accepting writes now; whoever readmits it recovers or rewinds it anyway. A hung
    server does not react to SIGQUIT, so SIGKILL follows after ``timeout`` seconds.
    """
    directory = layout.data_directory().resolve()
    pid = postmaster_pid(directory)
    if pid is not None:
        _signal((pid,), signal.SIGQUIT)
        _signal((pid,), signal.SIGCONT)  # a stopped (frozen) process receives nothing else
        if wait_gone(directory, timeout):
            return "immediate"
    _signal(server_processes(directory), signal.SIGKILL)
    if wait_gone(directory, timeout):
        return "killed"
    raise FenceFailed(
        f"processes {', '.join(map(str, server_processes(directory)))} on {directory} survive SIGKILL (a stuck disk?)"
    )


def stop_starting(runner: Runner, layout: Layout) -> str:
    """End a start that is under way, for masking prevents later ones, not this one. Returns a problem or ''."""
    shown = runner.run(["systemctl", "show", layout.unit, "--property=ActiveState"], timeout=5)
    if shown.stdout.strip() != "ActiveState=activating":
        return ""
    done = runner.run(["systemctl", "stop", layout.unit], timeout=20)
    return "" if done.ok else f"the start of {layout.unit} that is under way could not be ended: {done.reason}"


def apply_fence(runner: Runner, layout: Layout, plan: FencePlan, marker: str, *, timeout: float) -> dict[str, str]:
    """Do the plan's steps. A step that fails does not keep a later one from stopping the server."""
    problems = []
    result = {"stopped_by": ""}
    cut_off = False
    if plan.write_marker:
        try:
            replace_file(layout.fence_marker, marker, mode=0o644, owner="root")
        except OSError as error:
            problems.append(f"the marker {layout.fence_marker} could not be written: {error.strerror}")
    if plan.mask:
        done = runner.run(["systemctl", "mask", layout.unit], timeout=10)
        if not done.ok:
            problems.append(f"{layout.unit} could not be masked: {done.reason}")
    if plan.stop:
        try:
            result["stopped_by"] = stop_server(layout, timeout)
        except FenceFailed as error:
            problems.append(str(error))
            why = isolate(runner, layout)
            cut_off = not why and is_masked(layout)
            problems.append(why or "its port is cut off instead")
    if plan.mask:
        problem = stop_starting(runner, layout)
        problems += [problem] if problem else []
    if plan.unmask:
        done = runner.run(["systemctl", "unmask", layout.unit], timeout=10)
        if not done.ok:
            problems.append(f"{layout.unit} could not be unmasked: {done.reason}")
    if plan.let_in and not problems:
        why = let_in(runner)
        problems += [why] if why else []
    if plan.remove_marker and not problems:
        remove_file(layout.fence_marker)
    if problems:
        raise FenceFailed("; ".join(problems), isolated=cut_off)
    return result
