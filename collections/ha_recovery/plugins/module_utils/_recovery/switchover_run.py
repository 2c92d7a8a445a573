# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry a switchover out over open sessions, in the order that keeps the stretch without writes short.

==============================================  ==============================================================
before clients wait                             while they wait
==============================================  ==============================================================
prepare both hosts, checkpoint                  the read-write pools hold queries
siblings follow the candidate (as a cascade)    the old primary stops; all its WAL is on the candidate then
the read-only pools hold queries                it is made a standby on disk; the candidate has replayed all
                                                promote (the point of no return)
                                                the load balancers turn, the pools go on
==============================================  ==============================================================

What fails before the point of no return is undone, newest first. After it there is only forward. No I/O here but calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import (
    AnswerLike,
    Calls,
    Conductor,
    Done,
    StepFailed,
)

__all__ = ["AnswerLike", "Calls", "Outcome", "StepFailed", "Switchover", "Timeouts"]

READ_WRITE, READ_ONLY = "read_write", "read_only"


@dataclass(frozen=True)
class Timeouts:
    """Seconds. ``lease`` must be longer than everything between the pause and the resumption."""

    checkpoint: float = 120.0
    siblings: float = 8.0
    pause: float = 5.0
    stop: float = 10.0
    catch_up: float = 5.0
    promote: float = 15.0
    lease: float = 25.0
    follow: float = 60.0
    verify: float = 15.0


@dataclass
class Outcome(Done):
    """``restored``: the old primary serves again; ``promoted``: beyond return."""

    promoted: bool = False
    timeline_after: int | None = None
    shutdown_lsn: str | None = None
    held_s: float | None = None


class Switchover(Conductor):
    """One run. ``addresses``: of every database host; ``vip`` and ``port``: where clients write."""

    def __init__(
        self,
        calls: Calls,
        plan: Mapping[str, Any],
        addresses: Mapping[str, str],
        *,
        vip: str,
        port: int,
        by: str,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
        began: float | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        super().__init__(calls, clock=clock, began=began, say=say)
        self.plan, self.addresses, self.vip, self.port, self.by = plan, addresses, vip, port, by
        self.limits = timeouts or Timeouts()
        self.old, self.new = str(plan["old"]), str(plan["new"])
        self.siblings: list[str] = list(plan["siblings"])
        self.balancers: list[str] = list(plan["load_balancers"])
        self.pools: dict[str, list[str]] = {host: list(names) for host, names in (plan.get("pools") or {}).items()}
        self.outcome: Outcome = Outcome()

    def run(self) -> Outcome:
        """Do what the plan says. Never raises for what a host does."""
        action = self.plan["action"]
        try:
            if action == "switchover":
                self._before()
                self._stop()
            if action in {"switchover", "resume"}:
                self._hand_over(str(self.outcome.shutdown_lsn or self.plan["shutdown_lsn"]))
        except StepFailed as failure:
            self.outcome.problems.append(str(failure))
            if not self.outcome.promoted:
                self._take_back()
            return self.outcome
        self._after()
        return self.outcome

    def _follow(self, hosts: Sequence[str], upstream: str, **more: Any) -> dict[str, dict[str, dict[str, Any]]]:
        target = {"primary_host": upstream, "primary_address": self.addresses[upstream], **more}
        return {host: {"follow": {"host": host, **target}} for host in hosts}

    def _pools(self, call: str, pool: str, **args: Any) -> dict[str, dict[str, dict[str, Any]]]:
        return {host: {call: {"pool": pool, **args}} for host, names in self.pools.items() if pool in names}

    def _before(self) -> None:
        roles = {self.old: "primary", self.new: "standby"}
        self._step(
            "Prepare the hand-over",
            {
                host: {"hand_over_prepare": {"role": role, "address": self.addresses[host]}}
                for host, role in roles.items()
            },
            10,
        )
        self.outcome.changed = True
        limit = self.limits.checkpoint
        self._step("Write a checkpoint", {self.old: {"hand_over_checkpoint": {"timeout": limit}}}, limit + 2)
        limit = self.limits.siblings
        back = self._follow(self.siblings, self.old, wait=False)
        self._undo.append(("Let the standbys follow the old primary again", lambda: self._back(back, 10)))
        self._step(
            "Let the other standbys follow the candidate",
            self._follow(self.siblings, self.new, timeout=limit),
            limit + 4,
        )
        for pool in (READ_ONLY, READ_WRITE):
            resume = self._pools("pgbouncer_resume", pool)
            self._undo.append((f"Resume the pools {pool}", lambda resume=resume: self._back(resume, 5)))  # type: ignore[misc]
            pause = self._pools(
                "pgbouncer_pause", pool, timeout_s=self.limits.pause, lease_s=self.limits.lease, by=self.by
            )
            self._step(f"Hold the queries of the pools {pool}", pause, self.limits.pause + 3)
        self._held_since = self.clock()

    def _turn(self, call: str, **more: Any) -> dict[str, dict[str, dict[str, Any]]]:
        return {host: {call: {"old": self.old, **more}} for host in self.balancers}

    def _stop(self) -> None:
        back = self._turn("turn_back")
        self._undo.append(("Let the load balancers use the old primary again", lambda: self._back(back, 10)))
        self._undo.append(("Start the old primary again", lambda: self._back({self.old: {"hand_over_undo": {}}}, 120)))
        limit = self.limits.stop
        stopped = self._step(
            "Stop the old primary cleanly",
            {self.old: {"hand_over_stop": {"timeout": limit}}, **self._turn("turn_from_old")},
            limit + 2,
            {"turn_from_old": "Send nobody to the old primary any more"},
        )
        self.outcome.shutdown_lsn = stopped[self.old]["shutdown_lsn"]

    def _hand_over(self, shutdown_lsn: str) -> None:
        if self.plan["action"] == "resume":
            prepare = {"hand_over_prepare": {"role": "standby", "address": self.addresses[self.new]}}
            self._step("Prepare the hand-over", {self.new: prepare, **self._turn("turn_from_old")}, 10)
            self.outcome.changed = True
        demote = {"host": self.old, "primary_host": self.new, "primary_address": self.addresses[self.new]}
        ready: dict[str, dict[str, dict[str, Any]]] = {
            self.old: {"hand_over_demote": demote},
            self.new: {"hand_over_caught_up": {"shutdown_lsn": shutdown_lsn, "timeout": self.limits.catch_up}},
        }
        self._step(
            "See that the candidate has everything, and make the old primary a standby", ready, self.limits.catch_up + 2
        )
        limit = self.limits.promote
        self.outcome.promoted = True
        promoted = self._step("Promote the candidate", {self.new: {"hand_over_promote": {"timeout": limit}}}, limit + 2)
        self.outcome.timeline_after = promoted[self.new]["timeline"]
        self._forward(
            "Turn the load balancers, and let the queries go on",
            {
                host: {"turn_to_new": {"old": self.old, "new": self.new, "pools": self.pools.get(host, [])[::-1]}}
                for host in self.balancers
            },
            10,
        )
        if self.plan["action"] == "switchover":
            self.outcome.held_s = round(self.clock() - self._held_since, 3)

    def _after(self) -> None:
        if self.plan["action"] == "complete":
            paused = self.plan.get("paused") or {}
            for pool in (READ_WRITE, READ_ONLY):
                held = {host: {"pgbouncer_resume": {"pool": pool}} for host, names in paused.items() if pool in names}
                self._forward("Let the queries go on", held, 8)
            self.outcome.changed = bool(paused or self.siblings or self.plan["start_old"])
        questions = self._follow(self.siblings, self.new, timeout=self.limits.follow)
        if self.plan["start_old"]:
            limit = self.limits.follow
            questions.update(
                self._follow([self.old], self.new, timeout=limit, stopped_by_signal=True, release_slots=True)
            )
        verify_from = str(self.plan["verify_from"])
        verify = {"address": self.vip, "port": self.port, "by": self.by, "timeout": self.limits.verify}
        questions[verify_from] = {"client_check": verify, **questions.get(verify_from, {})}
        values = self._forward(
            "See the standbys stream from the new primary",
            questions,
            self.limits.follow + 25,
            {"client_check": "Write and read through the virtual IP"},
        )
        self._verified(values.get(verify_from) or {}, f"{self.vip}:{self.port}")
