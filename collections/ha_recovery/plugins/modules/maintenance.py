# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance
short_description: Take one host out of service, or bring it back
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Does what P(sre.ha_recovery.maintenance_plan#filter) planned, over sessions with all hosts that have a part in it.
  - A host that is out carries a note, C(/etc/ha_recovery/maintenance.json), and its services are masked. Neither a
    reboot nor C(site.yml) starts them.
  - A host that could not be taken out is put back as it was. One that could not be brought back stays out.
  - Runs on the control node. Playbook C(maintenance.yml) is the way to use it.
options:
  plan:
    description: The plan. One that does not act changes nothing.
    type: dict
    required: true
  addresses:
    description: Address of every host, by name.
    type: dict
    required: true
  vip:
    description: The virtual IP, through which the write that proves it goes.
    type: str
    required: true
  port:
    description: Port of that write.
    type: int
    default: 5000
  by:
    description: Who does it, for the note.
    type: str
    default: ""
  reason:
    description: Why, for the note.
    type: str
    default: ""
  drain_timeout:
    description: Seconds that sessions have to end at the load balancers. Then they are ended.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: Says whether anything would be done; the plan itself says what.
  diff_mode:
    support: none
    description: The plan is the diff.
  idempotent:
    support: full
    description: A plan made after success does not act.
"""

EXAMPLES = r"""
- name: Take the planned host out
  sre.ha_recovery.maintenance:
    plan: "{{ maintenance_plan }}"
    addresses: {pg1: 192.0.2.21, pg2: 192.0.2.22, pg3: 192.0.2.23, lb1: 192.0.2.11, lb2: 192.0.2.12}
    vip: 192.0.2.100
    by: anna
    reason: new disk
"""

RETURN = r"""
steps:
  description: Every step on every host, with its offset from the beginning and its duration in seconds.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: Let its sessions end, host: lb1, started_s: 0.612, seconds: 1.094, result: changed, detail: ""}
problems:
  description: What did not work, with the host. Empty after success.
  returned: always
  type: list
  elements: str
  sample: []
restored:
  description: Whether a failure was undone, so that the host is in service as before.
  returned: always
  type: bool
  sample: false
verified:
  description: The write through the virtual IP, as M(sre.ha_recovery.client_check) returns it.
  returned: always
  type: dict
  sample: {address: "192.0.2.100:5432", server_address: 192.0.2.22, timeline: 2, tries: 1, seconds: 0.041}
"""
