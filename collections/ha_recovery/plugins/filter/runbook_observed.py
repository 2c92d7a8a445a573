# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.observed import observed_of

DOCUMENTATION = r"""
name: runbook_observed
short_description: Put together what every host answered
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Makes one observation of the answers that M(sre.ha_recovery.estate_info) brought. A silent host is part of it.
options:
  _input:
    description: C(hosts) as M(sre.ha_recovery.estate_info) returns it.
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
  repositories:
    description: Names of the hosts that keep backups.
    type: list
    elements: str
    default: []
  file_repositories:
    description: Names of the hosts that keep backups of files.
    type: list
    elements: str
    default: []
  dump_hosts:
    description: Names of the hosts that keep logical dumps.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what was seen
  ansible.builtin.debug:
    msg: >-
      {{ estate.hosts | sre.ha_recovery.runbook_observed(databases=groups['database'],
      load_balancers=groups['load_balancer']) }}
"""

RETURN = r"""
_value:
  description:
    - C(nodes) and C(load_balancers), lists of what each host is like; C(backups) and C(archives), what is known of
      backups by host; C(copies), what is known of backups of files and of dumps; C(others), each other host in a word.
  type: dict
"""


def runbook_observed(
    hosts: Any,
    databases: Any = (),
    load_balancers: Any = (),
    repositories: Any = (),
    file_repositories: Any = (),
    dump_hosts: Any = (),
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return observed_of(
        hosts, databases, load_balancers, repositories, file_repositories=file_repositories, dump_hosts=dump_hosts
    )


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"runbook_observed": runbook_observed}
