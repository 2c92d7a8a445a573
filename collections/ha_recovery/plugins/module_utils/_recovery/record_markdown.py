# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record as Markdown, to paste into a ticket. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import facts_of


def _cell(value: Any) -> str:
    """Text that cannot break a table: no line ends, no bare pipes, no tags."""
    text = "-" if value is None or value == "" else str(value)
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table's lines; none without rows."""
    body = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return (
        ["| " + " | ".join(_cell(head) if head else "" for head in heads) + " |", "|" + "---|" * len(heads), *body]
        if body
        else []
    )


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"## {title}", "", *lines] if lines else []


def record_markdown(record: Mapping[str, Any]) -> str:
    """The record for people."""
    lines = [f"# {record['runbook']} of {record['cluster']}: {record['status']}", "", _cell(record["headline"]), ""]
    lines += ["| | |", "|---|---|", *table(("", ""), facts_of(record))[2:]]
    lines += _section("What did not work", [f"- {_cell(one)}" for one in record["problems"]])
    lines += _section(
        "Verdicts",
        table(
            ("check", "host", "level", "observed", "expected", "fix"),
            [
                [one[key] for key in ("check", "host", "level", "observed", "expected", "fix")]
                for one in record["verdicts"]
            ],
        ),
    )
    lines += _section(
        "Waivers", table(("name", "accepts"), [(one["name"], one["accepts"]) for one in record["waivers"]])
    )
    lines += _section(
        "Steps",
        table(
            ("step", "host", "began", "took", "result"),
            [
                (
                    one["name"],
                    one["host"],
                    "-" if one["started_s"] is None else f"{one['started_s']:+.2f} s",
                    "-" if one["seconds"] is None else f"{one['seconds']:.2f} s",
                    ": ".join(part for part in (one["result"], one["detail"]) if part),
                )
                for one in record["steps"]
            ],
        ),
    )
    for name, rows in sorted(record["evidence"].items()):
        lines += _section(name.replace("_", " ").capitalize(), evidence_table(rows))
    return "\n".join(lines) + "\n"


def evidence_table(rows: Any) -> list[str]:
    """A list of like-shaped flat mappings as a table; anything deeper stays in the JSON file."""
    heads = flat_heads(rows)
    return table(heads, [[row[head] for head in heads] for row in rows]) if heads else []


def flat_heads(rows: Any) -> list[str]:
    """The common keys of a list of mappings when every value is a plain one; else nothing."""
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        return []
    if not all(isinstance(row, Mapping) and list(row) == list(rows[0]) for row in rows):
        return []
    plain = all(value is None or isinstance(value, (str, int, float)) for row in rows for value in row.values())
    return list(rows[0]) if plain else []
