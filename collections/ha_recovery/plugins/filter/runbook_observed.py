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
  - Makes one observation of the answers that the observing tasks registered. A silent host is part of it.
options:
  _input:
    description: >-
      One entry per host, with C(name), C(address), C(groups), C(reach) and the registered C(database), C(haproxy),
      C(keepalived).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what was seen
  ansible.builtin.debug:
    msg: "{{ answers | sre.ha_recovery.runbook_observed }}"
"""

RETURN = r"""
_value:
  description: C(nodes) and C(load_balancers), lists of what each host is like.
  type: dict
"""


def runbook_observed(answers: Any) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return observed_of(answers)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"runbook_observed": runbook_observed}
