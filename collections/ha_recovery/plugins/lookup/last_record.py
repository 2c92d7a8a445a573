# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: last_record
short_description: What the newest record of a runbook says
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - The newest record of a runbook that was not refused and did something. An interrupted run left one that is not done.
options:
  _terms:
    description: Folder of the records; one.
    required: true
  runbook:
    description: Name of the runbook.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show how the last switchover ended
  ansible.builtin.debug:
    msg: "{{ lookup('sre.ha_recovery.last_record', 'artifacts/orders', runbook='switchover').status }}"
"""

RETURN = r"""
_raw:
  description: >-
    One dictionary with C(name), C(status), C(old_primary), C(new_primary), C(started_at), C(moved) (C(from) and
    C(to), when something else than the primary was moved) and C(age_s), seconds since it ended; empty when there is
    none.
  type: list
  elements: dict
"""

import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

KEYS = ("status", "old_primary", "new_primary", "started_at")


def _age(text: str, now: float) -> float:
    try:
        ended = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    if ended.tzinfo is None:
        ended = ended.replace(tzinfo=timezone.utc)
    return max(0.0, now - ended.timestamp())


def last_record(directory: Path, runbook: str, now: float) -> dict[str, Any]:
    """Newest record that is neither a refusal nor "nothing to do"; files that cannot be read are passed over."""
    for path in sorted(directory.glob(f"*-{runbook}.json"), reverse=True):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            status = record["status"]
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if status in {"refused", "none"}:
            continue
        found = {key: record.get(key) for key in KEYS}
        found["moved"] = (record.get("evidence") or {}).get("moved")
        return {**found, "name": path.stem, "age_s": round(_age(str(record.get("ended_at") or ""), now), 1)}
    return {}


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Look."""
        self.set_options(var_options=variables, direct=kwargs)
        return [last_record(Path(str(term)), str(self.get_option("runbook")), time.time()) for term in terms]
