# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import hba

DOCUMENTATION = r"""
name: postgresql_hba
short_description: The rules of pg_hba.conf, made from the inventory's hosts and nothing else
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Replication and checks come from database hosts, applications from load balancers, over TLS with SCRAM only.
  - A connection that no rule names is refused.
options:
  _input:
    description: Inventory name to address of every database host.
    type: dict
    required: true
  pooler:
    description: Role that looks verifiers up for the pooler on the client hosts; empty where there is no pooler.
    type: str
    default: ""
  dump_hosts:
    description: Inventory name to address of every host that takes logical dumps, as the role C(ha_dump).
    type: dict
    default: {}
  client_hosts:
    description: Inventory name to address of every host that passes applications' connections on.
    type: dict
    required: true
  databases:
    description: Databases that applications may use.
    type: list
    elements: str
    required: true
  extra:
    description: >-
      Further rules, tried first, each with C(type) (hostssl, host, local), C(database), C(user), C(address), C(method)
      and C(why). Methods that send or need no password are refused.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the rules
  ansible.builtin.debug:
    msg: "{{ {'pg1': '192.0.2.21'} | sre.ha_recovery.postgresql_hba(client_hosts={}, databases=['app']) }}"
"""

RETURN = r"""
_value:
  description: Lines of pg_hba.conf.
  type: str
"""


def postgresql_hba(
    database_hosts: Mapping[str, str],
    client_hosts: Mapping[str, str],
    databases: Sequence[str],
    extra: Sequence[Mapping[str, Any]] = (),
    pooler: str = "",
    dump_hosts: Mapping[str, str] | None = None,
) -> str:
    """See DOCUMENTATION."""
    try:
        lines = hba.rules(
            database_hosts=database_hosts,
            client_hosts=client_hosts,
            databases=databases,
            pooler_user=pooler,
            dump_hosts=dump_hosts,
            extra=hba.parse_extra(extra),
        )
        return hba.render(lines)
    except hba.HbaError as refusal:
        raise AnsibleFilterError(str(refusal)) from refusal


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"postgresql_hba": postgresql_hba}
