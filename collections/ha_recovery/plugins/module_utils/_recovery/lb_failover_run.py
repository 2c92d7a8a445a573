# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move the virtual IP: the holder's Keepalived says good-bye, the other takes over, the first comes back as backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import (
    Calls,
    Conductor,
    Done,
    StepFailed,
)

TAKE_OVER_S = 3.0


@dataclass
class Outcome(Done):
    """``taken_s``: seconds from the order until the target had the address."""

    taken_s: float | None = None


class LbFailover(Conductor):
    """One run. ``addresses``: of every load balancer; ``vip`` with prefix; ``port``: where clients write."""

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
        **more: Any,
    ) -> None:
        super().__init__(calls, **more)
        self.plan, self.addresses, self.vip, self.port, self.by = plan, addresses, vip, port, by
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Do it. Never raises for what a host does."""
        holder, target = str(self.plan["holder"]), str(self.plan["target"])
        back = {"host": holder, "vip": self.vip, "address": self.addresses[holder]}
        self._undo.append(("Start Keepalived again", lambda: self._back({holder: {"vip_standby": back}}, 20)))
        self.outcome.changed = True
        try:
            values = self._step(
                "Give the virtual IP away",
                {
                    holder: {"vip_release": {}},
                    target: {"services_has_vip": {"vip": self.vip, "timeout": TAKE_OVER_S}},
                },
                TAKE_OVER_S + 10,
                {"services_has_vip": "Take the virtual IP over"},
            )
            if not values[target].get("holds"):
                raise StepFailed(f"{target} did not take the virtual IP over within {TAKE_OVER_S:g} s")
        except StepFailed as failure:
            self.outcome.problems.append(str(failure))
            self._take_back()
            return self.outcome
        self.outcome.taken_s = values[target]["seconds"]
        self._forward("Stand by as its backup", {holder: {"vip_standby": back}}, 20)
        address = self.vip.partition("/")[0]
        verify = {"address": address, "port": self.port, "by": self.by}
        where = str(self.plan["verify_from"])
        written = self._forward("Write and read through the virtual IP", {where: {"client_check": verify}}, 20)
        self._verified(written.get(where, {}), f"{address}:{self.port}")
        held = self._forward(
            "See that nobody took it back", {target: {"services_has_vip": {"vip": self.vip, "timeout": 0.1}}}, 5
        )
        if held and not held[target].get("holds"):
            self.outcome.problems.append(
                f"{target} lost the virtual IP again. Next: ansible-playbook playbooks/status.yml"
            )
        return self.outcome
