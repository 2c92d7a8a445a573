# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.maintenance)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import Any, ClassVar

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery import maintenance_run
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.plan_action import PlanAction, progress
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.sessions import AnyEstate


class ActionModule(PlanAction):
    """Take a host out of service as planned, or bring it back."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "addresses": {"type": "dict", "required": True},
        "vip": {"type": "str", "required": True},
        "port": {"type": "int", "default": 5000},
        "by": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "drain_timeout": {"type": "float", "default": 30.0},
    }

    def hosts(self, plan: Mapping[str, Any]) -> set[str]:
        """The host, the load balancers that send sessions there, and who proves what."""
        return {plan["host"], plan["primary"], plan["verify_from"], *plan["load_balancers"], *plan["vip_to"]}

    def carry_out(self, estate: AnyEstate, args: Mapping[str, Any], began: float) -> dict[str, Any]:
        """See the module's documentation."""
        where = maintenance_run.Estate(
            addresses=args["addresses"],
            vip=args["vip"],
            port=args["port"],
            by=args["by"],
            reason=args["reason"],
            now=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        )
        limits = replace(maintenance_run.Timeouts(), drain=args["drain_timeout"])
        run = maintenance_run.Maintenance(estate, args["plan"], where, limits, began=began, say=progress)
        return asdict(run.run())
