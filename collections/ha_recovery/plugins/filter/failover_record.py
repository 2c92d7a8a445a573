# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import (
    next_step,
    record_markdown,
    record_of,
)

DOCUMENTATION = r"""
name: failover_record
short_description: Write down a failover for machines and for people
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Puts plan, answers and observation into one record, as JSON and as Markdown.
options:
  _input:
    description: The plan.
    type: dict
    required: true
  runbook:
    description: Name of the runbook.
    type: str
    default: failover
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  status:
    description: How it ended, C(started), C(done), C(refused) or C(failed).
    type: str
    required: true
  who:
    description: Who ran it.
    type: str
    required: true
  started_at:
    description: When it began, UTC.
    type: str
    required: true
  ended_at:
    description: When it ended, UTC.
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
"""

EXAMPLES = r"""
- name: Make the record
  ansible.builtin.set_fact:
    record: >-
      {{ plan | sre.ha_recovery.failover_record(cluster='orders', status='done', who='anna',
      started_at=began, ended_at=ended) }}
"""

RETURN = r"""
_value:
  description: C(json) and C(markdown), both text.
  type: dict
"""


def failover_record(
    plan: Any,
    cluster: str,
    status: str,
    who: str,
    started_at: str,
    ended_at: str,
    runbook: str = "failover",
    answers: Any = None,
    observed: Any = None,
) -> dict[str, str]:
    """See DOCUMENTATION."""
    record = record_of(
        runbook=runbook,
        cluster=cluster,
        status=status,
        who=who,
        started_at=started_at,
        ended_at=ended_at,
        plan=plan,
        answers=answers or {},
        observed=observed or {},
        next_step=next_step(plan, status),
    )
    return {"json": json.dumps(record, indent=2) + "\n", "markdown": record_markdown(record)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"failover_record": failover_record}
