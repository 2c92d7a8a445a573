# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.scram import verifier

DOCUMENTATION = r"""
name: scram_sha_256
short_description: The SCRAM-SHA-256 verifier of a Postgres password
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - The server stores this in place of the password, so the password itself appears in no statement and in no log.
options:
  _input:
    description: The password, printable ASCII.
    type: str
    required: true
  salt_from:
    description: Text that is unique per cluster and role; the salt follows from it, so that a rerun changes nothing.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Set a password without telling it to the server
  community.postgresql.postgresql_user:
    name: app
    password: "{{ app_password | sre.ha_recovery.scram_sha_256(salt_from='orders/app') }}"
"""

RETURN = r"""
_value:
  description: The verifier, as in pg_authid.rolpassword.
  type: str
"""


def scram_sha_256(password: str, salt_from: str) -> str:
    """See DOCUMENTATION. The password is not repeated in errors."""
    try:
        return verifier(str(password), salt_from)
    except ValueError as refusal:
        raise AnsibleFilterError(f"the password of {salt_from} cannot be used: {refusal}") from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"scram_sha_256": scram_sha_256}
