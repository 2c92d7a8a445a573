# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.estate_info)."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import ConnectionRefused
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.connections import connections_for, limits_from


class ActionModule(ActionBase):
    """Ask many hosts many questions in one task."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            {"ask": {"type": "dict", "required": True}, "timeout": {"type": "float", "default": 5.0}}
        )
        ask = {str(host): dict(calls or {}) for host, calls in args["ask"].items()}
        try:
            connections = connections_for(sorted(ask), task_vars)
        except ConnectionRefused as error:
            raise AnsibleActionFail(str(error)) from error
        with Estate(connections, limits_from(task_vars)) as estate:
            answers = estate.call_all(ask, args["timeout"])
            result["hosts"] = {
                host: {
                    "reach": estate.reach[host],
                    "answers": {name: answer.as_dict() for name, answer in answers[host].items()},
                }
                for host in ask
            }
        result["changed"] = False
        return result
