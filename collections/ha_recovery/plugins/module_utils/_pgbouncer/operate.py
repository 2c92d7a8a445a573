# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pause, resume and look at the pools of a load balancer. Commands go through the runner, the rest through the console.

What is slow (a timer, a look round) comes before PAUSE or after RESUME: between them clients wait.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Protocol

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import console as wire
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import state as states
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import (
    Instance,
    arm,
    disarm,
    lease_of,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.state import Holder, Pooler, Refusal

LEASE_MINIMUM_S = 1.0


class Session(Protocol):
    """What code needs of the console; tests hand in a table of answers."""

    def query(self, command: str, timeout: float = 2.0) -> list[dict[str, str]]:
        """The rows that a command answers with."""

    def send(self, command: str) -> None:
        """Give a command without waiting for its answer."""

    def answer(self, command: str, timeout: float) -> list[dict[str, str]]:
        """Wait for the answer of the command sent last."""

    def close(self) -> None:
        """Leave."""


Connect = Callable[[str, float], Session]


class PauseTimedOut(Exception):
    """Transactions did not end in time. The pool runs again; ``holders`` are the clients it waited for."""

    def __init__(self, message: str, holders: tuple[Holder, ...]) -> None:
        super().__init__(message)
        self.holders = holders


def info(
    _runner: Runner,
    instance: Instance,
    *,
    timeout_s: float = 2.0,
    connect: Connect = wire.connect,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """{pool, configured, running, state, error, version, databases: [...], lease: {...} or None}.

    A pool that is not configured has no error: this host has no pooler.
    """
    lease = lease_of(instance)
    left = lease and {"remaining_s": round(lease.remaining(clock()), 3), "seconds": lease.seconds, "by": lease.by}
    answer: dict[str, Any] = {"pool": instance.pool, "configured": instance.configured, "running": False}
    answer |= {"state": "stopped", "error": None, "version": None, "databases": [], "lease": left}
    try:
        with contextlib.closing(connect(instance.socket_directory, timeout_s)) as console:
            pooler = look(console, timeout_s)
            version = console.query("SHOW VERSION", timeout_s)[0]["version"]
    except wire.NotRunning as error:
        return {**answer, "error": str(error) if instance.configured else None}
    except wire.ConsoleError as error:
        return {**answer, "running": True, "state": "unknown", "error": str(error)}
    return {
        **answer,
        "running": True,
        "state": pooler.state,
        "version": version.removeprefix("PgBouncer "),
        "databases": [asdict(one) for one in pooler.databases],
    }


def look(console: Session, timeout_s: float = 2.0) -> Pooler:
    """Ask the console for its databases. Raises ConsoleError."""
    databases = console.query("SHOW DATABASES", timeout_s)
    pools = console.query("SHOW POOLS", timeout_s)
    try:
        state = console.query("SHOW STATE", timeout_s)
    except wire.Refused:
        state = None
    return states.pooler_of(databases, pools, state)


def pause(
    runner: Runner,
    instance: Instance,
    databases: Sequence[str] | None = None,
    timeout_s: float = 5.0,
    lease_s: float = 15.0,
    *,
    by: str = "",
    check_mode: bool = False,
    connect: Connect = wire.connect,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Hold the queries of all clients from the end of their transactions on, and (re)new the lease.

    Returns {changed, pool, state, databases, commands, lease_s, seconds: from PAUSE to its answer}. ``changed`` is
    false when the databases were paused already: the lease is new all the same.
    Raises Refusal, LeaseError, Busy and ConsoleError with nothing paused by this call, PauseTimedOut after undoing it.
    """
    with contextlib.closing(connect(instance.socket_directory, 2.0)) as console:
        before = look(console)
        chosen = states.select(before, databases)
        commands = states.to_pause(before, chosen)
        _judge_times(timeout_s, lease_s, console.query("SHOW CONFIG"))
        answer = {"pool": instance.pool, "databases": [one.name for one in chosen], "lease_s": lease_s, "seconds": 0.0}
        waiting = [one.name for one in chosen if not one.paused]
        if check_mode:
            return {**answer, "changed": bool(waiting), "state": "paused", "commands": list(commands)}
        arm(runner, instance, lease_s, by, clock)
        # The lease before this one may have run out meanwhile.
        changed = any(not one.paused for one in states.select(look(console), databases))
        began = clock()
        try:
            _pause_all(instance, commands, timeout_s, connect, clock)
        except wire.NoAnswer:
            held = states.holders(console.query("SHOW CLIENTS"), [one.name for one in chosen], _now())
            _undo(runner, instance, console, databases)
            raise PauseTimedOut(_too_long(instance.pool, timeout_s, held), held) from None
        except wire.ConsoleError:
            with contextlib.suppress(wire.ConsoleError):
                _undo(runner, instance, console, databases)
            raise
        seconds = round(clock() - began, 4)
        state = states.state_of(look(console))
    return {**answer, "changed": changed, "state": state, "commands": list(commands), "seconds": seconds}


def resume(
    runner: Runner,
    instance: Instance,
    databases: Sequence[str] | None = None,
    *,
    check_mode: bool = False,
    connect: Connect = wire.connect,
) -> dict[str, Any]:
    """Let the queries go, first of all; then end the lease, unless another database is still paused under it.

    Returns {changed, pool, state, databases: those that were paused, commands}. Raises Refusal, Busy and ConsoleError.
    """
    with contextlib.closing(connect(instance.socket_directory, 2.0)) as console:
        before = look(console)
        chosen = states.select(before, databases)
        commands = states.to_resume(before, chosen, everything=not databases)
        leased = lease_of(instance) is not None
        given = commands
        if check_mode:
            given = tuple(one for one in commands if not states.may_be_refused(before, one))
            state = "active" if not databases else before.state
        else:
            given = _resume_all(console, before, commands)
            after = look(console)
            state = after.state
            if leased and not after.paused:
                disarm(runner, instance)
    ends = leased and not databases
    names = [one.name for one in chosen if one.paused]
    return {
        "changed": bool(given) or ends,
        "pool": instance.pool,
        "state": state,
        "databases": names,
        "commands": list(given),
    }


def reconnect(
    _runner: Runner,
    instance: Instance,
    databases: Sequence[str] | None = None,
    *,
    check_mode: bool = False,
    connect: Connect = wire.connect,
) -> dict[str, Any]:
    """Have every server connection replaced when its transaction is over. Changes nothing where there is none.

    Returns {changed, pool, state, databases, commands}. Raises Refusal and ConsoleError.
    """
    with contextlib.closing(connect(instance.socket_directory, 2.0)) as console:
        before = look(console)
        chosen = states.select(before, databases)
        commands = states.to_reconnect(chosen)
        for command in () if check_mode else commands:
            console.query(command)
    return {
        "changed": bool(commands),
        "pool": instance.pool,
        "state": before.state,
        "databases": [one.name for one in chosen],
        "commands": list(commands),
    }


def _pause_all(
    instance: Instance, commands: Sequence[str], timeout_s: float, connect: Connect, clock: Callable[[], float]
) -> None:
    """Each PAUSE on a session of its own, for its answer comes when the transactions are over."""
    end = clock() + timeout_s
    with contextlib.ExitStack() as stack:
        sessions = []
        for _command in commands:
            sessions.append(stack.enter_context(contextlib.closing(connect(instance.socket_directory, 2.0))))
        for session, command in zip(sessions, commands):
            session.send(command)
        for session, command in zip(sessions, commands):
            session.answer(command, max(0.001, end - clock()))


def _resume_all(console: Session, before: Pooler, commands: Sequence[str]) -> tuple[str, ...]:
    """Give the commands; returns those that did something."""

    def given() -> Iterator[str]:
        for command in commands:
            try:
                console.query(command)
            except wire.Refused:
                if not states.may_be_refused(before, command):
                    raise
            else:
                yield command

    return tuple(given())


def _undo(runner: Runner, instance: Instance, console: Session, databases: Sequence[str] | None) -> None:
    now = look(console)
    _resume_all(console, now, states.to_resume(now, states.select(now, databases), everything=False))
    if not look(console).paused:
        disarm(runner, instance)


def _judge_times(timeout_s: float, lease_s: float, config: Sequence[dict[str, str]]) -> None:
    """Refuse a lease that cannot do what it is for."""
    wait_s = next((float(row["value"]) for row in config if row["key"] == "query_wait_timeout"), 0.0)
    if lease_s < LEASE_MINIMUM_S or timeout_s <= 0 or timeout_s >= lease_s:
        raise Refusal(
            f"timeout is {timeout_s:g} s and lease {lease_s:g} s; allowed: a lease of {LEASE_MINIMUM_S:g} s or more "
            "that is longer than the timeout, or it would end in the middle of the pause"
        )
    if wait_s and lease_s >= wait_s:
        raise Refusal(
            f"lease is {lease_s:g} s, but after {wait_s:g} s (pgbouncer_query_wait_timeout) waiting clients get an "
            "error; allowed: less than that"
        )


def _too_long(pool: str, timeout_s: float, held: Sequence[Holder]) -> str:
    named = "; ".join(one.text for one in held[:5])
    more = f" and {len(held) - 5} more" if len(held) > 5 else ""
    return (
        f"transactions in the pool {pool} did not end within {timeout_s:g} s: {named or 'clients not known'}{more}. "
        "The pool runs again, nobody was cut off. Next: end these transactions or allow a longer timeout"
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
