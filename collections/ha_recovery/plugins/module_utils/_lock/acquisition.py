# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a cluster's lock on every host that can be asked, and keep it: sessions stay open for as long as it is held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import (
    LOCK_FILE,
    Holder,
    holder_from,
    nobody_reached,
    order,
    refusal,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate, Limits
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Session

CALL_S = 3.0
# How long hosts that have not let us in yet are waited for once another one has, as a part of what that one took, at
# least so many seconds: dead and frozen ones take seconds, and a busy machine takes long for everybody.
GRACE_PART = 1.0
GRACE_S = 0.25
# A run on this control node that has died: its keeper needs a moment to see it.
DYING_S = 3.0
AGAIN_S = 0.05
POLL_S = 0.005
# A host that did not let us in is not tried again for so many seconds on behalf of a task: its silence is the answer.
SILENT_FOR_S = 10.0


class Acquisition:
    """The lock of one run. Its outcome is `state`: held, joined (this very run has it already) or refused."""

    def __init__(
        self,
        connections: Iterable[Connection],
        limits: Limits,
        holder: Holder,
        dead: Callable[[Holder], bool],
        paths: Mapping[str, str] | None = None,
    ) -> None:
        """``dead``: whether a run on this control node has ended. ``paths``: lock files, by host."""
        self.connections = {one.host: one for one in connections}
        self.limits = limits
        self.holder = holder
        self.state = ""
        self.why = ""
        self.refused_by = ""
        self.other: Holder | None = None
        self.unreachable: dict[str, str] = {}
        self.held: dict[str, Estate] = {}
        self._opened: Estate | None = None
        self._asked_at = 0.0
        self._dead = dead
        self._paths = paths or {}
        self._lock = threading.Lock()

    def as_dict(self) -> dict[str, Any]:
        """What the module answers."""
        return {
            "state": self.state,
            "msg": self.why,
            "hosts": sorted(self.held),
            "unheld": dict(self.unreachable),
            "refused_by": self.refused_by,
            "holder": self.other.as_dict() if self.other else None,
        }

    def acquire(self) -> None:
        """Ask every host, in one order for all runs; raises nothing. Late hosts are left to :meth:`retake`."""
        estate = self._opened = Estate(self.connections.values(), self.limits)
        self._asked_at = time.monotonic()
        opening = threading.Thread(target=estate.__enter__, daemon=True)
        opening.start()
        began, last = time.monotonic(), float("inf")
        for host in order(self.connections):
            while host not in estate.reach and time.monotonic() < last:
                if last == float("inf") and any(one.ok for one in estate.sessions.values()):
                    last = time.monotonic() + max(GRACE_S, GRACE_PART * (time.monotonic() - began))
                time.sleep(POLL_S)
            if not estate.sessions[host].ok:
                self.unreachable[host] = estate.reach[host]["why"] if host in estate.reach else "has not let us in yet"
            elif not self._ask(estate, host):
                break
        if not self.state:
            self.state = "held" if self.held else "refused"
            self.why = "" if self.held else nobody_reached(self.unreachable)
        if self.state != "held":
            self.held.clear()
            self._close(estate, opening)

    @staticmethod
    def _close(estate: Estate, opening: threading.Thread) -> None:
        """Let go at once where it is held, and everywhere else as soon as the login has come to its end."""
        for session in estate.sessions.values():
            if session.ok:
                session.end()

        def rest() -> None:
            opening.join()
            estate.__exit__(None, None, None)

        threading.Thread(target=rest, daemon=True).start()

    def _ask(self, estate: Estate, host: str) -> bool:
        """Ask one host; False when that decided it."""
        deadline = time.monotonic() + DYING_S
        while True:
            args = {"holder": self.holder.as_dict(), "path": self._paths.get(host, LOCK_FILE)}
            answer = estate.call(host, "lock_take", args, CALL_S)
            if not answer.ok:
                # What it took it lets go, with its session.
                estate.sessions[host].end(answer.error)
                self.unreachable[host] = answer.error
                return True
            if answer.value["held"]:
                self.held[host] = estate
                return True
            other = holder_from(answer.value["holder"])
            if other is not None and other.is_run(self.holder):
                self.state = "joined"
                return False
            if time.monotonic() > deadline or not (other is None or self._dead(other)):
                self.state, self.refused_by, self.other = "refused", host, other
                self.why = refusal(host, other)
                return False
            time.sleep(AGAIN_S)

    def retake(self) -> None:
        """Take it on hosts that were away or whose session ended: after a reboot of a host, say."""
        with self._lock:
            gone = [host for host, estate in self.held.items() if not estate.sessions[host].ok]
            for host in gone:
                del self.held[host]
            missing = [one for host, one in self.connections.items() if host not in self.held]
            if self.state != "held" or not missing:
                return
            estate = Estate(missing, self.limits).__enter__()
            for host in order(one.host for one in missing):
                self.unreachable[host] = estate.reach[host]["why"]
                if not estate.sessions[host].ok:
                    continue
                args = {"holder": self.holder.as_dict(), "path": self._paths.get(host, LOCK_FILE)}
                answer = estate.call(host, "lock_take", args, CALL_S)
                if answer.ok and answer.value["held"]:
                    self.held[host] = estate
                    del self.unreachable[host]
                else:
                    estate.sessions[host].end()

    def release(self) -> None:
        """Close every session; each agent lets go when its input ends."""
        with self._lock:
            self.state = "released"
            opened = [self._opened] if self._opened else []
            estates, self.held = {id(one): one for one in [*self.held.values(), *opened]}, {}
        for estate in estates.values():
            estate.__exit__(None, None, None)

    def warm(self, calls: Iterable[str]) -> None:
        """Have every host load the code of these calls. Nobody waits for it, and nobody minds when it does not work."""
        for host, estate in list(self.held.items()):
            estate.sessions[host].submit("warm", {"calls": list(calls)})

    def session(self, host: str) -> Session | None:
        """The host's open session; one that has ended when there is no other, for it says why."""
        estates = [one for one in (self.held.get(host), self._opened) if one is not None and host in one.sessions]
        found = [one.sessions[host] for one in estates]
        return next((one for one in found if one.ok), found[0] if found else None)

    def lendable(self, hosts: Iterable[str]) -> list[str]:
        """Which of these hosts a task need not log in to: open, being opened, or silent a moment ago."""
        return [host for host in hosts if self._lendable(host)]

    def _lendable(self, host: str) -> bool:
        session = self.session(host)
        if session is None or self._opened is None:
            return False
        tried = self._opened.reach.get(host)
        if session.ok or tried is None:
            return True
        return not tried["ok"] and time.monotonic() - self._asked_at < SILENT_FOR_S

    def wait_for(self, host: str) -> dict[str, Any]:
        """Wait until it is known whether the host lets us in. It always is, within the limits of logging in."""
        while self._opened is not None and host not in self._opened.reach:
            time.sleep(POLL_S)
        session = self.session(host)
        seen = dict(self._opened.reach[host]) if self._opened is not None else {"tcp": False, "seconds": 0.0}
        why = "it has no session" if session is None else session.why
        return {**seen, "ok": not why, "why": why}
