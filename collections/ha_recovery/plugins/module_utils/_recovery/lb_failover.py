# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide who shall hold the virtual IP. First row that fits:

==================================================================  ==============================================
observed                                                            action
==================================================================  ==============================================
a name that is no load balancer                                     refuse
the named one holds the virtual IP, alone                           none
nobody named, and it was moved to its holder a moment ago           none: an accidental second run
preflight blocks (nobody holds it, two do, the target can not, ...) refuse
one holder, and another one that can take it                        move
==================================================================  ==============================================

Pure. A pair of load balancers is meant: of several, Keepalived itself chooses the one with the highest priority.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import Balancer
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import Last
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import STATUS

LB_FAILOVER = "ansible-playbook playbooks/lb_failover.yml"


@dataclass(frozen=True)
class Plan:
    """The decision: from whom, to whom, and where the proof is written from."""

    action: str
    headline: str
    holder: str | None = None
    target: str | None = None
    verify_from: str | None = None
    refusals: tuple[Refusal, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as playbooks and the record hold it."""
        plain = asdict(self)
        plain["refusals"] = [{**asdict(one), "line": one.line} for one in self.refusals]
        plain["acts"] = self.action == "move"
        lines = [self.headline, *(f"  {one.line}" for one in self.refusals)]
        if plain["acts"]:
            lines.append(f"  {self.holder}: Keepalived stops, and starts again once {self.target} has the virtual IP")
            lines.append(f"  connections through {self.holder} end; new ones reach {self.target} within a second")
        plain["lines"] = lines
        return plain


def plan_lb_failover(
    balancers: tuple[Balancer, ...],
    *,
    to: str | None,
    blocks: tuple[Refusal, ...],
    last: Last,
    verify_from: str | None,
    repeat_after_s: float = 600.0,
) -> Plan:
    """See the table at the top. ``last``: newest record of this runbook, ``new`` is whom it moved the virtual IP to."""
    names = [one.host for one in balancers]
    holders = [one.host for one in balancers if one.holds_vip]
    if to is not None and to not in names:
        why = Refusal(to, "not a load balancer", ", ".join(names), STATUS)
        return Plan("refuse", f"refused: there is no {to}", refusals=(why,))
    if to is not None and holders == [to]:
        return Plan("none", f"nothing to do: {to} holds the virtual IP", holder=to, target=to)
    recent = last.status == "done" and last.age_s < repeat_after_s
    if to is None and recent and holders == [last.new]:
        return Plan(
            "none",
            f"nothing to do: {last.name} moved the virtual IP to {last.new} {last.age_s / 60:.0f} min ago. To move it "
            f"again, name a host: {LB_FAILOVER} -e lb_failover_to=...",
            holder=last.new,
            target=last.new,
        )
    if blocks:
        return Plan("refuse", "refused: the virtual IP stays where it is", refusals=blocks)
    others = [one.host for one in balancers if one.running and one.keepalived_running and one.host not in holders]
    target = to or (others[0] if others else None)
    if len(holders) != 1 or target not in others:
        seen = f"held by {', '.join(holders) or 'nobody'}, and {', '.join(others) or 'nobody'} could take it"
        why = Refusal(to or "virtual IP", seen, "one holder, and another load balancer that serves", STATUS)
        return Plan("refuse", "refused: the virtual IP stays where it is", refusals=(why,))
    return Plan(
        "move", f"{target} takes the virtual IP over from {holders[0]}", holders[0], target, verify_from=verify_from
    )
