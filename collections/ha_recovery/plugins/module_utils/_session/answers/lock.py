# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls about the runbook lock. It is held by the agent that took it, and ends with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import LOCK_FILE
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import LockFile
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import look as look_at
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import at_end

_held: dict[Path, LockFile] = {}


def _path(args: Mapping[str, Any]) -> Path:
    return Path(str(args.get("path") or LOCK_FILE))


def take(args: Mapping[str, Any]) -> dict[str, Any]:
    """``holder``: who wants it. Answers ``held`` and, when somebody else has it, that ``holder``."""
    path = _path(args)
    lock = _held.setdefault(path, LockFile(path))
    answer = lock.take(args["holder"])
    if answer["held"]:
        at_end(f"runbook lock {path}", lock.release, lasting=True)
    return answer


def look(args: Mapping[str, Any]) -> dict[str, Any]:
    """Who has it, None when nobody has."""
    return {"holder": look_at(_path(args))}
