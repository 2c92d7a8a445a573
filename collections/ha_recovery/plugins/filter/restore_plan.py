# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore import plan_restore
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_seen import asked_from, seen_from

DOCUMENTATION = r"""
name: restore_plan
short_description: Decide how a whole cluster goes back to an earlier point
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, plans a restore or the way back from one, goes on with one that was interrupted, or says that there is
    nothing to do. Pure.
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
      What a person typed and where. C(cluster), C(stanza), C(now) (seconds since 1970) and C(stamp) are wanted;
      C(kind), C(value), C(label), C(inclusive), C(timeline), C(wanted_set), C(host), C(without), C(discard), C(undo),
      C(again), C(confirm) and C(dry) are not.
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
      {{ observed | sre.ha_recovery.restore_plan(estate.hosts, {'cluster': 'orders', 'stanza': 'orders',
      'now': 1772330400, 'stamp': '20260301T020000Z', 'kind': 'time', 'value': '2026-03-01 01:59:41Z'},
      databases=groups['database'], load_balancers=groups['load_balancer'], repository='backup1') }}
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, none, restore, undo), C(acts), C(headline), C(lines) for people, C(refusals), C(note) (what is
    written down on the hosts), C(host), C(rest), C(load_balancers) and C(repository_host).
  type: dict
"""


def restore_plan(
    observed: Any,
    hosts: Mapping[str, Any],
    asked: Mapping[str, Any],
    databases: Any = (),
    load_balancers: Any = (),
    repository: str = "",
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    strangers = sorted(set(asked.get("without") or ()) - set(databases))
    if strangers:
        raise AnsibleFilterError(
            f"restore_without names {', '.join(strangers)}; there are {', '.join(sorted(databases))}"
        )
    try:
        return plan_restore(seen_from(observed, hosts, databases, load_balancers, repository), asked_from(asked))
    except ValueError as problem:
        raise AnsibleFilterError(f"restore_plan: {problem}") from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"restore_plan": restore_plan}
