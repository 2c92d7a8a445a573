# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.failover)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.failover_run import Failover
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.fencing import FencingRefused, Way, way_of
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.hook import hook_for
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.plan_action import PlanAction, progress
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.sessions import AnyEstate


class ActionModule(PlanAction):
    """Carry out a planned failover."""

    _ways: Mapping[str, Way]

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "addresses": {"type": "dict", "required": True},
        "vip": {"type": "str", "required": True},
        "port": {"type": "int", "default": 5000},
        "who": {"type": "str", "default": ""},
        "by": {"type": "str", "default": "failover"},
    }

    def acts(self, plan: Mapping[str, Any]) -> bool:
        """Whether the plan touches anything."""
        return plan["action"] in {"failover", "complete"}

    def needs_everybody(self, plan: Mapping[str, Any]) -> bool:
        """Who is silent now is an answer like any other: the proof decides what it means."""
        return False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """As every plan; besides, each lost host's own variables say how it is fenced from outside."""
        methods = self._task.args["plan"].get("fencing_methods") or {}
        try:
            self._ways = {host: way_of(host, task_vars["hostvars"][host]) for host in methods}
        except FencingRefused as error:
            raise AnsibleActionFail(str(error)) from error
        return super().run(tmp, task_vars)

    def hosts(self, plan: Mapping[str, Any]) -> set[str]:
        """Everybody whom the plan names."""
        hosts = {plan["candidate"], plan["verify_from"], *plan["follow"], *plan["fence_hosts"]}
        return hosts | set(plan["fence_load_balancers"])

    def idle(self) -> dict[str, Any]:
        """Nobody was asked anything."""
        return {"answers": {}}

    def carry_out(self, estate: AnyEstate, args: Mapping[str, Any], began: float) -> dict[str, Any]:
        """See the module's documentation."""
        run = Failover(
            estate,
            args["plan"],
            args["addresses"],
            vip=args["vip"],
            port=args["port"],
            who=args["who"],
            by=args["by"],
            say=progress,
            hook=hook_for(self._ways),
        )
        return {"changed": True, "answers": run.run()}
