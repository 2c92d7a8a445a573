# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of a new copy that comes out of the backups."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import observe, reseed_run, restore_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.maintenance import layout_of


def look(args: Mapping[str, Any]) -> dict[str, Any]:
    """What this host itself can see of the backups: {installed, error, backups, and more of observe.look}."""
    return observe.look(HostRunner(), str(args["stanza"]), now=time.time(), timeout=float(args.get("timeout") or 15))


def restore(args: Mapping[str, Any]) -> dict[str, Any]:
    """Restore the files of backup ``label``, or go on with that; wait at most ``wait`` s. {finished, percent, aside}.

    ``old``: what becomes of data that is there. With ``failed``, pgBackRest could not do it: that is an answer, for it
    leads to a copy of the primary, which a host that falls silent must not.
    """
    wanted = restore_files.wanted_from(args)
    try:
        return reseed_run.run(
            HostRunner(),
            layout_of(args),
            wanted,
            old=str(args.get("old") or "refuse"),
            begin=bool(args.get("begin")),
            wait=float(args.get("wait") or 15),
            again=True,
        )
    except restore_files.RestoreFailed as error:
        return {"finished": True, "failed": str(error), "percent": 0.0, "aside": ""}
