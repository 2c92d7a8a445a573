# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import reseed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import parse_history

DOCUMENTATION = r"""
name: seed_source
short_description: Decide whether a new standby's data comes out of the backups or from the primary
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - The newest undamaged backup on the way to the primary's timeline, from a size of the database on; otherwise a copy
    of the primary. Pure.
options:
  _input:
    description: What M(sre.ha_recovery.pgbackrest_info) returned as C(pgbackrest); empty when it did not answer.
    type: dict
    required: true
  system_identifier:
    description: The primary's.
    type: str
    required: true
  timeline:
    description: The primary's.
    type: int
    required: true
  history:
    description: Content of the history file of that timeline, as Postgres keeps it in C(pg_wal); the first has none.
    type: str
    default: ""
  above_mb:
    description: Size of the database in MiB from which on the backups are used.
    type: int
    default: 10240
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    source: "{{ seen.pgbackrest | sre.ha_recovery.seed_source(system_identifier='7444810238547623131', timeline=1) }}"
"""

RETURN = r"""
_value:
  description: C(source) (backup or basebackup), C(why) for people, C(label) and C(repository) of the backup.
  type: dict
"""


def seed_source(
    seen: Mapping[str, Any], system_identifier: str, timeline: int, history: str = "", above_mb: int = reseed.ABOVE_MB
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    line = reseed.Line(str(system_identifier), int(timeline), parse_history(history))
    choice = reseed.choose(reseed.Policy(True, "auto", int(above_mb) << 20), seen or None, line)
    backup = choice.backup
    return {
        "source": choice.source,
        "why": choice.why,
        "label": backup.label if backup else "",
        "repository": backup.repository if backup else 0,
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"seed_source": seed_source}
