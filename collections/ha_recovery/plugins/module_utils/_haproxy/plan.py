# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which orders bring HAProxy's servers to the wanted state. Pure: states in, plan out.

Source: HAProxy management guide, 9.3 "set server"; ``src/server.c`` of HAProxy 2.6 and 3.0 (leaving maintenance).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .server_state import FORCED_DRAIN, FORCED_MAINT, ServerState

STATES = ("ready", "drain", "maint")
_FLAGS = {"ready": 0, "drain": FORCED_DRAIN, "maint": FORCED_MAINT}


class UnknownServer(Exception):
    """HAProxy has no such server in such a backend."""


@dataclass(frozen=True)
class Wanted:
    """The wanted state (one of :data:`STATES`) and weight (0..256); None leaves it as it is."""

    state: str | None = None
    weight: int | None = None


@dataclass(frozen=True)
class Change:
    """What happens to one server: how it stood, how it shall stand, and the line of commands that does it (one line,
    so that HAProxy runs it in one go; empty when nothing is to be done)."""

    before: ServerState
    after: ServerState
    line: str

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.line)


def select(states: Iterable[ServerState], backends: Sequence[str], servers: Sequence[str]) -> tuple[ServerState, ...]:
    """The state of every server in every backend. Raises :class:`UnknownServer`, which names what there is instead."""
    known = {state.key: state for state in states}
    missing = [f"{b}/{s}" for b in backends for s in servers if (b, s) not in known]
    if missing:
        there = ", ".join(sorted("/".join(key) for key in known)) or "no server at all"
        raise UnknownServer(f"HAProxy has no server {', '.join(missing)}; it has {there}")
    return tuple(known[b, s] for b in backends for s in servers)


def unseen(backends: Sequence[str], servers: Sequence[str], saved: Iterable[ServerState]) -> tuple[ServerState, ...]:
    """``saved`` completed by a blank entry for each server that it lacks: orders for a HAProxy that is not running.
    A blank entry has no address; the next start takes that from the configuration."""
    known = {state.key: state for state in saved}
    for backend in backends:
        for server in servers:
            known.setdefault((backend, server), ServerState(backend, server, "-", 0, 0, 0, 1, 1))
    return tuple(known.values())


def plan(states: Iterable[ServerState], wanted: Wanted) -> tuple[Change, ...]:
    """One change a server, in the order given. Compares orders only: never whether a check passes, never sessions."""
    return tuple(_change(state, wanted) for state in states)


def _change(before: ServerState, wanted: Wanted) -> Change:
    after = before
    name = f"{before.backend}/{before.server}"
    weight = before.weight if wanted.weight is None else wanted.weight
    lines = []
    if wanted.state is not None and wanted.state != before.state:
        after = replace(after, admin=_FLAGS[wanted.state])
        order = f"set server {name} state {wanted.state}"
        if before.state == "maint" and wanted.state == "ready" and before.checked and weight:
            # HAProxy takes a server that leaves maintenance for healthy until a check fails, and would send clients
            # to a standby that calls itself nothing yet: weight 0 and "down" keep them away until a check has passed.
            lines += [f"set server {name} weight 0", order, f"set server {name} health down"]
            after = replace(after, weight=weight)
            return Change(before, after, "; ".join([*lines, f"set server {name} weight {weight}"]))
        lines.append(order)
    if weight != before.weight:
        after = replace(after, weight=weight)
        lines.append(f"set server {name} weight {weight}")
    return Change(before, after, "; ".join(lines))


def merged(states: Iterable[ServerState], changes: Iterable[Change]) -> tuple[ServerState, ...]:
    """``states`` as they are once the changes are made."""
    made = {change.after.key: change.after for change in changes}
    return tuple(made.get(state.key, state) for state in states)


def standing(states: Iterable[ServerState]) -> list[dict[str, object]]:
    """What a diff shows: orders only, for everything else changes by itself."""
    return [{"backend": s.backend, "server": s.server, "state": s.state, "weight": s.weight} for s in states]
