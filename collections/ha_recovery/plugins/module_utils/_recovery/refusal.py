# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a planned change is not done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """Why nothing is done: host, observed, expected, and the next command."""

    host: str
    observed: str
    expected: str
    next: str

    @property
    def line(self) -> str:
        """One line for people."""
        return f"{self.host}: observed {self.observed}; expected {self.expected}. Next: {self.next}"


def refusals_of(preflight: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """What preflight blocks: C(verdicts) of its answer."""
    return tuple(
        Refusal(str(one["host"]), f"{one['observed']} ({one['check']})", str(one["expected"]), str(one["fix"]))
        for one in preflight.get("verdicts") or ()
        if one["level"] == "block"
    )
