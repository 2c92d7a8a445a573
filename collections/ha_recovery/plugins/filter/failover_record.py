# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_failover import failover_parts

DOCUMENTATION = r"""
name: failover_record
short_description: Say what a failover's record holds
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Reads plan, answers and observation, and gives the parts of the record for P(sre.ha_recovery.runbook_record#filter).
options:
  _input:
    description: The plan.
    type: dict
    required: true
  status:
    description: How it ended, C(started), C(done), C(refused) or C(failed).
    type: str
    required: true
  address:
    description: The virtual IP.
    type: str
    required: true
  answers:
    description: Host name to what its steps answered.
    type: dict
    default: {}
  observed:
    description: What was observed before.
    type: dict
    default: {}
  problems:
    description: What did not work.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Make the record
  ansible.builtin.set_fact:
    record: >-
      {{ plan | sre.ha_recovery.failover_record(status='done', address='192.0.2.100', answers=answers)
      | sre.ha_recovery.runbook_record(runbook='failover', cluster='orders', status='done', who='anna',
      started_at=began, ended_at=ended) }}
"""

RETURN = r"""
_value:
  description: The parts.
  type: dict
"""


def failover_record(
    plan: Any, status: str, address: str, answers: Any = None, observed: Any = None, problems: Any = ()
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return failover_parts(plan, answers or {}, observed or {}, status=status, address=address, problems=problems or ())


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"failover_record": failover_record}
