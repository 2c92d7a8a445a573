# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.switchover)."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover_run import Switchover, Timeouts
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import ConnectionRefused
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.connections import connections_for, limits_from

ARGUMENTS = {
    "plan": {"type": "dict", "required": True},
    "addresses": {"type": "dict", "required": True},
    "vip": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5000},
    "by": {"type": "str", "default": "switchover"},
    "pause_timeout": {"type": "float", "default": 5.0},
    "stop_timeout": {"type": "float", "default": 10.0},
}


class ActionModule(ActionBase):
    """Carry out a planned switchover over sessions with every host that has a part in it."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(ARGUMENTS)
        plan = args["plan"]
        if not plan["acts"]:
            return {**result, "changed": False, "steps": [], "problems": []}
        if self._task.check_mode:
            return {**result, "changed": True, "steps": [], "problems": [], "msg": plan["headline"]}
        began = time.monotonic()
        hosts = {plan["old"], plan["new"], plan["verify_from"], *plan["siblings"], *plan["load_balancers"]}
        try:
            connections = connections_for(sorted(host for host in hosts if host), task_vars)
        except ConnectionRefused as error:
            raise AnsibleActionFail(str(error)) from error
        with Estate(connections, limits_from(task_vars)) as estate:
            silent = {host: seen["why"] for host, seen in estate.reach.items() if not seen["ok"]}
            if plan["action"] == "switchover" and silent:
                words = "; ".join(f"{host}: {why}" for host, why in sorted(silent.items()))
                raise AnsibleActionFail(f"Nothing was touched, for not every host answers any more: {words}")
            run = Switchover(
                estate,
                plan,
                args["addresses"],
                vip=args["vip"],
                port=args["port"],
                by=args["by"],
                timeouts=replace(Timeouts(), pause=args["pause_timeout"], stop=args["stop_timeout"]),
                began=began,
                say=lambda line: Display().v(line),
            )
            outcome = run.run()
        return {**result, **asdict(outcome)}
