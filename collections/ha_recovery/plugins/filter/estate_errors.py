# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.estate import estate_errors_of

DOCUMENTATION = r"""
name: estate_errors
short_description: Find the mistakes of an inventory before any host is touched
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Judges names, groups, addresses, virtual IP, VRRP settings and secrets. Secrets are never repeated in the answer.
options:
  _input:
    description: >-
      The estate, C(variables) (name to value) and C(hosts) (name to C(groups), C(ha_address), C(keepalived_priority)).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse a wrong inventory
  ansible.builtin.assert:
    that: (estate | sre.ha_recovery.estate_errors) == []
"""

RETURN = r"""
_value:
  description: One entry per mistake, with C(variable), C(host), C(observed), C(allowed) and C(message).
  type: list
  elements: dict
"""


def estate_errors(estate: Mapping[str, Any]) -> list[dict[str, str]]:
    """See DOCUMENTATION."""
    return [error.as_dict() for error in estate_errors_of(estate["variables"], estate["hosts"])]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"estate_errors": estate_errors}
