# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolling_turn
short_description: Restart one host or bring it up to date, as planned
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Does one turn that P(sre.ha_recovery.rolling_plan#filter) named, over sessions with all hosts that have a part.
  - The host leaves as with M(sre.ha_recovery.maintenance), its packages are brought up to date where that is due, and
    it comes back. It is in service again when it has caught up and the load balancers see it.
  - Interrupted, it stays out for maintenance with a note that names the runbook, which brings it back when run again.
  - Runs on the control node. Playbooks C(rolling_restart.yml) and C(rolling_update.yml) are the way to use it.
options:
  plan:
    description: The turn. One that does not act changes nothing.
    type: dict
    required: true
  runbook:
    description: Name of the runbook, for the note.
    type: str
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
    description: A turn is planned only where something is due.
"""

EXAMPLES = r"""
- name: Take the turn
  sre.ha_recovery.rolling_turn:
    plan: "{{ turn }}"
    runbook: rolling_restart
    addresses: {pg1: 192.0.2.21, pg2: 192.0.2.22, pg3: 192.0.2.23}
    vip: 192.0.2.100
"""

RETURN = r"""
steps:
  description: Every step on every host, with its offset from the beginning and its duration in seconds.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: "Start it, and see it stream", host: pg2, started_s: 2.11, seconds: 0.87, result: changed, detail: ""}
problems:
  description: What did not work, with the host. Empty after success.
  returned: always
  type: list
  elements: str
  sample: []
restored:
  description: Whether a failure was undone, so that the host is in service as before.
  returned: when the plan acts
  type: bool
  sample: false
verified:
  description: The write through the virtual IP, as M(sre.ha_recovery.client_check) returns it.
  returned: when the plan acts
  type: dict
  sample: {address: "192.0.2.100:5432", server_address: 192.0.2.21, timeline: 1, tries: 1, seconds: 0.041}
"""
