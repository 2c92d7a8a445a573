# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.candidate import priorities_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.failover import (
    Settings,
    parse_waivers,
    plan_failover,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.plan_text import plan_lines, refusal_lines

DOCUMENTATION = r"""
name: failover_plan
short_description: Decide a failover from what every host saw
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, asks for another look, plans a failover, completes an earlier one, or says that there is nothing to do.
  - Pure. The same observation always gives the same plan.
options:
  _input:
    description: C(nodes) and C(load_balancers) as M(sre.ha_recovery.postgresql_cluster_info) and others saw them.
    type: dict
    required: true
  databases:
    description: Names of all database hosts.
    type: list
    elements: str
    default: []
  load_balancers:
    description: Names of all load balancers.
    type: list
    elements: str
    default: []
  replication_mode:
    description: How the cluster replicates.
    type: str
    choices: [sync, async]
    default: sync
  max_loss_bytes:
    description: Bytes of WAL known to be lost that are accepted with asynchronous replication.
    type: int
    default: 0
  waive:
    description: Names of what the operator accepts, C(unseen_standby), C(unfenced_load_balancer), C(loss_above_budget).
    type: raw
    default: []
  last_look:
    description: Weak signs of life refuse now instead of asking for another look.
    type: bool
    default: true
  unfinished:
    description: Name of the record that an interrupted run left, if any.
    type: str
    default: ""
  fencing:
    description: For each host, C(fencing_method) of its variables. C(none), or no entry, is no way from outside.
    type: dict
    default: {}
  priorities:
    description: >-
      For each host, C(failover_priority) of its variables, a whole number. Of two standbys with the same timeline, WAL
      and followers the higher one becomes primary.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: >-
      {{ observed | sre.ha_recovery.failover_plan(databases=groups['database'],
      load_balancers=groups['load_balancer']) }}
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, recheck, failover, complete, none), C(headline), C(lines) for people, C(refusals), what each step
    runs on, C(candidate), C(old_primary), C(loss), C(signs), C(standings) and C(verify_from).
  type: dict
"""


def failover_plan(
    observed: Any,
    databases: Any = (),
    load_balancers: Any = (),
    replication_mode: str = "sync",
    max_loss_bytes: int = 0,
    waive: Any = (),
    last_look: bool = True,
    unfinished: str = "",
    fencing: Any = None,
    priorities: Any = None,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    if replication_mode not in ("sync", "async"):
        raise AnsibleFilterError(f"ha_replication_mode is {replication_mode!r}; allowed: sync, async")
    try:
        waivers = parse_waivers(waive)
        budget = int(max_loss_bytes)
        ranks = priorities_from(priorities or {})
    except ValueError as problem:
        raise AnsibleFilterError(str(problem)) from problem
    methods = {str(host): str(method) for host, method in (fencing or {}).items() if str(method or "none") != "none"}
    settings = Settings(replication_mode == "sync", budget, waivers, bool(last_look), str(unfinished), methods, ranks)
    nodes = nodes_from(observed["nodes"], databases)
    plan = plan_failover(nodes, balancers_from(observed["load_balancers"], load_balancers), settings)
    return {
        **plan.as_dict(),
        "lines": plan_lines(plan),
        "refusal_lines": refusal_lines(plan),
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"failover_plan": failover_plan}
