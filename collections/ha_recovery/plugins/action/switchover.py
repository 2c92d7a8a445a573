# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.switchover)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover_run import Switchover, Timeouts
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.plan_action import PlanAction, progress
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.sessions import AnyEstate


class ActionModule(PlanAction):
    """Carry out a planned switchover."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "addresses": {"type": "dict", "required": True},
        "vip": {"type": "str", "required": True},
        "port": {"type": "int", "default": 5000},
        "by": {"type": "str", "default": "switchover"},
        "pause_timeout": {"type": "float", "default": 5.0},
        "stop_timeout": {"type": "float", "default": 10.0},
    }

    def needs_everybody(self, plan: Mapping[str, Any]) -> bool:
        """Beyond the point of no return there is only forward, whoever is silent."""
        return bool(plan["action"] == "switchover")

    def hosts(self, plan: Mapping[str, Any]) -> set[str]:
        """Both primaries, the other standbys, the load balancers, and where the proof is written from.

        An old primary that is not there any more has no part in what is left to complete.
        """
        old = [plan["old"]] if plan["action"] != "complete" or plan["start_old"] else []
        return {*old, plan["new"], plan["verify_from"], *plan["siblings"], *plan["load_balancers"]}

    def carry_out(self, estate: AnyEstate, args: Mapping[str, Any], began: float) -> dict[str, Any]:
        """See the module's documentation."""
        run = Switchover(
            estate,
            args["plan"],
            args["addresses"],
            vip=args["vip"],
            port=args["port"],
            by=args["by"],
            timeouts=replace(Timeouts(), pause=args["pause_timeout"], stop=args["stop_timeout"]),
            began=began,
            say=progress,
        )
        return asdict(run.run())
