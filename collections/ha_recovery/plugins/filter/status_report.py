# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.status import (
    report_json,
    report_of,
    status_lines,
)

DOCUMENTATION = r"""
name: status_report
short_description: Judge the whole estate for one screen
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Verdict, reasons with the next command, and a table of every host.
options:
  _input:
    description: C(nodes) and C(load_balancers) as observed.
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
  cluster:
    description: Name of the cluster.
    type: str
    default: ""
  vip:
    description: The virtual IP.
    type: str
    default: ""
  others:
    description: Hosts without a part in the verdict, name to what is known of them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Judge
  ansible.builtin.set_fact:
    report: "{{ observed | sre.ha_recovery.status_report(cluster='orders', vip='192.0.2.100') }}"
"""

RETURN = r"""
_value:
  description: C(verdict), C(lines) for the screen, and C(json), the content of artifacts/status.json.
  type: dict
"""


def status_report(
    observed: Any, databases: Any = (), load_balancers: Any = (), cluster: str = "", vip: str = "", others: Any = None
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    report = report_of(
        nodes_from(observed["nodes"], databases),
        balancers_from(observed["load_balancers"], load_balancers),
        cluster=cluster,
        vip=vip,
        backups=observed.get("backups") or {},
        archives=observed.get("archives") or {},
        copies=observed.get("copies") or {},
    )
    lines = status_lines(report, {str(name): str(text) for name, text in (others or {}).items()})
    return {"verdict": report.verdict, "lines": lines, "json": report_json(report)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"status_report": status_report}
