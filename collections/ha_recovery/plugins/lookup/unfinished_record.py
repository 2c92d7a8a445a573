# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: unfinished_record
short_description: Find the record that an interrupted run left behind
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Looks at the newest record of a runbook. When it was started or failed and not done, its name is the answer.
options:
  _terms:
    description: Directory of the cluster's records; one.
    required: true
  runbook:
    description: Name of the runbook.
    type: str
    default: failover
"""

EXAMPLES = r"""
- name: Go on with an interrupted record
  ansible.builtin.set_fact:
    unfinished: "{{ lookup('sre.ha_recovery.unfinished_record', 'artifacts/orders', runbook='failover') }}"
"""

RETURN = r"""
_raw:
  description: Name of the record without its ending, or an empty text.
  type: list
  elements: str
"""

import json
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase


def unfinished(directory: Path, runbook: str) -> str:
    """Name of the newest record when it is not done, else ''. Refusals are not begun runs and are passed over."""
    for path in sorted(directory.glob(f"*-{runbook}.json"), reverse=True):
        try:
            status = json.loads(path.read_text(encoding="utf-8")).get("status")
        except (OSError, ValueError, AttributeError):
            continue
        if status == "refused":
            continue
        return path.stem if status in {"started", "failed"} else ""
    return ""


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[str]:
        """Look."""
        self.set_options(var_options=variables, direct=kwargs)
        return [unfinished(Path(str(term)), str(self.get_option("runbook"))) for term in terms]
