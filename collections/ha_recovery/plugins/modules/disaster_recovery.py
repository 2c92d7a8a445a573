# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: disaster_recovery
short_description: Bring a lost cluster back from its backups
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Does what P(sre.ha_recovery.disaster_plan#filter) planned, in two parts. The first restores a backup on one host,
    replays WAL, and promotes it once it was seen to have come to the target. Between them C(site.yml) brings up
    standbys and load balancers. The second takes a full backup, lets clients in and proves it through the virtual IP.
  - Interrupted at any step, the next run goes on from the notes on the database hosts.
  - Runs on the control node. Playbook C(disaster_recovery.yml) is the way to use it.
options:
  plan:
    description: The plan. One that does not act changes nothing.
    type: dict
    required: true
  part:
    description: Which of the two.
    type: str
    choices: [recover, complete]
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
    default: disaster_recovery
  within:
    description: Seconds that restoring files, recovery and the backup may take, each.
    type: float
    default: 86400
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
- name: Restore, prove and promote
  sre.ha_recovery.disaster_recovery:
    plan: "{{ disaster_plan }}"
    part: recover
    addresses: {pg1: 192.0.2.21, pg2: 192.0.2.22, lb1: 192.0.2.11, backup1: 192.0.2.31}
    vip: 192.0.2.100/24
"""

RETURN = r"""
steps:
  description: Every step on every host, with its offset from the beginning and its duration in seconds.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: Restore backup 20260301-010000F, host: pg1, started_s: 4.2, seconds: 12.1, result: changed, detail: ""}
problems:
  description: What did not work, with the host, the state things are in and the next command. Empty after success.
  returned: always
  type: list
  elements: str
  sample: []
proof:
  description: What recovery itself said of where it stopped.
  returned: when the plan acts
  type: dict
  sample:
    state: reached
    words: recovery is at 0/5000148, last transaction committed 2026-03-01 01:59:41.100000+00
    stopped: recovery stopping before commit of transaction 748, time 2026-03-01 01:59:42.2 UTC
    lsn: 0/5000148
    commit_at: "2026-03-01 01:59:41.100000+00"
timeline:
  description: The timeline that the cluster is on now.
  returned: when the plan acts
  type: int
  sample: 3
backup:
  description: Label of the full backup that was taken of it.
  returned: when the plan acts
  type: str
  sample: 20260301-023000F
aside:
  description: Empty; there was no data before.
  returned: when the plan acts
  type: str
  sample: ""
verified:
  description: The write through the virtual IP, as M(sre.ha_recovery.client_check) returns it.
  returned: when the plan acts
  type: dict
  sample: {server_address: 192.0.2.21, timeline: 3, tries: 1, seconds: 0.041, read_seconds: 0.075}
"""
