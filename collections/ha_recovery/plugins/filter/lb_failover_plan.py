# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.lb_failover import plan_lb_failover
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import refusals_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover import Last

DOCUMENTATION = r"""
name: lb_failover_plan
short_description: Decide who shall hold the virtual IP
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, plans the move, or says that there is nothing to do. Pure.
options:
  _input:
    description: The observation, as P(sre.ha_recovery.runbook_observed#filter) makes it.
    type: dict
    required: true
  preflight:
    description: The answer of preflight. Each verdict with level C(block) refuses.
    type: dict
    default: {}
  load_balancers:
    description: Names of all load balancers.
    type: list
    elements: str
    default: []
  to:
    description: Who shall hold it; empty for the one that does not.
    type: str
    default: ""
  verify_from:
    description: The host from which the write that proves it goes.
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
    plan: "{{ observed | sre.ha_recovery.lb_failover_plan(load_balancers=groups['load_balancer']) }}"
"""

RETURN = r"""
_value:
  description: C(action) (refuse, none, move), C(headline), C(lines) for people, C(refusals), C(holder) and C(target).
  type: dict
"""


def lb_failover_plan(
    observed: Any,
    preflight: Any = None,
    load_balancers: Any = (),
    to: str = "",
    verify_from: str = "",
    last: Any = None,
    repeat_after: float = 600,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return plan_lb_failover(
        balancers_from(observed["load_balancers"], load_balancers),
        to=to or None,
        blocks=refusals_of(preflight or {}),
        last=Last.from_record(last or {}),
        verify_from=verify_from or None,
        repeat_after_s=float(repeat_after),
    ).as_dict()


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"lb_failover_plan": lb_failover_plan}
