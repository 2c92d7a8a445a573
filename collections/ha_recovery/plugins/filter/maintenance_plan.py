# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance import (
    Asked,
    Seen,
    plan_maintenance,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import refusals_of

DOCUMENTATION = r"""
name: maintenance_plan
short_description: Decide what takes a host out of service, or brings it back
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, plans, or says that there is nothing to do. Pure.
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
  host:
    description: The host.
    type: str
    required: true
  state:
    description: Where it shall be.
    type: str
    choices: [out, in]
    default: out
  stop:
    description: Whether its services are stopped while it is out.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: >-
      {{ observed | sre.ha_recovery.maintenance_plan(databases=groups['database'],
      load_balancers=groups['load_balancer'], host='pg3') }}
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, none, out, in), C(acts), C(headline), C(lines) for people, C(refusals), C(kind) of the host,
    C(primary), C(switchover_to), C(load_balancers), C(vip_to) and C(verify_from).
  type: dict
"""


def maintenance_plan(
    observed: Any,
    host: str,
    preflight: Any = None,
    databases: Any = (),
    load_balancers: Any = (),
    state: str = "out",
    stop: bool = True,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    if state not in ("out", "in"):
        raise AnsibleFilterError(f"maintenance_state is {state!r}; allowed: out, in")
    seen = Seen(
        nodes_from(observed["nodes"], databases),
        balancers_from(observed["load_balancers"], load_balancers),
        refusals_of(preflight or {}),
        (preflight or {}).get("candidate"),
    )
    return plan_maintenance(seen, Asked(str(host), state, bool(stop))).as_dict()


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"maintenance_plan": maintenance_plan}
