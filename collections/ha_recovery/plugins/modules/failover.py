# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: failover
short_description: Carry out a planned failover
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Does what P(sre.ha_recovery.failover_plan#filter) planned, over sessions with all hosts that have a part in it.
    Fences and standbys at the same time, the promotion once every fence is proven, then the load balancers and the
    proof.
  - What a host fails to do is in its answer. P(sre.ha_recovery.failover_result#filter) says what that means.
  - Runs on the control node. Playbook C(failover.yml) is the way to use it.
options:
  plan:
    description: The plan. One that does not act changes nothing.
    type: dict
    required: true
  addresses:
    description: Address of every database host, by name.
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
  who:
    description: Who runs it, for the fence marker.
    type: str
    default: ""
  by:
    description: Name under which the proof is written.
    type: str
    default: failover
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
- name: Fail over
  sre.ha_recovery.failover:
    plan: "{{ failover_plan }}"
    addresses: {pg1: 192.0.2.21, pg2: 192.0.2.22, pg3: 192.0.2.23}
    vip: 192.0.2.100
"""

RETURN = r"""
answers:
  description: >-
    What each host answered to each step, C(balancer), C(fence), C(follow), C(promote), C(verify), in the shape of the
    modules that do the same.
  returned: always
  type: dict
  sample:
    pg2: {promote: {changed: true, timeline: 2, writable_s: 0.131}}
"""
