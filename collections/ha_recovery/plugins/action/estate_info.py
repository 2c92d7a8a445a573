# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.estate_info)."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.sessions import estate_of


class ActionModule(ActionBase):
    """Ask many hosts many questions in one task."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            {
                "ask": {"type": "dict", "required": True},
                "timeout": {"type": "float", "default": 5.0},
                "after": {"type": "float", "default": 0.0},
            }
        )
        ask = {str(host): dict(calls or {}) for host, calls in args["ask"].items()}
        with estate_of(sorted(ask), task_vars) as estate:
            time.sleep(args["after"])
            answers = estate.call_all(ask, args["timeout"])
            reach = estate.reach
            result["hosts"] = {
                host: {
                    "reach": reach[host],
                    "answers": {name: answer.as_dict() for name, answer in answers[host].items()},
                }
                for host in ask
            }
        result["changed"] = False
        return result
