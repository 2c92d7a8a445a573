# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note on a host whose data is, or is to be, a restored backup: WAL from there on comes out of the archive.

It names the directory by its inode, which a rename keeps: data that came there in another way is not what it tells of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, data_state


def note_path(layout: Layout) -> Path:
    """Where it is; outside the data directory, so that no copy carries it away."""
    return Path(layout.root, "var/lib/ha_recovery", f"reseed-{layout.version}-{layout.cluster}.json")


def read_note(layout: Layout) -> dict[str, Any]:
    """{label, repository, stanza, inode, began_at, streamed}; {} when there is none that can be read."""
    try:
        found = json.loads(note_path(layout).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, Mapping) else {}


def write_note(layout: Layout, note: Mapping[str, Any]) -> None:
    """Write it down."""
    path = note_path(layout)
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace_file(path, json.dumps(dict(note), indent=2) + "\n", mode=0o644, owner="root")


def forget(layout: Layout) -> None:
    """The data is to come from elsewhere."""
    if note_path(layout).exists():
        remove_file(note_path(layout))


def restored_label(layout: Layout, *, catching_up: bool = False) -> str:
    """The backup that the data directory was restored from, '' for none. ``catching_up``: only if it never streamed."""
    note = read_note(layout)
    directory = layout.data_directory()
    if not note.get("label") or (catching_up and note.get("streamed")):
        return ""
    if data_state(directory, layout.version) != "initialized" or directory.stat().st_ino != note.get("inode"):
        return ""
    return str(note["label"])


def streams(layout: Layout) -> None:
    """It streams: from here on it needs the archive no more than any other standby."""
    if restored_label(layout, catching_up=True):
        write_note(layout, {**read_note(layout), "streamed": True})
