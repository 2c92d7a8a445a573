# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures for Prometheus's textfile collector, and files that nobody reads half written.

It lies beside the programs that timers run, so it imports nothing of the collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

Row = tuple[str, Mapping[str, str], float]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def render(told: Mapping[str, str], rows: Sequence[Row]) -> str:
    """Text in the exposition format. ``told``: name to its help text, in the order in which they are written."""
    lines = []
    for name, text in told.items():
        found = [row for row in rows if row[0] == name]
        if found:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        for _name, labels, value in found:
            inside = ",".join(f'{key}="{_escaped(labels[key])}"' for key in sorted(labels))
            lines.append(f"{name}{{{inside}}} {value:.15g}")
    return "".join(f"{line}\n" for line in lines)


def replace_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write beside the file and rename. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(path)
