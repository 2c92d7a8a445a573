# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stdout callback says of a task: text in, text out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Bookkeeping that tells a person nothing while it works.
SILENT = frozenset(
    {"set_fact", "include_tasks", "include_role", "include_vars", "import_tasks", "import_role", "add_host", "group_by",
     "meta", "set_stats"}
)  # fmt: skip
SLOW_S = 0.5
NAMES = 6
HIDDEN = "hidden, for the task says no_log"


def short_action(action: str) -> str:
    """set_fact of ansible.builtin.set_fact."""
    return action.rsplit(".", 1)[-1]


def stamp(seconds: float) -> str:
    """Time since the run began."""
    return f"[{seconds:6.1f} s]"


INDENT = " " * (len(stamp(0.0)) + 1)


def _named(hosts: Sequence[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= NAMES else f"{len(hosts)} hosts"


def outcome_line(name: str, results: Mapping[str, str], seconds: float) -> str | None:
    """A finished task: its sentence, who changed, who was asked, and how long it took when that was long.

    ``results``: host to ok, changed, skipped, failed. None: it was skipped everywhere, or told already.
    """
    changed = sorted(host for host, result in results.items() if result == "changed")
    fine = sorted(host for host, result in results.items() if result == "ok")
    if not changed and not fine:
        return None
    notes = []
    if changed:
        notes.append("changed" if changed == ["localhost"] else f"{_named(changed)} changed")
    if fine and fine != ["localhost"]:
        notes.append(_named(fine))
    if seconds >= SLOW_S:
        notes.append(f"{seconds:.1f} s")
    return f"{name}{'  (' + '; '.join(notes) + ')' if notes else ''}"


def debug_text(result: Mapping[str, Any]) -> str | None:
    """What a debug task shows when it is plain text or a list of lines; None when it takes more to show it."""
    shown = result.get("msg") if "msg" in result else None
    if shown is None:
        keys = [
            key for key in result if not key.startswith(("_ansible", "ansible_")) and key not in ("changed", "failed")
        ]
        shown = result[keys[0]] if len(keys) == 1 else None
    if isinstance(shown, str):
        return shown
    if isinstance(shown, (int, float)) and not isinstance(shown, bool):
        return str(shown)
    if isinstance(shown, Sequence) and all(isinstance(line, (str, int, float)) for line in shown):
        return "\n".join(str(line) for line in shown)
    return None


def failure_text(result: Mapping[str, Any]) -> str:
    """Why a task failed: its message, and for a command what it said last. Never the whole result."""
    if result.get("censored"):
        return HIDDEN
    message = result.get("msg")
    if isinstance(message, Sequence) and not isinstance(message, str):
        message = "\n".join(str(line) for line in message)
    lines = str(message or "no reason given").strip().splitlines()
    if isinstance(result.get("assertion"), str):
        lines.append(f"did not hold: {result['assertion']}")
    if "rc" in result and "cmd" in result:
        lines = [f"{_command(result['cmd'])}: exit status {result['rc']}", *lines[1:]]
    for stream in ("stderr", "stdout", "module_stderr", "module_stdout"):
        said = str(result.get(stream) or "").strip().splitlines()
        if said:
            lines += said[-10:]
            break
    return "\n".join(lines)


def _command(command: Any) -> str:
    return " ".join(str(word) for word in command) if isinstance(command, list) else str(command)


def unreachable_text(result: Mapping[str, Any]) -> str:
    """One line; ssh says what matters last."""
    message = str(result.get("msg") or "").removeprefix("Task failed: ")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    return lines[0] if len(lines) == 1 else f"{lines[0].rstrip(': ')}: {lines[-1]}"


def indented(text: str, by: str = INDENT) -> str:
    """Every line of it moved to the right."""
    return "\n".join(by + line if line.strip() else "" for line in text.splitlines())


def ending(*, seconds: float, changed: int, failed: Iterable[str], unreachable: Iterable[str], check: bool) -> str:
    """The last line of a run."""
    bad = sorted(failed)
    silent = sorted(unreachable)
    took = f"{seconds:.1f} s"
    if bad:
        words = f"failed on {', '.join(bad)}, after {took}"
    elif silent:
        words = f"ended after {took}"
    else:
        words = f"done in {took}"
    counted = "nothing" if not changed else str(changed)
    words += f", {counted} would be changed (check mode: nothing was)" if check else f", {counted} changed"
    return words + (f", no answer from {', '.join(silent)}" if silent else "")
