# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note that a host is out for maintenance. It lies on the host itself: whoever runs whatever from anywhere sees it.

Keys: host, since (ISO 8601, UTC), by, reason, back_with (the command that ends it), stopped (its services are masked)
and covered (another host had everything that this one had when it stopped). Written before anything is stopped and
removed last: interrupted in between, the host still counts as out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NOTE = "etc/ha_recovery/maintenance.json"


def note_path(root: str = "/") -> Path:
    """Where the note lies."""
    return Path(root, NOTE)


def parse_note(text: str | None) -> dict[str, Any] | None:
    """The note's content. One that nobody can read still counts: better out than in by mistake."""
    if text is None:
        return None
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"reason": "the note is there but cannot be read"}


def read_note(root: str = "/") -> dict[str, Any] | None:
    """The note of this host, None while it is in service."""
    try:
        return parse_note(note_path(root).read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, NotADirectoryError):
        return None


def note_text(note: Mapping[str, Any]) -> str:
    """What is written, for the next person who logs in there too."""
    return json.dumps(dict(note), indent=2) + "\n"


def back_with(host: str) -> str:
    """The command that brings a host back."""
    return f"ansible-playbook playbooks/maintenance.yml -e maintenance_host={host} -e maintenance_state=in"


def told(note: Mapping[str, Any]) -> str:
    """The note in half a line: since when, by whom, why."""
    since = f" since {note['since']}" if note.get("since") else ""
    by = f" by {note['by']}" if note.get("by") else ""
    reason = f": {note['reason']}" if note.get("reason") else ""
    return f"out for maintenance{since}{by}{reason}"
