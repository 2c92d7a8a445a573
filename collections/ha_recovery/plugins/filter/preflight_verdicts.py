# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.candidate import priorities_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.answers import look_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.judge import preflight
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.look import limits_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.table import parse_waivers
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.text import refusal_lines, screen

DOCUMENTATION = r"""
name: preflight_verdicts
short_description: Judge whether a change may begin
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Runs every check that applies to what is planned on what the hosts answered to M(sre.ha_recovery.estate_info).
  - Verdicts are C(ok), C(warn), C(block) or C(waived), each with what was observed, what was expected and the fix.
options:
  _input:
    description: C(hosts) as M(sre.ha_recovery.estate_info) returns it, asked as C(playbooks/vars/preflight.yml) does.
    type: dict
    required: true
  databases:
    description: Names of all database hosts.
    type: list
    elements: str
    default: []
  load_balancers:
    description: Names of all load balancers.
    type: list
    elements: str
    default: []
  purpose:
    description: What is planned. C(general) asks whether all is ready, should a switchover be wanted.
    type: str
    choices: [switchover, maintenance, rolling, lb_failover, failover, general]
    default: general
  candidate:
    description: The host that is to become primary. Empty chooses the best standby, where anybody is to become primary.
    type: str
    default: ""
  target:
    description: The host that is to be taken out of service, or that is to take the virtual IP (C(lb_failover)).
    type: str
    default: ""
  waive:
    description: Names of checks whose findings are accepted; a list, or text with commas.
    type: raw
    default: []
  limits:
    description: Where warnings and refusals begin, see C(docs/preflight.md).
    type: dict
    default: {}
  cluster:
    description: Name of the cluster, for the screen.
    type: str
    default: ""
  priorities:
    description: >-
      For each host, C(failover_priority) of its variables, a whole number. Of two standbys that are as good the higher
      one becomes primary.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Judge whether pg2 can take over
  ansible.builtin.set_fact:
    verdicts: >-
      {{ estate.hosts | sre.ha_recovery.preflight_verdicts(databases=groups['database'],
      load_balancers=groups['load_balancer'], purpose='switchover', candidate='pg2', waive='base_backup') }}
"""

RETURN = r"""
_value:
  description: >-
    C(level) (the most serious one: ok, warn or block), C(purpose), C(primary), C(candidate), C(verdicts), C(waivers),
    C(lines) for the screen and C(refusal_lines), what blocks.
  type: dict
"""


def preflight_verdicts(
    hosts: Any,
    databases: Any = (),
    load_balancers: Any = (),
    purpose: str = "general",
    candidate: str = "",
    target: str = "",
    waive: Any = (),
    limits: Any = None,
    cluster: str = "",
    priorities: Any = None,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        waived = parse_waivers(waive)
        look = look_from(
            hosts,
            [str(name) for name in databases],
            [str(name) for name in load_balancers],
            purpose=str(purpose),
            now=time.time(),
            named=str(candidate) or None,
            target=str(target) or None,
            limits=limits_from(limits),
            priorities=priorities_from(priorities or {}),
        )
    except ValueError as problem:
        raise AnsibleFilterError(str(problem)) from problem
    found = preflight(look, waived)
    return {**found.as_dict(), "lines": screen(found, cluster), "refusal_lines": refusal_lines(found)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"preflight_verdicts": preflight_verdicts}
