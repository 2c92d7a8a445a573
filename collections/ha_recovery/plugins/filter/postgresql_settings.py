# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import settings

DOCUMENTATION = r"""
name: postgresql_settings
short_description: Settings of a Postgres server of the estate, as postgresql.conf holds them
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Derives memory and WAL settings from the host, adds what all hosts of the estate share, then what people set.
options:
  _input:
    description: What people set, name to value; it wins.
    type: dict
    required: true
  memory_bytes:
    description: Memory that Postgres may use.
    type: int
    required: true
  disk_bytes:
    description: Size of the file system that holds the data.
    type: int
    required: true
  names:
    description: Inventory names of all database hosts.
    type: list
    elements: str
    required: true
  mode:
    description: How commits are replicated.
    type: str
    choices: [sync, async]
    required: true
  max_connections:
    description: Connections that the server allows; the same on every host.
    type: int
    required: true
  archive_command:
    description: Command that archives a WAL segment. Archiving is off when it is empty.
    type: str
    default: ""
  tls_directory:
    description: Directory of server.crt, server.key and ca.crt.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the settings
  ansible.builtin.debug:
    msg: >-
      {{ {'work_mem': '32MB'} | sre.ha_recovery.postgresql_settings(memory_bytes=8589934592, disk_bytes=107374182400,
      names=['pg1', 'pg2'], mode='sync', max_connections=200, tls_directory='/etc/postgresql/17/main/tls') }}
"""

RETURN = r"""
_value:
  description: Lines of postgresql.conf, sorted by name.
  type: str
"""


def postgresql_settings(
    overrides: Mapping[str, Any],
    *,
    memory_bytes: int,
    disk_bytes: int,
    names: list[str],
    mode: str,
    max_connections: int,
    tls_directory: str,
    archive_command: str = "",
    archive_timeout: int = 0,
    restore_command: str = "",
) -> str:
    """See DOCUMENTATION."""
    try:
        derived = {
            **settings.memory_settings(int(memory_bytes), int(max_connections)),
            **settings.wal_settings(int(disk_bytes)),
            **settings.estate_settings(
                names=names,
                mode=mode,
                max_connections=int(max_connections),
                archive_command=archive_command,
                archive_timeout=int(archive_timeout),
                restore_command=restore_command,
                tls_directory=tls_directory,
            ),
        }
        return settings.render(settings.merge(derived, overrides))
    except settings.SettingError as refusal:
        raise AnsibleFilterError(str(refusal)) from refusal


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"postgresql_settings": postgresql_settings}
