# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import repositories

DOCUMENTATION = r"""
name: pgbackrest_repository_errors
short_description: Say what is wrong with the repositories of an inventory
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Judges C(pgbackrest_repositories) of the role C(pgbackrest). Secrets are judged and never repeated. Pure.
options:
  _input:
    description: The repositories.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse repositories that cannot be made
  ansible.builtin.assert:
    that: pgbackrest_repositories | sre.ha_recovery.pgbackrest_repository_errors | length == 0
"""

RETURN = r"""
_value:
  description: One sentence of each mistake; empty when there is none.
  type: list
  elements: str
"""


def pgbackrest_repository_errors(entries: Any) -> list[str]:
    """See DOCUMENTATION."""
    return [
        f"pgbackrest_repositories {observed}, expected {allowed}. Next: correct the inventory."
        for observed, allowed in repositories.mistakes(entries)
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"pgbackrest_repository_errors": pgbackrest_repository_errors}
