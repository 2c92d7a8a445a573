# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fence a database host: what is there, what is to be done, and whether it is proven.

Pure. Fenced means: a marker in the configuration directory, the unit masked, and no server process on the data
directory. Marker and mask come first: a host that loses power half way must not come back as a primary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FenceState:
    """What the host is like: marker's content, unit masked, processes on the data directory, its port cut off."""

    marker: Mapping[str, Any] | None
    masked: bool
    processes: tuple[int, ...]
    isolated: bool = False

    @property
    def fenced(self) -> bool:
        """All three: it does not run, and nothing will start it."""
        return self.marker is not None and self.masked and not self.processes


@dataclass(frozen=True)
class FencePlan:
    """Steps in the order in which they are done."""

    write_marker: bool = False
    mask: bool = False
    stop: bool = False
    unmask: bool = False
    let_in: bool = False
    remove_marker: bool = False

    @property
    def changed(self) -> bool:
        """True when anything is to be done."""
        return bool(self.steps)

    @property
    def steps(self) -> list[str]:
        """Names of the steps, for the answer and the diff."""
        names = ("write_marker", "mask", "stop", "unmask", "let_in", "remove_marker")
        return [name for name in names if getattr(self, name)]


def plan_fence(state: FenceState, *, fenced: bool) -> FencePlan:
    """What brings the host to ``fenced`` or lifts the fence. Lifting never starts the server."""
    if fenced:
        # Once nothing runs any more there is nothing to cut off; and whoever brings the host back wants its primary.
        return FencePlan(
            write_marker=state.marker is None,
            mask=not state.masked,
            stop=bool(state.processes),
            let_in=state.isolated,
        )
    # The marker goes last: interrupted in between, the host still counts as fenced.
    return FencePlan(
        unmask=state.marker is not None and state.masked,
        let_in=state.isolated,
        remove_marker=state.marker is not None,
    )


def marker_text(*, host: str, fenced_at: str, by: str, reason: str, new_primary: str | None, lift_with: str) -> str:
    """Content of fenced.json, for the next person who logs in there."""
    content = {
        "host": host,
        "fenced_at": fenced_at,
        "by": by,
        "reason": reason,
        "new_primary": new_primary,
        "lift_with": lift_with,
    }
    return json.dumps(content, indent=2) + "\n"
