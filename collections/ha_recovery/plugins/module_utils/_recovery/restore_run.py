# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a whole cluster back to an earlier point, over open sessions, as planned.

Note down, cut clients off, archive what the primary has, hold every Postgres, move the old data aside, restore,
recover, prove, promote, rebuild the others, back up, let clients in. Nothing is undone by itself: interrupted at any
step, a rerun goes on from the notes, and until then clients stay out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import (
    Calls,
    Conductor,
    Done,
    Questions,
    StepFailed,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_seen import RESTORE, UNDO


@dataclass
class Outcome(Done):
    """``proof``: what recovery itself said; ``timeline``: the new one; ``backup``: label of the new full backup."""

    proof: dict[str, Any] = field(default_factory=dict)
    timeline: int | None = None
    backup: str = ""
    aside: str = ""


class Restore(Conductor):
    """One run. ``within``: seconds that each of restore, recovery and backup may take."""

    outcome: Outcome
    #: Nobody follows yet when it is promoted: commits do not wait for a standby until one does.
    alone = False

    def __init__(
        self,
        calls: Calls,
        plan: Mapping[str, Any],
        addresses: Mapping[str, str],
        *,
        vip: str,
        port: int,
        by: str,
        within: float = 86400.0,
        **more: Any,
    ) -> None:
        super().__init__(calls, **more)
        self.plan, self.addresses, self.vip, self.port, self.by = plan, addresses, vip, port, by
        self.within = within
        self.note: dict[str, Any] = dict(plan["note"])
        self.host, self.rest = str(plan["host"]), [str(one) for one in plan["rest"]]
        self.everybody = [self.host, *self.rest]
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Do it. Never raises for what a host does."""
        try:
            self._cut_off()
            self._restore()
            self._rebuild()
            self._back_up()
            self._let_in()
        except StepFailed as failure:
            text = str(failure).rstrip(".")
            kept = self.note.get("aside") or self.note.get("back")
            state = "Clients are kept out and nothing else was touched"
            if kept and not self.note.get("undo"):
                state = f"Clients are kept out; the data before is kept ({kept} on {self.host}) and {UNDO} goes back"
            self.outcome.problems.append(f"{text}. {state}. Next: put that right, then {RESTORE} goes on")
        self.outcome.changed = any(step["result"] == "changed" for step in self.outcome.steps)
        return self.outcome

    @property
    def _phase(self) -> str:
        return str(self.note.get("phase"))

    def _all(self, call: str, args: Mapping[str, Any]) -> Questions:
        return {host: {call: {"host": host, **args}} for host in self.everybody}

    def _here(self, name: str, call: str, args: Mapping[str, Any], within: float) -> dict[str, Any]:
        return self._step(name, {self.host: {call: {"host": self.host, **args}}}, within)[self.host]

    def _cut_off(self) -> None:
        noted = self._step("Write down what is to be done", self._all("restore_note", {"note": self.note}), 15)
        self.note = dict(noted[self.host]["note"])
        servers = [*self.everybody, *self.plan["out"]]
        order = {"servers": servers, "state": "maint", "when_stopped": "persist"}
        away = {host: {"haproxy_server": order} for host in self.plan["load_balancers"]}
        self._step("Keep clients away", away, 30)
        if self._phase == "begun" and not self.note.get("undo") and self.plan["live"]:
            live = str(self.plan["live"])
            point = {"point": f"before restore {self.note['id']}", "host": live}
            done = self._step("Archive all that the primary has", {live: {"restore_archive": point}}, 150)
            self.note["archived_lsn"] = done[live]["lsn"]
        if self._phase == "begun":
            what = "goes back to before a restore" if self.note.get("undo") else "restores the cluster"
            hold = {"by": self.by, "reason": f"restore.yml {what}", "new_primary": self.host, "lift_with": RESTORE}
            self._step("Stop every Postgres and keep it from starting", self._all("rejoin_hold", hold), 60)

    def _restore(self) -> None:
        note = self.note
        if self._phase in ("begun", "aside"):
            if note.get("aside"):
                args = {"aside": note["aside"], "back": note.get("back") or ""}
                self.outcome.aside = self._here("Move its data aside", "restore_aside", args, 60)["aside"]
            if not note.get("undo"):
                self._files([self.host], f"Restore backup {note['label']}")
        end_lsn = note.get("archived_lsn") or note.get("end_lsn") or "0/0"
        recovery = {
            "host": self.host,
            "stanza": note["stanza"],
            "target": note["target"],
            "timeline": note["timeline"],
            "end_lsn": end_lsn,
        }
        name = "Recover, and see that it came to its target"
        seen = self._poll(name, {self.host: {"restore_recover": recovery}}, lambda one: one["state"] != "going on",
                          lambda one: str(one["words"]))[self.host]  # fmt: skip
        self.outcome.proof = {key: seen.get(key, "") for key in ("state", "words", "stopped", "lsn", "commit_at")}
        if seen["state"] != "reached":
            raise StepFailed(f"{self.host}: the target was not reached: {seen['words']}; it was not promoted")
        order = {"peers": self.rest, "by": self.by, "alone": self.alone}
        promoted = self._here("Promote it", "restore_promote", order, 400)
        self.outcome.timeline = int(promoted["timeline"])

    def _files(self, hosts: list[str], name: str) -> None:
        note = self.note
        args = {key: note[key] for key in ("id", "stanza", "repository", "label")}
        args["id"] = f"{note['id']}-undo" if note.get("undo") else note["id"]
        questions: Questions = {host: {"restore_files": {"host": host, **args}} for host in hosts}
        self._poll(name, questions, lambda one: bool(one["finished"]), lambda one: f"{one['percent']:g} % restored")

    def _poll(self, name: str, questions: Questions, over: Any, told: Any) -> dict[str, dict[str, Any]]:
        """Ask until it is over everywhere: what is under way goes on by itself when the control node dies."""
        end, first, values = self.clock() + self.within, True, {}
        due = dict(questions)
        while due:
            if self.clock() > end:
                raise StepFailed(
                    f"{', '.join(due)}: {name}: not complete after {self.within:g} s; it goes on by itself"
                )
            kept = len(self.outcome.steps)
            asked: Questions = {
                host: {call: {**args, "begin": first, "wait": 20} for call, args in calls.items()}
                for host, calls in due.items()
            }
            answers = self._step(name, asked, 90)
            for host, value in answers.items():
                values[host] = value
                if over(value):
                    del due[host]
                else:
                    self.say(f"{host}: {told(value)}")
            going_on = set(due)
            self.outcome.steps[kept:] = [one for one in self.outcome.steps[kept:] if one["host"] not in going_on]
            first = False
        return values

    def _rebuild(self) -> None:
        if not self.rest:
            return
        self._files_of_others()
        target = {
            "primary_host": self.host,
            "primary_address": self.addresses[self.host],
            "stanza": self.note["stanza"],
        }
        questions: Questions = {
            host: {"restore_follow": {"host": host, **target, "peers": [one for one in self.everybody if one != host]}}
            for host in self.rest
        }
        self._step("Start the others, and see them stream", questions, 900)
        self._step(
            "Switch synchronous replication on again", {self.host: {"rejoin_synchronous": {"host": self.host}}}, 10
        )

    def _files_of_others(self) -> None:
        """One that streams from this primary already, of an interrupted run, is left alone by its own stamp."""
        old = str(self.note.get("old_primary") or "")
        if old and old in self.rest and self.note.get("aside"):
            kept = {old: {"restore_aside": {"host": old, "aside": f"{self.note['aside']}"}}}
            self._step("Move the old primary's data aside", kept, 60)
        self._files(self.rest, f"Rebuild from backup {self.note['label']}")

    def _back_up(self) -> None:
        where, note = str(self.plan["repository_host"]), self.note
        what = "after undoing restore" if note.get("undo") else "after restore"
        args = {"stanza": note["stanza"], "label": f"{what} {note['id']}"}
        seen = self._poll("Take a full backup", {where: {"restore_backup": args}}, lambda one: bool(one["finished"]),
                          lambda one: str(one["message"]))  # fmt: skip
        self.outcome.backup = str(seen[where]["label"])

    def _let_in(self) -> None:
        for server in self.everybody:
            back: Questions = {host: {"drain_enter": {"server": server}} for host in self.plan["load_balancers"]}
            self._step(f"Let clients use {server}", back, 30)
        address = self.vip.partition("/")[0]
        verify: Questions = {self.host: {"client_check": {"address": address, "port": self.port, "by": self.by}}}
        written = self._step("Write and read through the virtual IP", verify, 20)
        self._verified(written[self.host], f"{address}:{self.port}")
        phase = "undone" if self.note.get("undo") else "done"
        more = {"new_timeline": self.outcome.timeline, "backup": self.outcome.backup, "proof": self.outcome.proof}
        self._step("Write down that it is done", self._all("restore_finish", {"phase": phase, **more}), 15)
