# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lb_failover
short_description: Move the virtual IP to the other load balancer
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Does what P(sre.ha_recovery.lb_failover_plan#filter) planned - Keepalived on the holder stops, which makes the other
    one take over at once, and starts again as its backup. Then a write through the virtual IP proves it.
  - When nobody takes over, Keepalived is started again, also when the control node dies.
  - Runs on the control node. Playbook C(lb_failover.yml) is the way to use it.
options:
  plan:
    description: The plan. One that does not act changes nothing.
    type: dict
    required: true
  addresses:
    description: Address of every load balancer, by name.
    type: dict
    required: true
  vip:
    description: The virtual IP with its prefix length.
    type: str
    required: true
  port:
    description: Port of the write that proves it.
    type: int
    default: 5000
  by:
    description: Name under which the proof is written.
    type: str
    default: lb_failover
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
- name: Move the virtual IP
  sre.ha_recovery.lb_failover:
    plan: "{{ lb_failover_plan }}"
    addresses: {lb1: 192.0.2.11, lb2: 192.0.2.12}
    vip: 192.0.2.100/24
"""

RETURN = r"""
steps:
  description: Every step on every host, with its offset from the beginning and its duration in seconds.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: Take the virtual IP over, host: lb2, started_s: 0.31, seconds: 0.24, result: changed, detail: ""}
problems:
  description: What did not work, with the host. Empty after success.
  returned: always
  type: list
  elements: str
  sample: []
taken_s:
  description: Seconds from the order until the target had the address.
  returned: when the plan acts
  type: float
  sample: 0.24
restored:
  description: Whether a failure was undone, so that the first holder serves as before.
  returned: when the plan acts
  type: bool
  sample: false
verified:
  description: The write through the virtual IP, as M(sre.ha_recovery.client_check) returns it.
  returned: when the plan acts
  type: dict
  sample: {server_address: 192.0.2.22, timeline: 2, tries: 1, seconds: 0.041, read_seconds: 0.075}
"""
