# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.rejoin)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rejoin_run import Rejoin
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.plan_action import PlanAction, progress
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.sessions import AnyEstate


class ActionModule(PlanAction):
    """Bring a host back as planned."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "addresses": {"type": "dict", "required": True},
        "vip": {"type": "str", "required": True},
        "port": {"type": "int", "default": 5000},
        "by": {"type": "str", "default": "rejoin"},
        "copy_within": {"type": "float", "default": 86400.0},
        "stanza": {"type": "str", "default": ""},
    }

    def hosts(self, plan: Mapping[str, Any]) -> set[str]:
        """The host, its primary, the load balancers, and where the proof is written from."""
        return {plan["host"], plan["primary"], plan["verify_from"], *plan["load_balancers"]}

    def carry_out(self, estate: AnyEstate, args: Mapping[str, Any], began: float) -> dict[str, Any]:
        """See the module's documentation."""
        options = {key: args[key] for key in ("vip", "port", "by", "copy_within", "stanza")}
        run = Rejoin(estate, args["plan"], args["addresses"], **options, began=began, say=progress)
        return asdict(run.run())
