# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance import Seen
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.observed import value_of, why_silent
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import refusals_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rolling import (
    Round,
    plan_turn,
    restart_due,
    update_due,
)

DOCUMENTATION = r"""
name: rolling_plan
short_description: Decide whose turn it is to be restarted or brought up to date
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - One host at a time, decided anew from what is seen. Refuses, names the next turn, or says that nothing is due. Pure.
options:
  _input:
    description: The observation, as P(sre.ha_recovery.runbook_observed#filter) makes it.
    type: dict
    required: true
  due:
    description: C(hosts) of M(sre.ha_recovery.estate_info), asked C(restart_due) or C(packages_due).
    type: dict
    required: true
  runbook:
    description: C(rolling_restart) or C(rolling_update).
    type: str
    required: true
  preflight:
    description: The answer of preflight with C(candidate) and C(verdicts).
    type: dict
    default: {}
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
"""

EXAMPLES = r"""
- name: Whose turn is it?
  ansible.builtin.set_fact:
    turn: >-
      {{ observed | sre.ha_recovery.rolling_plan(due=answers.hosts, runbook='rolling_restart',
      databases=groups['database'], load_balancers=groups['load_balancer']) }}
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, none, turn, finish, restart_primary, switchover), C(acts), C(headline), C(lines) for people,
    C(host), C(candidate), C(order) of all turns, C(packages), C(refusals).
  type: dict
"""

CALLS = {"rolling_restart": ("restart_due", restart_due), "rolling_update": ("packages_due", update_due)}


def rolling_plan(
    observed: Mapping[str, Any],
    due: Mapping[str, Any],
    runbook: str,
    preflight: Any = None,
    databases: Any = (),
    load_balancers: Any = (),
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    call, read = CALLS[runbook]
    seen = Seen(
        nodes_from(observed["nodes"], databases),
        balancers_from(observed["load_balancers"], load_balancers),
        refusals_of(preflight or {}),
        (preflight or {}).get("candidate"),
    )
    serving = {node.host for node in seen.nodes if node.is_primary or node.is_standby}
    serving |= {one.host for one in seen.balancers if one.reachable}
    pools = {one.host: tuple(pool.name for pool in one.pools if pool.state == "active") for one in seen.balancers}
    the = Round(
        runbook,
        {host: read(value_of(answer, call)) for host, answer in due.items()},
        {
            host: why_silent(answer, [call])
            for host, answer in due.items()
            if host in serving and value_of(answer, call) is None
        },
        tuple(sorted(due)),
        pools,
    )
    return plan_turn(seen, the).as_dict()


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"rolling_plan": rolling_plan}
