# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.failover)."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.failover_run import Failover
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import ConnectionRefused
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.connections import connections_for, limits_from

ARGUMENTS = {
    "plan": {"type": "dict", "required": True},
    "addresses": {"type": "dict", "required": True},
    "vip": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5000},
    "who": {"type": "str", "default": ""},
    "by": {"type": "str", "default": "failover"},
}


class ActionModule(ActionBase):
    """Carry out a planned failover over sessions with every host that has a part in it."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(ARGUMENTS)
        plan = args["plan"]
        acts = plan["action"] in {"failover", "complete"}
        if not acts or self._task.check_mode:
            return {**result, "changed": acts, "answers": {}, "msg": plan["headline"]}
        hosts = {plan["candidate"], plan["verify_from"], *plan["follow"], *plan["fence_hosts"]}
        hosts |= set(plan["fence_load_balancers"])
        try:
            connections = connections_for(sorted(host for host in hosts if host), task_vars)
        except ConnectionRefused as error:
            raise AnsibleActionFail(str(error)) from error
        with Estate(connections, limits_from(task_vars)) as estate:
            answers = Failover(
                estate,
                plan,
                args["addresses"],
                vip=args["vip"],
                port=args["port"],
                who=args["who"],
                by=args["by"],
                say=lambda line: Display().v(line),
            ).run()
        return {**result, "changed": acts, "answers": answers}
