# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: runbook_lock
short_description: Let one runbook at a time work on a cluster
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Takes a lock on every host that can be reached, for as long as this ansible-playbook runs. Another run on the same
    cluster, from whichever control node, is refused and told who holds the lock, where, and since when.
  - The lock is held by a process on each host, which holds it for a process on the control node (the keeper), which
    watches ansible-playbook. When ansible-playbook ends, however it ends, the lock ends with it, at once. When the
    control node loses its power or its network, it ends after 10 seconds at the latest.
  - Runs on the control node. The variables of each host say how to log in, as for M(sre.ha_recovery.estate_info).
options:
  state:
    description:
      - V(held) takes the lock, or is content when this very run has it already.
      - V(released) lets it go before the run's end.
      - V(info) looks who holds it and takes nothing.
    type: str
    choices: [held, released, info]
    default: held
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  runbook:
    description: Name of the runbook, for the others.
    type: str
    required: true
  who:
    description: Who runs it, for the others.
    type: str
    required: true
  hosts:
    description: On which hosts. One that does not answer does not count; one at least must.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds to wait at most.
    type: float
    default: 20.0
attributes:
  check_mode:
    description: Takes nothing; warns when somebody else holds the lock.
    support: full
  diff_mode:
    description: Changes nothing of the estate.
    support: none
  idempotent:
    description: A run that has the lock keeps it. Holding it is no change.
    support: full
"""

EXAMPLES = r"""
- name: See that no other runbook is under way
  sre.ha_recovery.runbook_lock:
    cluster: orders
    runbook: switchover
    who: anna
    hosts: "{{ groups['database'] + groups['load_balancer'] }}"
"""

RETURN = r"""
state:
  description: >-
    C(held), or C(joined) when this run had it already. C(free) when nobody holds it
    (O(state=info)), C(released), or C(refused), with which the task fails.
  returned: always
  type: str
  sample: held
hosts:
  description: Where it is held.
  returned: always
  type: list
  elements: str
  sample: [lb1, lb2, pg2, pg3]
unheld:
  description: Where it could not be asked for, and why.
  returned: always
  type: dict
  sample: {pg1: no answer on port 22 within 1 s}
holder:
  description: Who else holds it.
  returned: always
  type: dict
  sample:
    {cluster: orders, runbook: switchover, who: bert, control_host: ops2, pid: 4711, began: "8123",
     since: "2026-03-01T03:12:09Z"}
asked_at:
  description: When this task began, by the control node's clock.
  returned: always
  type: str
  sample: "2026-03-01T03:12:09.123456Z"
refused_by:
  description: The host that turned this run away.
  returned: O(state=held)
  type: str
  sample: lb1
"""
