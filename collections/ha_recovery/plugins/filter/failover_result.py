# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.result import problems_of, summary_of

DOCUMENTATION = r"""
name: failover_result
short_description: Say what came of a failover
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Compares the answers of all steps with the plan.
options:
  _input:
    description: The plan.
    type: dict
    required: true
  answers:
    description: Host name to what its steps answered.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what came of it
  ansible.builtin.debug:
    msg: "{{ (plan | sre.ha_recovery.failover_result(answers)).lines }}"
"""

RETURN = r"""
_value:
  description: C(problems), one line per step that did not work, and C(lines), the end of the run for people.
  type: dict
"""


def failover_result(plan: Any, answers: Any) -> dict[str, list[str]]:
    """See DOCUMENTATION."""
    return {"problems": problems_of(plan, answers), "lines": summary_of(plan, answers)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"failover_result": failover_result}
