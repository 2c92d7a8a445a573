# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take one host out of service, or bring it back, over open sessions.

==================================================  ==========================================================
a database host                                     a load balancer
==================================================  ==========================================================
out: the note; no sessions at the load balancers;   out: the note; Keepalived stops, and another load balancer
Postgres stops and is masked; another standby has   has the virtual IP; the pools and HAProxy stop and are
everything (written into the note)                  masked
in: unmasked, streams, caught up; sessions again;   in: HAProxy until it knows the primary, the pools, then
the note goes                                       Keepalived; the note goes
==================================================  ==========================================================

Then a write through the virtual IP proves that clients are served. A host that could not be taken out is put back as it
was. One that could not be brought back stays out, and a rerun goes on from what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import back_with
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import (
    Calls,
    Conductor,
    Done,
    StepFailed,
)


@dataclass(frozen=True)
class Estate:
    """What a plan does not say: ``addresses`` of all hosts, where clients write (``vip``, ``port``), who asks."""

    addresses: Mapping[str, str]
    vip: str
    port: int
    by: str = ""
    reason: str = ""
    now: str = ""


@dataclass(frozen=True)
class Timeouts:
    """Seconds."""

    drain: float = 30.0
    stop: float = 60.0
    vip: float = 5.0
    covered: float = 10.0
    start: float = 60.0
    catch_up: float = 120.0
    verify: float = 15.0


class Maintenance(Conductor):
    """One run over one host."""

    def __init__(
        self,
        calls: Calls,
        plan: Mapping[str, Any],
        estate: Estate,
        timeouts: Timeouts | None = None,
        **more: Any,
    ) -> None:
        super().__init__(calls, **more)
        self.plan, self.estate, self.limits = plan, estate, timeouts or Timeouts()
        self.host: str = plan["host"]
        self.balancers: list[str] = list(plan["load_balancers"])
        self.outcome: Done = Done()

    def run(self) -> Done:
        """Do what the plan says. Never raises for what a host does."""
        try:
            if self.plan["action"] == "out":
                self.leave_service()
            else:
                self.come_back()
        except StepFailed as failure:
            self.outcome.problems.append(str(failure))
            if self.plan["action"] == "out" and not self.plan["begun"]:
                self._take_back()
        else:
            self.verify()
        self.outcome.changed = any(step["result"] == "changed" for step in self.outcome.steps)
        return self.outcome

    def leave_service(self) -> None:
        """Out. Raises StepFailed."""
        if self.plan["kind"] == "database":
            self._database_out()
        else:
            self._balancer_out()

    def come_back(self) -> None:
        """In. Raises StepFailed."""
        if self.plan["kind"] == "database":
            self._database_in()
        else:
            self._balancer_in()

    def _one(self, name: str, call: str, within: float, args: Mapping[str, Any], host: str = "") -> dict[str, Any]:
        """One call of one host (this one, unless named)."""
        where = host or self.host
        return self._step(name, {where: {call: args}}, within).get(where, {})

    def _if_it_fails(self, name: str, questions: dict[str, dict[str, dict[str, Any]]], timeout: float) -> None:
        self._undo.append((name, lambda: self._back(questions, timeout)))

    def _note(self, name: str, **update: Any) -> None:
        note: dict[str, Any] = {
            "host": self.host,
            "since": self.estate.now,
            "by": self.estate.by,
            "reason": self.estate.reason,
        }
        note.update(back_with=back_with(self.host), stopped=False, covered=False)
        self._one(name, "maintenance_note", 5, {"note": note, "update": update})

    def _write_down(self) -> None:
        self._if_it_fails("Take the note away again", {self.host: {"maintenance_unnote": {}}}, 5)
        self._note("Write down that it is out for maintenance", stopped=bool(self.plan["stop"]))

    def _target(self) -> dict[str, Any]:
        primary = self.plan["primary"]
        target = {"host": self.host, "primary_host": primary, "primary_address": self.estate.addresses[primary]}
        return {**target, "timeout": self.limits.start}

    def leave(self, *, persist: bool = True) -> None:
        """No sessions for this host any more."""
        out = {"server": self.host, "timeout": self.limits.drain, "persist": persist}
        back = {host: {"drain_enter": {"server": self.host, "persist": persist}} for host in self.balancers}
        self._if_it_fails("Put it back into service", back, 25)
        limit = self.limits.drain + 15
        self._step("Let its sessions end", {host: {"drain_leave": out} for host in self.balancers}, limit)

    def enter(self, *, persist: bool = True) -> None:
        """It has replayed what the primary has written by now; then sessions for it again."""
        primary, limit = str(self.plan["primary"]), self.limits.catch_up
        lsn = self._one("See how far the primary is", "maintenance_position", 5, {}, primary)["lsn"]
        self._one("Wait until it has caught up", "maintenance_caught_up", limit + 5, {"lsn": lsn, "timeout": limit})
        back = {host: {"drain_enter": {"server": self.host, "persist": persist}} for host in self.balancers}
        self._step("Put it back into service", back, 25)

    def follow(self, name: str, **more: Any) -> None:
        """It starts unless it runs, and streams from the primary."""
        self._one(name, "follow", self.limits.start + 20, {**self._target(), **more})

    def _database_out(self) -> None:
        self._write_down()
        self.leave()
        if not self.plan["stop"]:
            return
        start = {self.host: {"follow": self._target()}}
        self._if_it_fails("Start it again", start, self.limits.start + 20)
        self._if_it_fails("Let it start again", {self.host: {"maintenance_allow": {}}}, 15)
        limit = self.limits.stop
        self._one("Stop Postgres, and keep it from starting", "maintenance_stop", limit + 25, {"timeout": limit})
        self._cover()

    def _cover(self) -> None:
        """It is stopped: from here on a failure is told, not undone."""
        self._undo.clear()
        primary, limit = str(self.plan["primary"]), self.limits.covered
        asked = {primary: {"maintenance_covered": {"host": self.host, "timeout": limit}}}
        seen = self._forward("See that another standby has everything", asked, limit + 5).get(primary, {})
        if seen.get("covered"):
            self._note("Write down that another standby has everything", covered=True)

    def _database_in(self) -> None:
        self._one("Let Postgres start again", "maintenance_allow", 15, {})
        self.follow("Start it, and see it stream")
        self.enter()
        self._one("Take the note away", "maintenance_unnote", 5, {})

    def _balancer_out(self) -> None:
        self._write_down()
        self._if_it_fails("Start its services again", {self.host: {"services_start": self._services()}}, 90)
        vip = {"vip": self.estate.vip, "timeout": self.limits.vip}
        takers = {host: {"services_has_vip": vip} for host in self.plan["vip_to"]}
        name = "Give the virtual IP away" if takers else "Stop Keepalived"
        seen = self._step(
            name,
            {self.host: {"services_stop": {"everything": False}}, **takers},
            self.limits.vip + 35,
            {"services_has_vip": "Take the virtual IP over"},
        )
        if takers and not any(seen[host]["holds"] for host in takers):
            names = ", ".join(takers)
            raise StepFailed(f"{names}: nobody took the virtual IP over within {self.limits.vip:g} s")
        if self.plan["stop"]:
            self._one(
                "Stop its pools and HAProxy, and keep them from starting", "services_stop", 95, {"everything": True}
            )

    def _services(self) -> dict[str, Any]:
        where = {"host": self.host, "vip": self.estate.vip, "address": self.estate.addresses[self.host]}
        return {**where, "primary": self.plan["primary"]}

    def _balancer_in(self) -> None:
        self._one("Start HAProxy, the pools and Keepalived", "services_start", 150, self._services())
        self._one("Take the note away", "maintenance_unnote", 5, {})

    def verify(self) -> None:
        """As a client does."""
        where, limit = self.plan["verify_from"], self.limits.verify
        if not where:
            return
        asked = {"address": self.estate.vip, "port": self.estate.port, "by": self.estate.by, "timeout": limit}
        values = self._forward("Write and read through the virtual IP", {where: {"client_check": asked}}, limit + 5)
        self._verified(values.get(where, {}), f"{self.estate.vip}:{self.estate.port}")
