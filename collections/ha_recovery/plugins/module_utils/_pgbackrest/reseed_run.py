# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a backup as a standby's data: into ``<data directory>.seeding``, which is renamed when it is complete.

As with a copy of the primary, a data directory is either empty or whole, and it is a standby's before any server can
find it. A restore that was interrupted goes on: pgBackRest compares what is there and fetches the rest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import restore_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_files import RestoreFailed, Wanted
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import basebackup_apply, rewind
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import (
    remove_file,
    sync_directory,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, data_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import (
    restored_label,
    write_note,
)

OLD = ("refuse", "aside", "reuse")


def observe(runner: Runner, layout: Layout) -> dict[str, Any]:
    """{state of the data directory, is_mount, label that it was restored from, and which copy is under way}."""
    directory = layout.data_directory()
    # The order matters: a restore that ends in between has then already been renamed when the directory is looked at.
    restoring = restore_files.under_way(runner)
    copying = basebackup_apply.unit_state(runner, layout) in restore_files.UNDER_WAY
    return {
        "state": data_state(directory, layout.version),
        "is_mount": os.path.ismount(directory),
        "label": restored_label(layout),
        "restoring": restoring,
        "copying": copying,
    }


def plan_restore(seen: Mapping[str, Any], directory: str, wanted: Wanted, old: str, again: bool = False) -> str:
    """What to do: ``done``, ``wait`` (a restore is under way) or ``start``. Raises RestoreFailed. Pure."""
    if seen["state"] == "initialized" and seen["label"] == wanted.label and not again:
        return "done"
    if seen["copying"]:
        raise RestoreFailed("a copy of the primary is under way; expected none. Next: let it end")
    if seen["restoring"]:
        return "wait"
    if seen["is_mount"]:
        raise RestoreFailed(
            f"{directory} is a mount point; expected a directory below one, so that what was restored can be renamed "
            "into place. Next: mount the file system one level higher"
        )
    if seen["state"] != "absent" and old == "refuse":
        raise RestoreFailed(
            f"{directory} is not empty; expected nothing there. It is never overwritten unasked. Next: say with "
            "old_data whether it is to be kept aside, or to be used again"
        )
    return "start"


def run(
    runner: Runner, layout: Layout, wanted: Wanted, *, old: str, begin: bool, wait: float, again: bool = False
) -> dict[str, Any]:
    """Restore, or go on with that; wait at most ``wait`` s. {changed, finished, percent, aside}.

    ``old``: what becomes of data that is there (:data:`OLD`); ``again``: also when it came from that very backup.
    Raises RestoreFailed.
    """
    directory, aside = layout.data_directory(), ""
    seen = observe(runner, layout)
    try:
        step = plan_restore(seen, str(directory), wanted, old, again and begin)
        if step == "done":
            return {"changed": False, "finished": True, "percent": 100.0, "aside": ""}
        if step == "start":
            if not begin:
                raise restore_files.failed()
            aside = _begin(runner, layout, wanted, old)
        percent = restore_files.wait(runner, wanted, wait)
        if percent is None and data_state(directory, layout.version) != "initialized":
            raise restore_files.failed()
        if percent is None:
            sync_directory(directory.parent)
    except rewind.RewindFailed as error:
        raise RestoreFailed(str(error)) from error
    except OSError as error:
        raise RestoreFailed(f"{directory}: {error}") from error
    return {
        "changed": True,
        "finished": percent is None,
        "percent": 100.0 if percent is None else percent,
        "aside": aside,
    }


def _begin(runner: Runner, layout: Layout, wanted: Wanted, old: str) -> str:
    """Put what is there out of the way, and start. Returns where it is kept, '' when nowhere."""
    directory, kept = layout.data_directory(), ""
    staging = Path(f"{directory}.seeding")
    if data_state(directory, layout.version) != "absent":
        rewind.must_be_down(layout)
        if old == "reuse":
            if staging.exists():
                shutil.rmtree(staging)
            directory.rename(staging)
        else:
            stamp = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
            kept = str(directory.with_name(f"{directory.name}.before-{stamp}"))
            directory.rename(kept)
        sync_directory(directory.parent)
    if staging.exists() and not any((staging / name).exists() for name in ("PG_VERSION", "backup.manifest")):
        # pgBackRest would not believe that these are a server's files, and refuse to write over them.
        shutil.rmtree(staging)
    restore_files.own(staging)
    # A crash's pid file keeps pgBackRest from restoring; what is there is stopped, or it could not have been moved.
    remove_file(staging / "postmaster.pid")
    write_note(
        layout,
        {
            "label": wanted.label,
            "repository": wanted.repository,
            "stanza": wanted.stanza,
            "inode": staging.stat().st_ino,
            "began_at": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
            "streamed": False,
        },
    )
    remove_file(rewind.marker_path(layout))
    whole = [
        ["/usr/bin/install", "-m", "600", "/dev/null", f"{staging}/standby.signal"],
        ["/usr/bin/mv", "-T", str(staging), str(directory)],
    ]
    restore_files.start(runner, wanted, staging, whole)
    return kept
