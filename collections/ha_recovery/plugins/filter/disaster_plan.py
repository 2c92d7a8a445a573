# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.disaster import plan_disaster
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_seen import asked_from, seen_from

DOCUMENTATION = r"""
name: disaster_plan
short_description: Decide how a cluster whose database hosts are all gone comes back from its backups
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, plans a recovery on empty hosts, goes on with one that was interrupted, or says that there is nothing to
    do. Pure.
options:
  _input:
    description: The observation, as P(sre.ha_recovery.runbook_observed#filter) makes it.
    type: dict
    required: true
  hosts:
    description: >-
      What every host answered, as M(sre.ha_recovery.estate_info) returns it, C(restore_look) and C(restore_repository)
      included.
    type: dict
    required: true
  asked:
    description: >-
      What a person typed and where. C(cluster), C(stanza), C(now) (seconds since 1970), C(stamp) and C(host) are
      wanted; C(kind), C(value), C(label), C(inclusive), C(timeline), C(wanted_set), C(confirm) and C(dry) are not.
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
  repository:
    description: Name of the host with the backups.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: >-
      {{ observed | sre.ha_recovery.disaster_plan(estate.hosts, {'cluster': 'orders', 'stanza': 'orders',
      'now': 1772330400, 'stamp': '20260301T020000Z', 'host': 'pg1', 'confirm': 'orders'},
      databases=groups['database'], load_balancers=groups['load_balancer'], repository='backup1') }}
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, none, recover), C(acts), C(prepare) (whether the hosts have to be installed first), C(version)
    (the backups' major version of Postgres), C(headline), C(lines) for people, C(refusals), C(note) (what is
    written down on the hosts), C(host), C(rest), C(load_balancers) and C(repository_host).
  type: dict
"""


def disaster_plan(
    observed: Any,
    hosts: Mapping[str, Any],
    asked: Mapping[str, Any],
    databases: Any = (),
    load_balancers: Any = (),
    repository: str = "",
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return plan_disaster(seen_from(observed, hosts, databases, load_balancers, repository), asked_from(asked))
    except ValueError as problem:
        raise AnsibleFilterError(f"disaster_plan: {problem}") from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"disaster_plan": disaster_plan}
