# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard says: to the journal, and to /run/ha_recovery/boot_guard.json for the role probe and status.yml."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .decision import Own, Verdict, Voice
from .files import STATE

OVERRIDE = "run/ha_recovery/boot_guard_override"
WORDS = {"start": "allowed", "wait": "refused", "refuse": "refused"}


def say(line: str) -> None:
    """One line for the journal."""
    print(line, file=sys.stderr, flush=True)


def refusal_lines(instance: str, verdict: Verdict) -> list[str]:
    """Host, observed, expected, next command, and the way past."""
    lines = [f"boot guard: postgresql@{instance} stays down: {verdict.reason}"]
    if verdict.next:
        lines.append(f"next: {verdict.next}")
    if verdict.action == "wait":
        lines.append(f"it asks again and starts by itself; systemctl stop boot_guard_wait@{instance} ends that")
    if verdict.row != "fenced":
        lines.append(
            f"to start it once all the same: echo 'who and why' > /{OVERRIDE}; systemctl start postgresql@{instance}"
        )
    return lines


def document(
    instance: str, own: Own, voices: Sequence[Voice], verdict: Verdict, *, word: str, policy: str, now: float
) -> dict[str, object]:
    """The state file. ``word``: asking, allowed or refused; ``waits``: it asks again by itself."""
    return {
        "instance": instance,
        "verdict": word,
        "waits": verdict.action == "wait",
        "row": verdict.row,
        "reason": verdict.reason,
        "next": verdict.next,
        "policy": policy,
        "standby": own.standby,
        "timeline": own.timeline,
        "system_identifier": own.system_identifier,
        "asked": {voice.name: voice.error or "answered" for voice in voices},
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "epoch": round(now, 3),
    }


def write_state(content: dict[str, object], root: str = "/") -> None:
    """Replace the state file. Raises OSError."""
    path = Path(root, STATE)
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(content) + "\n", encoding="utf-8")
    fresh.chmod(0o644)
    fresh.replace(path)


def read_override(root: str = "/") -> str:
    """What the operator wrote into the one-time override, '' when there is none."""
    path = Path(root, OVERRIDE)
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""
    return text.splitlines()[0] if text else "no reason given"


def use_up_override(root: str = "/") -> None:
    """It holds for one start. Raises OSError: one that cannot be removed would hold for ever."""
    Path(root, OVERRIDE).unlink()
