# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_server
short_description: Order HAProxy's servers into service, drain or maintenance, so that a restart remembers
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Sets the state and weight of one or many servers through HAProxy's runtime API, in one call.
  - By default the orders are also written to the server-state-file (atomically, flushed to the disk), so that they hold
    after a restart of HAProxy and a power cut of the load balancer.
  - Any text that HAProxy answers to an order is an error, for HAProxy reports errors in no other way.
  - A server that leaves maintenance stays down until a health check has passed. HAProxy by itself takes it for healthy
    until a check has failed, and would send writes to a standby meanwhile.
  - A change is a change of orders. Whether a check passes and how many sessions there are does not count.
options:
  servers:
    description: Names of the servers. Each must be in each of I(backends).
    type: list
    elements: str
    required: true
  backends:
    description: Names of the backends.
    type: list
    elements: str
    default: [postgresql_primary, postgresql_replicas]
  state:
    description:
      - V(ready) lets health checks decide, V(drain) keeps connections and accepts no new ones, V(maint) ends
        connections and stops health checks.
    type: str
    choices: [ready, drain, maint]
  weight:
    description: Weight of the servers, 0 to 256.
    type: int
  persist:
    description: Write the orders to I(state_file), where the next start of HAProxy finds them.
    type: bool
    default: true
  end_sessions:
    description:
      - With O(state=maint), also end the servers' connections in processes that a reload left behind to finish them.
        Those processes check no server any more and take no orders about servers.
    type: bool
    default: true
  when_stopped:
    description:
      - What to do when HAProxy does not run. V(fail) fails. V(persist) writes the orders to I(state_file), so that the
        next start of HAProxy obeys them. A HAProxy that runs and does not answer is always an error.
    type: str
    choices: [fail, persist]
    default: fail
  socket:
    description: Socket of the runtime API, with level admin.
    type: path
    default: /run/haproxy/admin.sock
  master_socket:
    description: Socket of HAProxy's master process.
    type: path
    default: /run/haproxy-master.sock
  state_file:
    description: HAProxy's C(server-state-file). The role C(haproxy) sets it up.
    type: path
    default: /var/lib/ha_recovery/haproxy_server_state
  timeout:
    description: Seconds to wait for each answer of HAProxy.
    type: float
    default: 2.0
attributes:
  check_mode:
    description: Reads HAProxy's state and says what would change.
    support: full
  diff_mode:
    description: Shows state and weight of the servers named.
    support: full
  idempotent:
    description: Gives no order that is in force already.
    support: full
"""

EXAMPLES = r"""
- name: Keep clients away from the failed primary, also after a reboot of the load balancer
  sre.ha_recovery.haproxy_server:
    servers: [pg1]
    state: maint

- name: Readmit a server that has rejoined as a standby
  sre.ha_recovery.haproxy_server:
    servers: [pg1]
    state: ready

- name: Send half as many reports to the smaller standby
  sre.ha_recovery.haproxy_server:
    servers: [pg3]
    backends: [postgresql_replicas]
    weight: 50
"""

RETURN = r"""
started_at:
  description: When it began, UTC, by the host's own clock.
  returned: success
  type: str
  sample: "2026-03-01T03:12:09.250Z"
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 0.041
servers:
  description: The servers after the orders; in check mode, as they would be.
  returned: always
  type: list
  elements: dict
  sample:
    - {backend: postgresql_primary, server: pg1, state: maint, weight: 1}
    - {backend: postgresql_replicas, server: pg1, state: maint, weight: 1}
commands:
  description: The orders given, one line each; in check mode, those that would be given.
  returned: always
  type: list
  elements: str
  sample: [set server postgresql_primary/pg1 state maint, set server postgresql_replicas/pg1 state maint]
ended_sessions:
  description: Connections ended in processes that a reload had left behind.
  returned: always
  type: int
  sample: 0
persisted:
  description: Whether the state file was written; false when it already held the orders.
  returned: always
  type: bool
  sample: true
running:
  description: Whether HAProxy runs. False only with O(when_stopped=persist).
  returned: always
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.plan import STATES
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.serve import serve

ARGUMENTS = {
    "servers": {"type": "list", "elements": "str", "required": True},
    "backends": {"type": "list", "elements": "str", "default": ["postgresql_primary", "postgresql_replicas"]},
    "state": {"type": "str", "choices": list(STATES)},
    "weight": {"type": "int"},
    "persist": {"type": "bool", "default": True},
    "end_sessions": {"type": "bool", "default": True},
    "when_stopped": {"type": "str", "choices": ["fail", "persist"], "default": "fail"},
    "socket": {"type": "path", "default": "/run/haproxy/admin.sock"},
    "master_socket": {"type": "path", "default": "/run/haproxy-master.sock"},
    "state_file": {"type": "path", "default": "/var/lib/ha_recovery/haproxy_server_state"},
    "timeout": {"type": "float", "default": 2.0},
}


def main() -> None:
    """Read the request, carry it out, answer."""
    module = AnsibleModule(argument_spec=ARGUMENTS, required_one_of=[["state", "weight"]], supports_check_mode=True)
    try:
        module.exit_json(**serve(module.params, check_mode=module.check_mode))
    except Failed as problem:
        module.fail_json(msg=str(problem), **problem.result)


if __name__ == "__main__":
    main()
