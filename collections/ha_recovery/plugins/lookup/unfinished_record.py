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
  about:
    description: Only a record about this old primary counts. Empty takes any.
    type: str
    default: ""
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


def unfinished(directory: Path, runbook: str, about: str = "") -> str:
    """Name of the newest record when it is not done, else ''. Refusals are not begun runs and are passed over.

    A run that was given up and is about another old primary than ``about`` stays as it is: it is not this one.
    """
    for path in sorted(directory.glob(f"*-{runbook}.json"), reverse=True):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            status, old_primary = record.get("status"), record.get("old_primary")
        except (OSError, ValueError, AttributeError):
            continue
        if status == "refused":
            continue
        same = not about or old_primary in {None, "", about}
        return path.stem if same and status in {"started", "failed"} else ""
    return ""


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[str]:
        """Look."""
        self.set_options(var_options=variables, direct=kwargs)
        runbook, about = str(self.get_option("runbook")), str(self.get_option("about") or "")
        return [unfinished(Path(str(term)), runbook, about) for term in terms]
