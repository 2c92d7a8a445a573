# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.backup_plan import plan_backup
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import topology_of

DOCUMENTATION = r"""
name: backup_plan
short_description: Decide whether a backup is taken now
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, plans a backup, or says that the newest one is young enough. Pure.
options:
  _input:
    description: The observation, as P(sre.ha_recovery.runbook_observed#filter) makes it.
    type: dict
    required: true
  databases:
    description: Names of all database hosts.
    type: list
    elements: str
    default: []
  type:
    description: Everything, what changed since the last full backup, or what changed since the last one.
    type: str
    choices: [full, diff, incr]
    default: incr
  label:
    description: A word to find it by.
    type: str
    default: ""
  max_age:
    description: Take one only when the newest ended longer ago than this (seconds). Empty, always.
    type: float
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: "{{ observed | sre.ha_recovery.backup_plan(databases=groups['database'], type='full') }}"
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, none, take), C(acts), C(headline), C(lines) for people, C(refusals), C(host) of the repository,
    C(primary), C(type), C(label) and C(max_age).
  type: dict
"""


def backup_plan(
    observed: Any, databases: Any = (), type: str = "incr", label: str = "", max_age: Any = None
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    topology = topology_of(nodes_from(observed["nodes"], databases))
    age = float(max_age) if max_age not in (None, "") else None
    plan = plan_backup(
        observed["backups"], observed["archives"], topology.primary, kind=type, label=str(label), max_age=age
    )
    refusals = [{**asdict(one), "line": one.line} for one in plan.refusals]
    return {**asdict(plan), "lines": list(plan.lines), "refusals": refusals, "acts": plan.acts}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"backup_plan": backup_plan}
