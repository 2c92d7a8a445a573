# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give HAProxy orders about its servers, and see that they hold. I/O goes through the socket's API and the store."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from . import plan as planning
from . import state_store
from .plan import Change, Wanted
from .runtime_api import Api, CommandRefused, NotRunning, order, parse_old_workers, parse_sessions
from .server_state import ServerState, ServerStateError, at_rest, orders, parse, render

LOCK_WAIT_S = 5.0


@dataclass(frozen=True)
class Request:
    """What is wanted of which servers. ``persist``: write it down for the next start. ``end_sessions``: with state
    ``maint``, also end connections that processes from before a reload still hold. ``when_stopped``: ``fail``, or
    ``persist`` to write the orders down for a HAProxy that does not run."""

    backends: Sequence[str]
    servers: Sequence[str]
    wanted: Wanted
    persist: bool = True
    end_sessions: bool = True
    when_stopped: str = "fail"


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be: the servers before and after, the lines given, how many connections of older
    processes were ended, and whether the file was written."""

    changes: tuple[Change, ...]
    after: tuple[ServerState, ...]
    ended_sessions: int
    persisted: bool
    running: bool

    @property
    def changed(self) -> bool:
        """Whether anything differs from before."""
        return any(change.changed for change in self.changes) or self.ended_sessions > 0 or self.persisted


def carry_out(api: Api, master: Api, path: str, request: Request, *, check_mode: bool) -> Outcome:
    """Observe, plan, act, observe again. Raises RuntimeApiError, UnknownServer, Busy or OSError.

    The lock keeps a reload from taking over while the orders are given (see :func:`state_store.lock`).
    """
    with contextlib.nullcontext() if check_mode else state_store.lock(path, LOCK_WAIT_S):
        try:
            states = parse(api.command("show servers state"))
        except NotRunning:
            if request.when_stopped != "persist":
                raise
            return _for_the_next_start(path, request, check_mode)
        changes = planning.plan(planning.select(states, request.backends, request.servers), request.wanted)
        sessions = _sessions_of_older_processes(master, request)
        after = planning.merged(states, changes)
        if not check_mode:
            for change in changes:
                if change.line:
                    order(api, change.line)
            for pid, session in sessions:
                master.command(f"@!{pid} shutdown session {session}")
            after = parse(api.command("show servers state"))
            _see_that_it_holds(changes, after)
        persisted = request.persist and _save(path, after, check_mode)
        chosen = planning.select(after, request.backends, request.servers)
        return Outcome(changes, chosen, len(sessions), persisted, running=True)


def _for_the_next_start(path: str, request: Request, check_mode: bool) -> Outcome:
    states = planning.unseen(request.backends, request.servers, _saved(path))
    changes = planning.plan(planning.select(states, request.backends, request.servers), request.wanted)
    after = planning.merged(states, changes)
    persisted = _save(path, after, check_mode)
    chosen = planning.select(after, request.backends, request.servers)
    return Outcome(tuple(changes), chosen, 0, persisted, running=False)


def _sessions_of_older_processes(master: Api, request: Request) -> list[tuple[int, str]]:
    """(process, session) of each connection to the servers that a process from before a reload still holds. Such a
    process checks no server's health any more and refuses ``set server``: nothing else would end them."""
    if request.wanted.state != "maint" or not request.end_sessions:
        return []
    found = []
    for pid in parse_old_workers(master.command("show proc")):
        for session, backend, server in parse_sessions(master.command(f"@!{pid} show sess")):
            if backend in request.backends and server in request.servers:
                found.append((pid, session))
    return found


def _see_that_it_holds(changes: Sequence[Change], after: Sequence[ServerState]) -> None:
    now = orders(after)
    for change in changes:
        if now.get(change.after.key) != orders([change.after])[change.after.key]:
            found = planning.standing([state for state in after if state.key == change.after.key])
            raise CommandRefused(
                f"HAProxy took the order `{change.line or 'none'}` without complaint, and yet has {found}"
            )


def _saved(path: str) -> tuple[ServerState, ...]:
    try:
        return parse(state_store.read(path))
    except ServerStateError:
        return ()


def _save(path: str, states: Sequence[ServerState], check_mode: bool) -> bool:
    """Write the orders down unless the file already holds them; True when it did not."""
    if orders(_saved(path)) == orders(states):
        return False
    if not check_mode:
        state_store.write(path, render(at_rest(states)))
    return True
