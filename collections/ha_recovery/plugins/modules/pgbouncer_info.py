# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbouncer_info
short_description: Observe the connection pools of a load balancer
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Asks the admin console of each of the two instances that the role C(pgbouncer) runs, and systemd since when they do.
  - A pool that does not run or does not answer is an answer (C(error) says why), not an error.
options:
  host:
    description: Inventory name of this host; copied into the answer.
    type: str
    required: true
attributes:
  check_mode:
    description: Only looks.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Look at the pools
  sre.ha_recovery.pgbouncer_info:
    host: "{{ inventory_hostname }}"
"""

RETURN = r"""
pgbouncer:
  description: >-
    The pools, each as M(sre.ha_recovery.pgbouncer_pool) describes it, and C(port), on which it listens, and C(stale),
    the files below C(/etc/pgbouncer) that it has not read yet.
  returned: always
  type: dict
  sample:
    host: lb1
    installed: true
    version: 1.24.1
    pools:
      - pool: read_write
        configured: true
        running: true
        state: active
        error: null
        version: 1.24.1
        databases:
          - {name: app, paused: false, disabled: false, clients_active: 8, clients_waiting: 0, servers_active: 3,
             servers_idle: 2, max_wait_s: 0.0}
        lease: null
        port: 5432
        stale: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.observe import observe


def main() -> None:
    """Observe and answer."""
    module = AnsibleModule(argument_spec={"host": {"type": "str", "required": True}}, supports_check_mode=True)
    module.exit_json(changed=False, pgbouncer=observe(HostRunner(), module.params["host"]))


if __name__ == "__main__":
    main()
