# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: switchover
short_description: Carry out a planned switchover
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Does what P(sre.ha_recovery.switchover_plan#filter) planned, over sessions with all hosts that have a part in it, so
    that clients wait for a fraction of a second.
  - What fails before the promotion is undone, also when the control node dies. After it there is only forward, and a
    rerun completes what is left.
  - Runs on the control node. Playbook C(switchover.yml) is the way to use it.
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
  by:
    description: Who holds the pools meanwhile, for whoever looks at a lease; and who wrote the proof.
    type: str
    default: switchover
  pause_timeout:
    description: Seconds that running transactions have to end. When they do not, nothing is switched over.
    type: float
    default: 5.0
  stop_timeout:
    description: Seconds that the old primary has to stop. When it does not, it is started again.
    type: float
    default: 10.0
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
- name: Switch over
  sre.ha_recovery.switchover:
    plan: "{{ switchover_plan }}"
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
    - {name: Promote the candidate, host: pg2, started_s: 1.812, seconds: 0.094, result: changed, detail: ""}
problems:
  description: What did not work, with the host. Empty after success.
  returned: always
  type: list
  elements: str
  sample: []
promoted:
  description: Whether the point of no return was passed.
  returned: when the plan acts
  type: bool
  sample: true
restored:
  description: Whether a failure was undone, so that the old primary serves as before.
  returned: when the plan acts
  type: bool
  sample: false
held_s:
  description: Seconds between the pause of the pools and the turn of the load balancers.
  returned: when the plan acts
  type: float
  sample: 0.312
shutdown_lsn:
  description: Where the old primary's WAL ends.
  returned: when the plan acts
  type: str
  sample: 0/5000028
timeline_after:
  description: Timeline of the new primary.
  returned: when the plan acts
  type: int
  sample: 2
verified:
  description: The write through the virtual IP, as M(sre.ha_recovery.client_check) returns it.
  returned: when the plan acts
  type: dict
  sample: {server_address: 192.0.2.22, timeline: 2, tries: 1, seconds: 0.041, read_seconds: 0.075}
"""
