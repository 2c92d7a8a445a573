# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_info
short_description: Observe HAProxy and the servers that it balances
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Reads version, uptime and every server's state through HAProxy's runtime API.
  - A HAProxy that does not run or does not answer is an answer (C(running) is false, C(error) says why), not an error.
options:
  host:
    description: Inventory name of this host; copied into the answer.
    type: str
    required: true
  socket:
    description: Socket of the runtime API.
    type: path
    default: /run/haproxy/admin.sock
  timeout:
    description: Seconds to wait for each answer of HAProxy.
    type: float
    default: 2.0
attributes:
  check_mode:
    description: Nothing is ever changed, so check mode is the same.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Observe HAProxy
  sre.ha_recovery.haproxy_info:
    host: "{{ inventory_hostname }}"
"""

RETURN = r"""
haproxy:
  description: >-
    HAProxy as decisions see it. C(status) and C(check_status) are HAProxy's own words. C(admin_state) lists the orders
    in force (maint, drain and the inherited kinds of both); none means ready.
    C(started_at) is when the process that answers began (seconds since the epoch).
  returned: always
  type: dict
  sample:
    host: lb1
    running: true
    version: 3.0.11-1+deb13u5
    uptime_s: 86412
    started_at: 1772330412
    servers:
      - backend: postgresql_primary
        server: pg1
        address: 192.0.2.21
        port: 5432
        status: UP
        admin_state: []
        operational_state: running
        weight: 1
        check_status: L7OK
        last_change_s: 86410
    maintenance: null
    error: null
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.ask import ask


def main() -> None:
    """Observe and answer."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "socket": {"type": "path", "default": "/run/haproxy/admin.sock"},
            "timeout": {"type": "float", "default": 2.0},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, haproxy=ask(**module.params))


if __name__ == "__main__":
    main()
