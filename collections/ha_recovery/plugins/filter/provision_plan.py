# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.provision import (
    as_dict,
    host_from_node,
    plan,
    stale_refusals,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import topology_of

DOCUMENTATION = r"""
name: provision_plan
short_description: Decide who is initialised, who is seeded from whom and who is left alone
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Decides from what was observed on all database hosts together.
  - The bootstrap primary is read only while no host has data.
options:
  _input:
    description: The C(node) answers of M(sre.ha_recovery.postgresql_cluster_info). A host without one did not answer.
    type: list
    elements: dict
    required: true
  expected:
    description: Names of all database hosts.
    type: list
    elements: str
    required: true
  hosts:
    description: Inventory name to the C(host) answer of M(sre.ha_recovery.postgresql_host_info).
    type: dict
    default: {}
  bootstrap_primary:
    description: Name of the host on which a new cluster starts.
    type: str
    required: true
  prepare:
    description: Whether a disaster recovery is under way, so that without a primary no cluster is made.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Decide what happens on which host
  ansible.builtin.set_fact:
    plan: "{{ nodes | sre.ha_recovery.provision_plan(expected=groups['database'], bootstrap_primary='pg1') }}"
"""

RETURN = r"""
_value:
  description: >-
    C(primary) (the running primary, or the host that will be), C(bootstrap), C(refusals) (each with host, observed,
    expected, next; no host may be touched while there is one) and C(steps), host name to C(action), C(source) and
    C(reason).
    Actions are initialise, prepare, start, seed, follow, configure, leave and unreachable.
  type: dict
"""


def provision_plan(
    nodes: Sequence[Mapping[str, Any]],
    expected: Sequence[str],
    bootstrap_primary: str,
    hosts: Mapping[str, Mapping[str, Any]] | None = None,
    prepare: bool = False,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    by_name = {str(node["host"]): node for node in nodes}
    judged = [host_from_node(name, by_name.get(name), (hosts or {}).get(name)) for name in sorted(expected)]
    topology = topology_of(nodes_from(nodes, expected)).as_dict()
    return as_dict(plan(judged, bootstrap_primary, stale_refusals(topology), prepare=prepare))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"provision_plan": provision_plan}
