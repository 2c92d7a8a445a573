# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note that a restore leaves on every database host: what it goes back to, and how far it is.

It outlives reboots and the data directory, so a rerun goes on from it and one after success changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import TargetRefused, target_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout

#: In this order; ``done`` and ``undone`` are the ends.
PHASES = ("begun", "aside", "recovering", "proven", "promoted", "done", "undone")
ENDS = ("done", "undone")


def note_path(layout: Layout) -> Path:
    """Where it is."""
    return Path(layout.root, "var/lib/ha_recovery", f"restore-{layout.version}-{layout.cluster}.json")


def read_note(layout: Layout) -> dict[str, Any]:
    """The note, {} when there is none. One that cannot be read counts as unfinished: its phase is 'unreadable'."""
    try:
        found = json.loads(note_path(layout).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return {"phase": "unreadable"}
    return dict(found) if isinstance(found, Mapping) else {"phase": "unreadable"}


def noted(root: str = "/") -> dict[str, Any] | None:
    """What this host knows of a restore: {id, phase, host, target, undo, disaster}; None when there was none.

    Ended ones too: another host may have missed the end, and only all notes together say whether there was one.
    """
    for path in sorted(Path(root, "var/lib/ha_recovery").glob("restore-*-*.json")):
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            return {
                "id": str(note["id"]),
                "phase": str(note["phase"]),
                "host": str(note["host"]),
                "target": target_from(note["target"]).words,
                "undo": bool(note.get("undo")),
                "disaster": bool(note.get("disaster")),
            }
        except (OSError, ValueError, KeyError, TypeError, TargetRefused):
            return {"id": "", "phase": "unreadable", "host": "", "target": "", "undo": False, "disaster": False}
    return None


def write_note(layout: Layout, note: Mapping[str, Any]) -> bool:
    """Write it down. True when that changed it."""
    if read_note(layout) == dict(note):
        return False
    path = note_path(layout)
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace_file(path, json.dumps(dict(note), indent=2) + "\n", mode=0o644, owner="root")
    return True


def update_note(layout: Layout, **more: Any) -> bool:
    """Change some of it."""
    return write_note(layout, {**read_note(layout), **more})
