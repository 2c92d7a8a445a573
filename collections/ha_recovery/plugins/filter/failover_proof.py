# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.ladder import missing_proofs

DOCUMENTATION = r"""
name: failover_proof
short_description: Say what is missing before a promotion is safe
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Compares what the fencing tasks answered with what the plan requires.
options:
  _input:
    description: The plan.
    type: dict
    required: true
  answers:
    description: Host name to C(balancer) (list of results), C(fence), C(follow), as registered.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Promote only behind proven fences
  ansible.builtin.assert:
    that: plan | sre.ha_recovery.failover_proof(answers) == []
"""

RETURN = r"""
_value:
  description: One line per missing proof; empty means that the promotion is safe.
  type: list
  elements: str
"""


def failover_proof(plan: Any, answers: Any) -> list[str]:
    """See DOCUMENTATION."""
    return missing_proofs(plan, answers)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"failover_proof": failover_proof}
