# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import refusals_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import (
    Last,
    Seen,
    Wish,
    plan_switchover,
)

DOCUMENTATION = r"""
name: switchover_plan
short_description: Decide a switchover from what every host answered
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, plans a switchover, goes on with an interrupted one, or says that there is nothing to do.
  - Pure. The same observation always gives the same plan.
options:
  _input:
    description: The observation, as P(sre.ha_recovery.runbook_observed#filter) makes it.
    type: dict
    required: true
  preflight:
    description: >-
      The answer of preflight with C(candidate) and C(verdicts). Each verdict with level C(block) refuses.
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
  to:
    description: The host that shall become primary; empty for the one that preflight chose.
    type: str
    default: ""
  last:
    description: What P(sre.ha_recovery.last_record#lookup) found for this runbook.
    type: dict
    default: {}
  repeat_after:
    description: Seconds in which a second run without O(to) does nothing.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: >-
      {{ observed | sre.ha_recovery.switchover_plan(databases=groups['database'],
      load_balancers=groups['load_balancer'], to='pg2') }}
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, none, switchover, resume, complete), C(headline), C(lines) for people, C(refusals), C(old) and
    C(new) primary, C(siblings), C(pools), C(load_balancers) and C(verify_from).
  type: dict
"""


def _pools(observed: Any) -> dict[str, dict[str, str]]:
    """Name to state of each pool, by load balancer."""
    return {
        str(one["host"]): {str(pool["pool"]): str(pool["state"]) for pool in one.get("pools") or ()}
        for one in observed["load_balancers"]
    }


def switchover_plan(
    observed: Any,
    preflight: Any = None,
    databases: Any = (),
    load_balancers: Any = (),
    to: str = "",
    last: Any = None,
    repeat_after: float = 600,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    judged = preflight or {}
    seen = Seen(
        nodes=nodes_from(observed["nodes"], databases),
        balancers=balancers_from(observed["load_balancers"], load_balancers),
        pools=_pools(observed),
        candidate=judged.get("candidate"),
        blocks=refusals_of(judged),
        last=Last.from_record(last or {}),
    )
    return plan_switchover(seen, Wish(to or None, float(repeat_after))).as_dict()


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"switchover_plan": switchover_plan}
