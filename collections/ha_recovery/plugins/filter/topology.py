# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import topology_of

DOCUMENTATION = r"""
name: topology
short_description: Judge observed Postgres nodes
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Says from observed nodes alone who is primary and what state the cluster is in.
options:
  _input:
    description: The C(node) answers of M(sre.ha_recovery.postgresql_cluster_info).
    type: list
    elements: dict
    required: true
  expected:
    description: Names of all database hosts. One that was not observed counts as unreachable.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Who is primary?
  ansible.builtin.set_fact:
    topology: "{{ nodes | sre.ha_recovery.topology(expected=groups['database']) }}"
"""

RETURN = r"""
_value:
  description: >-
    C(situation) (bootstrap, one_primary, no_primary, split_brain, stale_primary, mixed_systems, unknown), C(verdict)
    (green, yellow, red), C(primary), C(standbys), C(unreachable), C(fenced), C(empty), C(stale), C(system_identifier),
    C(timeline), and C(reasons) with host, observed, expected, next and severity.
  type: dict
"""


def topology(nodes: Any, expected: Any = ()) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return topology_of(nodes_from(nodes, expected)).as_dict()


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"topology": topology}
