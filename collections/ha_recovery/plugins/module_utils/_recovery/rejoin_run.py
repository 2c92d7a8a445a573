# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a database host back as a standby, over open sessions, as planned.

Fence unless it is; save the WAL that only it has; rewind, restore or copy; lift the fence, start and see it stream;
synchronous replication; traffic last. Nothing is undone: interrupted at any step, a rerun looks again and goes on from
what is there, and until its data is a standby's nothing can start it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.diverged import with_tables
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import (
    Calls,
    Conductor,
    Done,
    StepFailed,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import REJOIN


@dataclass
class Outcome(Done):
    """``streaming_s``: seconds from the beginning until it streamed; ``saved``: the WAL that only it had.

    ``fell_back``: why it was copied from the primary although its backup was to be restored.
    """

    streaming_s: float | None = None
    saved: dict[str, Any] | None = None
    aside: str = ""
    fell_back: str = ""


class Rejoin(Conductor):
    """One run over one host. ``copy_within``: seconds that a copy of the primary may take."""

    outcome: Outcome

    def __init__(
        self,
        calls: Calls,
        plan: Mapping[str, Any],
        addresses: Mapping[str, str],
        *,
        vip: str,
        port: int,
        by: str,
        copy_within: float = 86400.0,
        stanza: str = "",
        **more: Any,
    ) -> None:
        super().__init__(calls, **more)
        self.stanza = stanza
        self.plan, self.vip, self.port, self.by, self.copy_within = plan, vip, port, by, copy_within
        self.host, self.primary = str(plan["host"]), str(plan["primary"])
        self.target = {
            "host": self.host,
            "primary_host": self.primary,
            "primary_address": addresses[self.primary],
        }
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Do it. Never raises for what a host does."""
        try:
            if self.plan["action"] == "finish":
                self._here("Lift its fence", "rejoin_lift", {"host": self.host}, 15)
            else:
                self._data()
            self._serve()
        except StepFailed as failure:
            # What a host says of its own fence names the next step already.
            text = str(failure).rstrip(".")
            self.outcome.problems.append(text if "Next:" in text else f"{text}. Next: {REJOIN.format(host=self.host)}")
        self.outcome.changed = any(step["result"] == "changed" for step in self.outcome.steps)
        return self.outcome

    def _here(self, name: str, call: str, args: Mapping[str, Any], within: float) -> dict[str, Any]:
        return self._step(name, {self.host: {call: args}}, within)[self.host]

    def _data(self) -> None:
        action = self.plan["action"]
        if action in {"rewind", "basebackup", "restore"} or self.plan["fence_first"]:
            reason = f"it comes back as a standby of {self.primary}"
            hold = {"host": self.host, "by": self.by, "reason": reason, "new_primary": self.primary}
            self._here("Keep Postgres from starting", "rejoin_hold", hold, 30)
        if self.plan["save_from"]:
            self.outcome.saved = self._here("Save the WAL that only it has", "rejoin_save", self.plan["save_from"], 300)
            self._name_tables(self.outcome.saved)
        self._step("See that a slot keeps WAL for it", {self.primary: {"rejoin_slot": {"host": self.host}}}, 135)
        if action == "rewind":
            self._here(f"Rewind it to {self.primary}", "rejoin_rewind", {**self.target, "timeout": 600}, 630)
        if action == "basebackup" or (action == "restore" and not self._restore()):
            self._copy()
        self._start()
        self.outcome.streaming_s = round(self.clock() - self.began, 3)

    def _name_tables(self, saved: dict[str, Any]) -> None:
        """Names for the files that the lost transactions touched. A help for people: without it all goes on."""
        transactions = saved.get("transactions") or []
        touched = sorted({relation for one in transactions for relation in one["relations"]})
        if touched:
            answer = self.calls.call_all({self.primary: {"rejoin_names": {"relations": touched}}}, 15)
            tables = answer[self.primary]["rejoin_names"].value or {}
            saved["transactions"] = with_tables(transactions, tables.get("tables") or {})

    def _start(self) -> None:
        """See it stream. A restored backup may replay WAL for hours: that is waited for as long as it goes on."""
        name = "Start it as a standby, and see it stream"
        start = {**self.target, "timeout": 60, "peers": self.plan["peers"]}
        if not self.plan.get("patient"):
            self._here(name, "rejoin_start", start, 90)
            return
        # The archive is asked once nothing has streamed for a while, and a repository that hangs is left alone for one.
        start = {**start, "timeout": 120, "wait": 15}
        began, seen = self.clock(), self._here(name, "rejoin_start", start, 60)
        while not seen["finished"]:
            self.say(f"{self.host}: replays WAL, it is at {seen['position'] or 'the beginning'}")
            more = {key: seen[key] for key in ("position", "still_s")}
            seen = self._go_on(began, name, "rejoin_start", {**start, **more})

    def _restore(self) -> bool:
        """Look at the restore's progress until it ends. When it does not work, False: the primary is copied instead."""
        backup = self.plan["backup"]
        name, end = f"Restore backup {backup['label']}", self.clock() + self.copy_within
        old = "reuse" if self.plan["discard"] else "aside"
        asked = {"stanza": self.stanza, "label": backup["label"], "repository": backup["repository"], "wait": 15}
        began = self.clock()
        seen = self._here(name, "reseed_restore", {**asked, "begin": True, "old": old}, 60)
        self.outcome.aside = seen.get("aside") or ""
        while not seen["finished"]:
            told = f"{seen['percent']:g} % of backup {backup['label']} restored"
            if self.clock() > end:
                raise StepFailed(f"{self.host}: the restore is not complete ({told}); it goes on by itself")
            self.say(f"{self.host}: {told}")
            seen = self._go_on(began, name, "reseed_restore", asked)
        why = str(seen.get("failed") or "")
        if why:
            self.outcome.steps[-1].update(result="failed", detail=why)
            if backup.get("forced"):
                raise StepFailed(f"{self.host}: {name}: {why}")
            self.outcome.fell_back = f"{self.host}: {name}: {why}"
            self.say(f"{self.outcome.fell_back}: the primary is copied instead")
        return not why

    def _go_on(self, began: float, name: str, call: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Ask again how far a long step is: in the end it is one step, from when it began."""
        del self.outcome.steps[-1]
        try:
            return self._here(name, call, args, 60)
        finally:
            step = self.outcome.steps[-1]
            step.update(started_s=round(began - self.began, 3), seconds=round(self.clock() - began, 3))
            step["result"] = "changed" if step["result"] == "ok" else step["result"]

    def _copy(self) -> None:
        """Look at the copy's progress until it ends: it goes on by itself when the control node dies."""
        name, end = f"Copy {self.primary}", self.clock() + self.copy_within
        if self.plan["discard"]:
            self._here("Remove its old data", "rejoin_discard", {"host": self.host}, 630)
        seen = self._here(name, "rejoin_seed", {**self.target, "begin": True, "wait": 15}, 60)
        self.outcome.aside = seen.get("aside") or ""
        while not seen["finished"]:
            if self.clock() > end:
                raise StepFailed(f"{self.host}: the copy is not complete ({seen['progress']}); it goes on by itself")
            self.say(f"{self.host}: {seen['progress']}")
            del self.outcome.steps[-1]
            seen = self._here(name, "rejoin_seed", {**self.target, "wait": 15}, 60)

    def _serve(self) -> None:
        if self.plan["restore_sync"]:
            sync = {self.primary: {"rejoin_synchronous": {"host": self.host}}}
            self._step("Switch synchronous replication on again", sync, 10)
        back = {host: {"drain_enter": {"server": self.host}} for host in self.plan["load_balancers"]}
        self._step("Put it back into service", back, 25)
        address = self.vip.partition("/")[0]
        where = str(self.plan["verify_from"])
        verify = {where: {"client_check": {"address": address, "port": self.port, "by": self.by}}}
        written = self._forward("Write and read through the virtual IP", verify, 20)
        self._verified(written.get(where, {}), f"{address}:{self.port}")
