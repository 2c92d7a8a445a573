# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: runbook_artifact
short_description: Write a runbook's files on the control node
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Writes small text files whole or not at all into one directory, which is made when it is not there.
  - Runs on the control node, without a process of its own.
options:
  directory:
    description: Where to.
    type: path
    required: true
  files:
    description: File name to content.
    type: dict
    required: true
attributes:
  check_mode:
    description: Says what would be written and touches nothing.
    support: full
  diff_mode:
    description: Records are read as files, not as diffs.
    support: none
  idempotent:
    description: A file that has the content already is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Write the record
  sre.ha_recovery.runbook_artifact:
    directory: artifacts/orders
    files:
      20260301T031209Z-failover.json: "{{ record.json }}"
      20260301T031209Z-failover.md: "{{ record.markdown }}"
"""

RETURN = r"""
paths:
  description: The files.
  returned: always
  type: list
  elements: str
  sample: [/home/anna/ha/artifacts/orders/20260301T031209Z-failover.json]
"""
