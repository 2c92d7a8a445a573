# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What actions that carry out a plan over sessions have in common: arguments, check mode, logging in, progress."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.sessions import AnyEstate, estate_of


def progress(line: str) -> None:
    """Said with -v."""
    Display().v(line)


class PlanAction(ActionBase):
    """``ARGUMENTS``: besides ``plan``. Subclasses say which hosts have a part, and do it."""

    TRANSFERS_FILES = False
    ARGUMENTS: ClassVar[Mapping[str, Any]] = {}

    def acts(self, plan: Mapping[str, Any]) -> bool:
        """Whether the plan touches anything."""
        return bool(plan["acts"])

    def needs_everybody(self, plan: Mapping[str, Any]) -> bool:
        """Whether nothing is touched when one of the hosts does not answer."""
        return True

    def hosts(self, plan: Mapping[str, Any]) -> set[str]:
        """Names of all hosts that have a part."""
        raise NotImplementedError

    def idle(self) -> dict[str, Any]:
        """The answer when nothing is done."""
        return {"steps": [], "problems": []}

    def carry_out(self, estate: AnyEstate, args: Mapping[str, Any], began: float) -> dict[str, Any]:
        """Do it; the answer's ``changed`` is the truth."""
        raise NotImplementedError

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        spec = {"plan": {"type": "dict", "required": True}, **self.ARGUMENTS}
        _validated, args = self.validate_argument_spec(spec)
        plan = args["plan"]
        acts = self.acts(plan)
        if not acts or self._task.check_mode:
            return {**result, "changed": acts, "msg": plan["headline"], **self.idle()}
        began = time.monotonic()
        with estate_of(sorted(host for host in self.hosts(plan) if host), task_vars) as estate:
            silent = {}
            if self.needs_everybody(plan):
                silent = {host: seen["why"] for host, seen in estate.reach.items() if not seen["ok"]}
            if silent:
                words = "; ".join(f"{host}: {why}" for host, why in sorted(silent.items()))
                raise AnsibleActionFail(f"Nothing was touched, for not every host answers any more: {words}")
            return {**result, **self.carry_out(estate, args, began)}
