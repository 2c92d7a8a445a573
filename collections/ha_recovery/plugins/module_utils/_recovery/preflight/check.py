# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check is: a row of a table with a name, levels, reasons, and a pure function that looks.

A check yields findings: fine, or what was seen, what was expected and how to put it right. A fact that could not be had
is a finding too, never fine. The row caps how serious a finding is for what is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .look import PURPOSES, Look

OK, WARN, BLOCK, WAIVED = "ok", "warn", "block", "waived"
SERIOUSNESS = {OK: 0, WARN: 1, BLOCK: 2}
#: The host of a finding that is about all of them.
CLUSTER = "cluster"


@dataclass(frozen=True)
class Finding:
    """What a check saw on one host, before waivers. ``level``: ok, warn or block."""

    host: str
    level: str
    observed: str
    expected: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Verdict:
    """What people read and records keep. ``level``: ok, warn, block or waived."""

    check: str
    host: str
    level: str
    observed: str
    expected: str
    fix: str


@dataclass(frozen=True)
class Check:
    """One row. ``levels``: the most serious level for each purpose; no entry: the check does not apply to it.

    ``accepts``: what a person accepts who waives it; empty: it cannot be waived.
    """

    name: str
    judge: Callable[[Look], Iterable[Finding]]
    levels: Mapping[str, str]
    reason: str
    accepts: str = ""

    def verdicts(self, look: Look) -> tuple[Verdict, ...]:
        """Findings as verdicts, capped for what is planned. No verdict: the check does not apply."""
        cap = self.levels.get(look.purpose)
        if cap is None:
            return ()
        return tuple(
            Verdict(self.name, one.host, _lower(one.level, cap), one.observed, one.expected, one.fix)
            for one in self.judge(look)
        )


def _lower(level: str, cap: str) -> str:
    return level if SERIOUSNESS[level] <= SERIOUSNESS[cap] else cap


def fine(host: str, observed: str) -> Finding:
    """As it should be."""
    return Finding(host, OK, observed)


def unknown(host: str, what: str, level: str = WARN) -> Finding:
    """A fact that should have been there and was not: never fine."""
    return Finding(host, level, f"{what} is not known", "known", f"ask {host} itself, then run preflight again")


def levels(*, block: Sequence[str] = (), warn: Sequence[str] = ()) -> dict[str, str]:
    """Levels by purpose; a purpose that does not exist is a mistake of ours."""
    for purpose in (*block, *warn):
        if purpose not in PURPOSES:
            raise ValueError(purpose)
    return {**dict.fromkeys(warn, WARN), **dict.fromkeys(block, BLOCK)}


#: Changes that somebody plans on a calm day, and the question whether all is ready for them.
PLANNED = ("switchover", "maintenance", "rolling", "general")
#: Planned changes, and blocking; the primary is gone: only worth knowing.
BLOCK_PLANNED = levels(block=PLANNED, warn=("failover",))
#: Worth knowing whatever is planned.
WARN_ALWAYS = levels(warn=PURPOSES)
