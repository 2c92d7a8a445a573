# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.rolling_turn)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import Any, ClassVar

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery import maintenance_run
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rolling_run import HostTurn, PrimaryRestart
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.plan_action import PlanAction, progress
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.sessions import AnyEstate


class ActionModule(PlanAction):
    """Carry out one turn of a rolling change."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "runbook": {"type": "str", "required": True},
        "addresses": {"type": "dict", "required": True},
        "vip": {"type": "str", "required": True},
        "port": {"type": "int", "default": 5000},
        "by": {"type": "str", "default": ""},
        "drain_timeout": {"type": "float", "default": 30.0},
    }

    def hosts(self, plan: Mapping[str, Any]) -> set[str]:
        """The host, the load balancers that send sessions there, and who proves what."""
        way = plan["maintenance"]
        named = {plan["host"], plan["primary"], plan["candidate"], way["verify_from"]}
        return {*named, *way["load_balancers"], *way["vip_to"]}

    def carry_out(self, estate: AnyEstate, args: Mapping[str, Any], began: float) -> dict[str, Any]:
        """See the module's documentation."""
        plan, vip, port = args["plan"], args["vip"], args["port"]
        way = plan["maintenance"]
        by = f"{args['runbook']} by {args['by']}"
        if plan["action"] == "restart_primary":
            restart = {
                "action": "restart",
                "old": plan["host"],
                "new": plan["candidate"],
                "siblings": [],
                "load_balancers": way["load_balancers"],
                "pools": plan["pools"],
                "verify_from": way["verify_from"],
            }
            ours = PrimaryRestart(
                estate, restart, args["addresses"], vip=vip, port=port, by=by, began=began, say=progress
            )
            return asdict(ours.run())
        where = maintenance_run.Estate(
            addresses=args["addresses"],
            vip=vip,
            port=port,
            by=args["by"],
            reason=args["runbook"],
            now=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        )
        limits = replace(maintenance_run.Timeouts(), drain=args["drain_timeout"])
        turn = HostTurn(estate, way, where, limits, began=began, say=progress)
        turn.packages = tuple(plan["packages"])
        return asdict(turn.run())
