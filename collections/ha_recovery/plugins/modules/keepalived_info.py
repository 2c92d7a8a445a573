# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keepalived_info
short_description: Observe Keepalived and who holds the virtual IP
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Asks the kernel whether this host holds the virtual IP, and Keepalived (by its JSON dump, for which it gets a
    signal) what state its VRRP instance is in.
  - The two are told apart because they differ when something is wrong, for instance when Keepalived was killed.
  - A Keepalived that does not run or does not answer is an answer (C(error) says why), not an error.
options:
  host:
    description: Inventory name of this host; copied into the answer.
    type: str
    required: true
  vip:
    description: The virtual IP, with or without prefix length.
    type: str
    required: true
  address:
    description: This host's own address in the cluster's network; the interface that has it is C(interface).
    type: str
    required: true
  unit:
    description: Keepalived's systemd unit.
    type: str
    default: keepalived.service
  dump:
    description: The file to which Keepalived writes its state. The role C(keepalived) sets it up.
    type: path
    default: /run/ha_recovery_keepalived/keepalived.json
  timeout:
    description: Seconds to wait for each answer.
    type: float
    default: 2.0
attributes:
  check_mode:
    description: Nothing of the system is changed, so check mode is the same.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Changes nothing of the system; Keepalived rewrites its own state file.
    support: full
"""

EXAMPLES = r"""
- name: Observe Keepalived
  sre.ha_recovery.keepalived_info:
    host: "{{ inventory_hostname }}"
    vip: "{{ ha_vip }}"
    address: "{{ ha_address }}"
"""

RETURN = r"""
keepalived:
  description: >-
    Keepalived as decisions see it. C(state) is MASTER, BACKUP, FAULT (HAProxy does not answer, or the interface is
    down), INIT, STOPPED (the service does not run) or UNKNOWN (it runs and does not tell). C(interface),
    C(network) and C(vip_in_network) are null when no interface has I(address).
  returned: always
  type: dict
  sample:
    host: lb1
    running: true
    holds_vip: true
    state: MASTER
    interface: eth0
    network: 192.0.2.0/24
    vip_in_network: true
    priority: 150
    effective_priority: 150
    error: null
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._keepalived.observe import Asked, observe


def main() -> None:
    """Observe and answer."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "vip": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "unit": {"type": "str", "default": "keepalived.service"},
            "dump": {"type": "path", "default": "/run/ha_recovery_keepalived/keepalived.json"},
            "timeout": {"type": "float", "default": 2.0},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, keepalived=observe(HostRunner(), Asked(**module.params)))


if __name__ == "__main__":
    main()
