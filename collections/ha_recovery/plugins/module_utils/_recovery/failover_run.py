# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry a failover out over open sessions: fence and follow at once, prove, promote, turn, verify. No I/O but calls.

Answers are kept as the modules give them, for the proof and the record read them: ``{host: {balancer, admitted, fence,
follow, promote, verify}}``. A host that fails or is silent is an answer too; the proof decides what that means.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.ladder import (
    missing_proofs,
    out_of_reach,
    refused,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover_run import AnswerLike, Calls

# Fences a host from outside; the answer says whether that is ``proven``, with ``detail`` and ``seconds``. Never raises.
Hook = Callable[[str], Mapping[str, Any]]
Questions = dict[str, dict[str, dict[str, Any]]]


def result_of(answer: AnswerLike) -> dict[str, Any]:
    """A session's answer in the shape of a module's; ``started_at``: when it was asked, by the control node's clock."""
    result = {"seconds": round(answer.seconds, 3), **(answer.value or {})}
    sent_at = getattr(answer, "sent_at", None)
    if sent_at is not None:
        result["started_at"] = sent_at
    if not answer.ok:
        result.update(failed=True, msg=answer.error)
    return result


class Failover:
    """One run. ``addresses``: of every database host; ``vip`` and ``port``: where clients write."""

    def __init__(
        self,
        calls: Calls,
        plan: Mapping[str, Any],
        addresses: Mapping[str, str],
        *,
        vip: str,
        port: int,
        who: str,
        by: str,
        say: Callable[[str], None] = lambda line: None,
        hook: Hook | None = None,
    ) -> None:
        self.calls, self.plan, self.addresses, self.say = calls, plan, addresses, say
        self.vip, self.port, self.who, self.by = vip, port, who, by
        self.candidate = str(plan["candidate"])
        self.answers: dict[str, dict[str, Any]] = {}
        self._hook = hook
        self._hooked: dict[str, threading.Thread] = {}

    def run(self) -> dict[str, dict[str, Any]]:
        """Do what the plan says, and return every answer. Never raises for what a host does."""
        # A host that does not let us in can only be fenced from outside: that begins at once, beside all the rest.
        self._fence_from_outside([host for host in self.plan["fence_servers"] if host not in self.plan["fence_hosts"]])
        self._ask("Fence the old primary, and turn the standbys to the new one", self._fences(), 30)
        self._fence_from_outside(out_of_reach(self.plan, self.answers))
        if self._promote():
            self._verify()
        self._await_hook("Wait for the word of the fencing from outside, for the record")
        return self.answers

    def _fence_from_outside(self, hosts: Iterable[str]) -> None:
        """The user's hook, for those hosts that have one, once each."""
        for host in hosts:
            if self._hook is None or host in self._hooked or self.plan.get("fencing_methods", {}).get(host) is None:
                continue
            self.say(f"Fence {host} from outside")
            self._hooked[host] = threading.Thread(target=self._run_hook, args=(self._hook, host), daemon=True)
            self._hooked[host].start()

    def _run_hook(self, hook: Hook, host: str) -> None:
        answer = hook(host)
        self.answers.setdefault(host, {})["hook"] = dict(answer)

    def _await_hook(self, name: str) -> None:
        if any(one.is_alive() for one in self._hooked.values()):
            self.say(name)
        for one in self._hooked.values():
            one.join()

    def _ask(self, name: str, questions: Questions, timeout: float, names: Mapping[str, str] | None = None) -> None:
        if not questions:
            return
        self.say(name)
        keys = {"haproxy_server": "balancer", "client_check": "verify", **(names or {})}
        for host, calls in self.calls.call_all(questions, timeout).items():
            for call, answer in calls.items():
                self.answers.setdefault(host, {})[keys.get(call, call)] = result_of(answer)

    def _fences(self) -> Questions:
        found: Questions = {}
        for host in self.plan["fence_load_balancers"]:
            if self.plan["fence_servers"]:
                order = {"servers": self.plan["fence_servers"], "state": "maint", "when_stopped": "persist"}
                found.setdefault(host, {})["haproxy_server"] = order
        for host in self.plan["fence_hosts"]:
            reason = f"failover to {self.candidate}"
            found.setdefault(host, {})["fence"] = {
                "host": host,
                "by": self.who,
                "reason": reason,
                "new_primary": self.candidate,
            }
        for host in self.plan["follow"]:
            found.setdefault(host, {})["follow"] = self._follow(host, wait=False)
        return found

    def _follow(self, host: str, **more: Any) -> dict[str, Any]:
        upstream = {"primary_host": self.candidate, "primary_address": self.addresses[self.candidate]}
        return {"host": host, **upstream, **more}

    def _promote(self) -> bool:
        """Nothing is promoted while a fence is not proven. True when the candidate is primary."""
        if not (self.plan["promote"] or self.plan["degrade_sync"]):
            return True
        missing = missing_proofs(self.plan, self.answers)
        if missing and self._hooked:
            self._await_hook("Wait for the proof of the fencing from outside")
            missing = missing_proofs(self.plan, self.answers)
        if missing:
            self.answers.setdefault(self.candidate, {})["promote"] = {
                "failed": True,
                "msg": refused(self.plan, missing),
            }
            return False
        expected = {
            "host": self.candidate,
            "expect_timeline": self.plan["expect_timeline"],
            "expect_received_lsn": self.plan.get("expect_received_lsn"),
            "degrade_sync": self.plan["degrade_sync"],
        }
        self._ask("Promote the candidate", {self.candidate: {"promote": expected}}, 60)
        return not self.answers[self.candidate]["promote"].get("failed")

    def _verify(self) -> None:
        # One that was in maintenance is let in only now: its server is admitted as soon as a check finds it a primary.
        admit = {
            host: {
                "haproxy_server": {"servers": self.plan["admit_servers"], "state": "ready", "when_stopped": "persist"}
            }
            for host in self.plan["fence_load_balancers"]
            if self.plan["admit_servers"]
        }
        self._ask("Let the load balancers use the new primary again", admit, 20, {"haproxy_server": "admitted"})
        if self.plan["promote"]:
            turn = {host: {"turn_to_promoted": {"new": self.candidate}} for host in self.plan["fence_load_balancers"]}
            self._ask("Turn the load balancers", turn, 10)
        verify = {"address": self.vip, "port": self.port, "by": self.by}
        questions: Questions = {host: {"follow": self._follow(host)} for host in self.plan["follow"]}
        questions.setdefault(str(self.plan["verify_from"]), {})["client_check"] = verify
        self._ask("Write and read through the virtual IP, and see that the standbys stream", questions, 45)
