# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts for the screen: a row for each host, then everything that is not fine in full."""

from __future__ import annotations

from collections.abc import Iterable

from .check import BLOCK, OK, WAIVED, WARN, Verdict
from .judge import Preflight
from .table import WAIVERS

LEVELS = (BLOCK, WARN, WAIVED, OK)


def finding_lines(verdicts: Iterable[Verdict]) -> list[str]:
    """What was seen, what was expected and what to do, two or three lines each; fine ones are passed over."""
    lines = []
    for one in sorted(verdicts, key=lambda one: LEVELS.index(one.level)):
        if one.level == OK:
            continue
        lines.append(f"{one.level.upper()}  {one.check}  {one.host}: {one.observed}; expected: {one.expected}")
        if one.level == WAIVED:
            lines.append(f"     accepted: {WAIVERS[one.check]}")
            continue
        lines.append(f"     fix: {one.fix}")
        if one.level == BLOCK and one.check in WAIVERS:
            lines.append(f"     or accept that {WAIVERS[one.check]}: -e preflight_waive={one.check}")
    return lines


def refusal_lines(found: Preflight) -> list[str]:
    """What blocks, in full."""
    return finding_lines(found.of(BLOCK))


def table_lines(found: Preflight) -> list[str]:
    """One row a host: how many verdicts of each level."""
    hosts = list(dict.fromkeys(one.host for one in found.verdicts))
    width = max([len("HOST"), *(len(host) for host in hosts)])
    lines = ["  ".join(["HOST".ljust(width), *(level.upper().rjust(6) for level in LEVELS)])]
    for host in sorted(hosts):
        counts = [sum(one.host == host and one.level == level for one in found.verdicts) for level in LEVELS]
        shown = [(str(count) if count else "-").rjust(6) for count in counts]
        lines.append("  ".join([host.ljust(width), *shown]))
    return lines


def screen(found: Preflight, cluster: str) -> list[str]:
    """Everything that preflight.yml shows."""
    word = {BLOCK: "BLOCKED", WARN: "possible, with warnings", OK: "clear"}[found.level]
    roles = f"primary {found.primary or 'none'}"
    if found.candidate:
        roles += f", candidate {found.candidate}"
    findings = finding_lines(found.verdicts)
    return [
        f"{cluster}: {found.purpose} is {word}   ({roles})",
        "",
        *table_lines(found),
        *([""] if findings else []),
        *findings,
    ]
