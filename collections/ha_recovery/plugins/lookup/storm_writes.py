# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: storm_writes
short_description: Read from a load's journal what clients saw while a runbook ran
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Counts acknowledged writes per tenth of a second around a run, and finds the longest time without one.
options:
  _terms:
    description: Path of the journal; one. When it is empty, so is the answer.
    required: true
  started_at:
    description: When the run began, UTC.
    type: str
    required: true
  ended_at:
    description: When the run ended, UTC.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show how long no write was acknowledged
  ansible.builtin.debug:
    msg: >-
      {{ lookup('sre.ha_recovery.storm_writes', 'artifacts/storm/drill.jsonl', started_at=began, ended_at=ended).gap }}
"""

RETURN = r"""
_raw:
  description: C(writes) of a record, or an empty dictionary.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import moment
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_writes import writes_of


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Read and count."""
        self.set_options(var_options=variables, direct=kwargs)
        began, ended = (moment(str(self.get_option(name))).timestamp() for name in ("started_at", "ended_at"))
        found: list[dict[str, Any]] = []
        for term in terms:
            if not term:
                found.append({})
                continue
            try:
                with Path(str(term)).expanduser().open(encoding="utf-8", errors="replace") as lines:
                    found.append(writes_of(lines, source=str(term), began=began, ended=ended))
            except OSError as problem:
                raise AnsibleLookupError(f"storm_journal {term}: {problem.strerror}") from None
            except ValueError as problem:
                raise AnsibleLookupError(f"storm_journal {term} {problem}") from None
        return found
