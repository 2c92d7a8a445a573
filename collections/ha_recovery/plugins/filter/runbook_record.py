# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import socket
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import (
    RecordError,
    build_record,
    record_name,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_html import record_html
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_markdown import record_markdown

DOCUMENTATION = r"""
name: runbook_record
short_description: Write down a run for machines and for people
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Puts what a runbook knows into one record, the same shape for every runbook, and writes it as JSON, as Markdown to
    paste into a ticket, and as one self-contained HTML page.
  - The shape is published as C(docs/record.schema.json) of this collection.
options:
  _input:
    description:
      - The parts that the runbook knows, any of C(headline), C(evidence), C(verdicts), C(waivers), C(plan), C(steps),
        C(old_primary), C(new_primary), C(timeline_before), C(timeline_after), C(lsn), C(write_gap_s),
        C(possible_loss_bytes), C(verified), C(problems), C(next). Anything else is an error.
      - A step has C(name) and may have C(host), C(started_at) (UTC) or C(started_s), C(seconds), C(result) and
        C(detail); a module's answer with C(name) and C(host) added will do.
    type: dict
    required: true
  runbook:
    description: Name of the runbook.
    type: str
    required: true
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  status:
    description: How it ended.
    type: str
    choices: [started, done, none, refused, failed]
    required: true
  who:
    description: Who ran it.
    type: str
    required: true
  started_at:
    description: When it began, UTC, with or without a fraction of a second.
    type: str
    required: true
  ended_at:
    description: When it ended, UTC.
    type: str
    required: true
  name:
    description: Name of the files, without an ending. The default is made of begin and runbook.
    type: str
    default: ''
  writes:
    description: What P(sre.ha_recovery.storm_writes#lookup) found, when a load's journal was given.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Write the record
  sre.ha_recovery.runbook_artifact:
    directory: artifacts/orders
    files: >-
      {{ {'headline': 'pg2 became primary in place of pg1', 'old_primary': 'pg1', 'new_primary': 'pg2', 'steps': steps}
      | sre.ha_recovery.runbook_record(runbook='switchover', cluster='orders', status='done', who='anna',
      started_at=began, ended_at=now(utc=true, fmt='%Y-%m-%dT%H:%M:%S.%fZ')) }}
"""

RETURN = r"""
_value:
  description: File name to text, for M(sre.ha_recovery.runbook_artifact).
  type: dict
"""


def runbook_record(
    parts: Any,
    runbook: str,
    cluster: str,
    status: str,
    who: str,
    started_at: str,
    ended_at: str,
    name: str = "",
    writes: Any = None,
) -> dict[str, str]:
    """See DOCUMENTATION."""
    try:
        record = build_record(
            parts,
            cluster=cluster,
            runbook=runbook,
            status=status,
            who=who,
            control_host=socket.gethostname(),
            started_at=started_at,
            ended_at=ended_at,
            writes=writes or None,
        )
        stem = name or record_name(started_at, runbook)
    except RecordError as problem:
        raise AnsibleFilterError(f"the record of {runbook} cannot be written: {problem}") from None
    return {
        f"{stem}.json": json.dumps(record, indent=2) + "\n",
        f"{stem}.md": record_markdown(record),
        f"{stem}.html": record_html(record),
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"runbook_record": runbook_record}
