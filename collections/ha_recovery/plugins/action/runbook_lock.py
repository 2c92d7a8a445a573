# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.runbook_lock)."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import Holder, held_by, holder_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import process_began
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import ConnectionRefused
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.connections import connections_for, limits_from
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.keeping import (
    KeeperError,
    ask,
    listens,
    socket_path,
    start,
)

ARGUMENTS = {
    "state": {"type": "str", "default": "held", "choices": ["held", "released", "info"]},
    "cluster": {"type": "str", "required": True},
    "runbook": {"type": "str", "required": True},
    "who": {"type": "str", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "timeout": {"type": "float", "default": 20.0},
}


class ActionModule(ActionBase):
    """Start the run's keeper, or ask it."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module's documentation."""
        asked_at = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.%fZ}"
        result: dict[str, Any] = {**super().run(tmp, task_vars), "changed": False, "asked_at": asked_at}
        _validated, args = self.validate_argument_spec(ARGUMENTS)
        try:
            if args["state"] == "info" or self._task.check_mode:
                return {**result, **self._look(args, task_vars)}
            return {**result, **self._hold(args, task_vars)}
        except (ConnectionRefused, KeeperError) as error:
            raise AnsibleActionFail(str(error)) from error

    def _hold(self, args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        # Tasks run in children of ansible-playbook: the parent is the run.
        pid = os.getppid()
        began = process_began(pid)
        path = socket_path(pid, began, args["cluster"])
        if args["state"] == "released":
            answer = ask(path, "release", args["timeout"])
            return answer or {"state": "released", "msg": "", "hosts": [], "unheld": {}, "holder": None}
        if not listens(path):
            self._begin(path, pid, began, args, task_vars)
        answer = ask(path, "state", args["timeout"])
        if answer is None:
            raise KeeperError("the keeper of the runbook lock has ended. Next: run the same command again")
        if answer["state"] == "refused":
            return {**answer, "failed": True}
        return answer

    def _begin(self, path: Any, pid: int, began: str, args: dict[str, Any], task_vars: Any) -> None:
        holder = Holder(
            cluster=args["cluster"],
            runbook=args["runbook"],
            who=args["who"],
            control_host=socket.gethostname(),
            pid=pid,
            began=began,
            since=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        )
        start(path, connections_for(sorted(args["hosts"]), task_vars), limits_from(task_vars), holder)

    def _look(self, args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Who holds it, without taking it."""
        hosts = sorted(args["hosts"])
        with Estate(connections_for(hosts, task_vars), limits_from(task_vars)) as estate:
            answers = estate.call_all({host: {"lock_look": {}} for host in hosts}, args["timeout"])
        unreachable = {host: estate.reach[host]["why"] for host in hosts if not estate.reach[host]["ok"]}
        found = {host: calls["lock_look"].value["holder"] for host, calls in answers.items() if calls["lock_look"].ok}
        held = [host for host in hosts if found.get(host)]
        holder = holder_from(found[held[0]]) if held else None
        result: dict[str, Any] = {
            "state": "held" if held else "free",
            "hosts": held,
            "unheld": unreachable,
            "holder": holder.as_dict() if holder else None,
            "msg": f"{', '.join(held)}: held {held_by(holder)}" if held else "",
        }
        if held and args["state"] == "held":
            result["warnings"] = [f"{result['msg']}; without --check this run would be refused"]
        return result
