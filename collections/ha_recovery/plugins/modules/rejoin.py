# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rejoin
short_description: Bring a database host back as a standby
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Does what P(sre.ha_recovery.rejoin_plan#filter) planned. WAL that only the host has is saved first. Postgres cannot
    start there until its data is a standby's; traffic comes back last, when it streams.
  - Runs on the control node. Playbook C(rejoin.yml) is the way to use it.
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
    default: rejoin
  copy_within:
    description: Seconds that a new copy may take.
    type: float
    default: 86400
  stanza:
    description: The cluster's name in the backup repository, for a plan that restores a backup.
    type: str
    default: ""
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
- name: Bring pg1 back
  sre.ha_recovery.rejoin:
    plan: "{{ rejoin_plan }}"
    addresses: {pg1: 192.0.2.21, pg2: 192.0.2.22}
    vip: 192.0.2.100/24
"""

RETURN = r"""
steps:
  description: Every step on every host, with its offset from the beginning and its duration in seconds.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: Rewind it to pg2, host: pg1, started_s: 0.31, seconds: 0.84, result: changed, detail: ""}
problems:
  description: What did not work, with the host and the next command. Empty after success.
  returned: always
  type: list
  elements: str
  sample: []
streaming_s:
  description: Seconds from the beginning of the task until the host streamed.
  returned: when the plan acts
  type: float
  sample: 2.31
saved:
  description: The WAL that only the host had, where it is kept, and what committed in it.
  returned: when the plan acts
  type: dict
  sample:
    path: /var/lib/postgresql/17/main.diverged-20260301T031209Z
    from_timeline: 1
    from_lsn: 0/5000148
    to_lsn: 0/50213A8
    bytes: 135776
    committed: 1
    transactions: [{xid: 748, at: 2026-03-01 03:11:02.1 UTC, lsn: 0/5000180, relations: [1663/5/16385]}]
    segments: ["000000010000000000000005"]
    notes: []
fell_back:
  description: Why the primary was copied although a backup was to be restored; empty when it was not so.
  returned: when the plan acts
  type: str
  sample: ""
aside:
  description: Where the data that a new copy replaced is kept; empty when there was none.
  returned: when the plan acts
  type: str
  sample: ""
verified:
  description: The write through the virtual IP, as M(sre.ha_recovery.client_check) returns it.
  returned: when the plan acts
  type: dict
  sample: {server_address: 192.0.2.22, timeline: 2, tries: 1, seconds: 0.041, read_seconds: 0.075}
"""
