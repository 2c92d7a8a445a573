# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a copy of the primary on this host."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import restore, restore_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import basebackup
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import owner_ids, sync_directory
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import Upstream, conninfo
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, data_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import read_control
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import forget


class SeedFailed(Exception):
    """The copy did not succeed. The message says what pg_basebackup or the server said."""


def unit_name(layout: Layout) -> str:
    """The copy's own systemd unit."""
    return f"ha_recovery-seed-{layout.version}-{layout.cluster}.service"


def unit_state(runner: Runner, layout: Layout) -> str:
    """systemd's ActiveState of the copy's unit, 'activating' while its start is still queued, '' when nobody knows.

    systemd-run returns before the unit has begun: for a moment it is 'inactive' with a job, as if it had ended.
    """
    done = runner.run(["systemctl", "show", unit_name(layout), "--property=ActiveState,Job"], timeout=5)
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line) if done.ok else {}
    return "activating" if fields.get("Job", "0") not in ("", "0") else fields.get("ActiveState", "")


def observe_target(runner: Runner, layout: Layout, host: str) -> basebackup.Target:
    """What lies in the data directory, and whether a copy is under way."""
    directory = layout.data_directory()
    # The order matters: a copy that ends in between has then already been renamed when the directory is looked at.
    unit = unit_state(runner, layout)
    state = data_state(directory, layout.version)
    control = read_control(runner, layout) if state == "initialized" else None
    return basebackup.Target(
        host=host,
        data_directory=str(directory),
        data_state=state,
        system_identifier=control.system_identifier if control else None,
        is_mount=os.path.ismount(directory),
        unit_state=unit,
    )


def identify(runner: Runner, layout: Layout, upstream: Upstream) -> str:
    """The source's system identifier, asked over the connection that the copy will use (IDENTIFY_SYSTEM)."""
    argv = [
        str(layout.bin_dir / "psql"),
        "-XAtq",
        "-w",
        "-d",
        f"{conninfo(upstream)} replication=true",
        "-c",
        "IDENTIFY_SYSTEM",
    ]
    # libpq looks for a client certificate in the home directory and must not be sent to root's.
    done = runner.run(as_user("postgres", argv), timeout=10, env={"HOME": "/var/lib/postgresql"})
    identifier = done.stdout.strip().split("|")[0]
    if not done.ok or not identifier.isdigit():
        why = " ".join(done.stderr.split()) or done.reason
        raise SeedFailed(f"{upstream.host} ({upstream.address}) accepts no replication connection: {why}")
    return identifier


def start(runner: Runner, layout: Layout, upstream: Upstream, log: Path, max_rate: str) -> None:
    """Remove what an interrupted copy, or the restore of a backup, left and start a new one."""
    directory = layout.data_directory()
    if restore_files.under_way(runner):
        runner.run(["systemctl", "stop", restore.UNIT], timeout=60)
    forget(layout)
    staging = Path(f"{directory}.seeding")
    if staging.exists():
        shutil.rmtree(staging)
    _own_directory(directory.parent)
    log.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    runner.run(["systemctl", "reset-failed", unit_name(layout)], timeout=5)
    done = runner.run(
        basebackup.copy_argv(
            unit=unit_name(layout),
            log=str(log),
            program=str(layout.bin_dir / "pg_basebackup"),
            conninfo=conninfo(upstream),
            slot=upstream.slot_name,
            data_directory=str(directory),
            max_rate=max_rate,
        ),
        timeout=20,
    )
    if not done.ok:
        raise SeedFailed(f"the copy could not be started: {done.reason}")


def wait(runner: Runner, layout: Layout, log: Path, seconds: float) -> tuple[bool, basebackup.Progress]:
    """Wait until the copy ends, at most ``seconds``. Returns whether it is complete, and how far it is."""
    directory = layout.data_directory()
    deadline = time.monotonic() + seconds
    while True:
        running = unit_state(runner, layout) not in ("inactive", "failed")
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        progress = basebackup.parse_progress(text)
        if not running:
            if data_state(directory, layout.version) != "initialized":
                why = basebackup.last_words(text) or f"see journalctl -u {unit_name(layout)}"
                raise SeedFailed(f"the copy failed: {why}")
            sync_directory(directory.parent)
            return True, progress
        if time.monotonic() >= deadline:
            return False, progress
        time.sleep(0.3)


def _own_directory(path: Path) -> None:
    """The directory above the data directory, which Debian's package does not make before there is a cluster."""
    if path.exists():
        return
    path.mkdir(mode=0o755, parents=True)
    ids = owner_ids("postgres")
    if ids is not None:
        os.chown(path, *ids)
