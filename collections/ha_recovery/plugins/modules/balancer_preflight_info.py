# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: balancer_preflight_info
short_description: Gather what is to be known of a load balancer before a change
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Clock, rights, certificates and disks. Routing and the virtual IP are told by M(sre.ha_recovery.haproxy_info) and
    M(sre.ha_recovery.keepalived_info).
options:
  host:
    description: Inventory name of this host.
    type: str
    required: true
  certificates:
    description: Patterns of certificate files; those that are there are read.
    type: list
    elements: str
    default: [etc/pgbouncer/tls/*.crt, etc/haproxy/tls/*.crt]
  disks:
    description: Directories whose file systems are measured.
    type: list
    elements: str
    default: [var/lib/haproxy, run]
  timeout:
    description: Seconds to wait for each answer.
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
- name: Gather facts before a change
  sre.ha_recovery.balancer_preflight_info:
    host: "{{ inventory_hostname }}"
"""

RETURN = r"""
facts:
  description: What was found. Sizes are in bytes, C(expires_at) and C(clock) in seconds since 1970.
  returned: always
  type: dict
  sample:
    host: lb1
    privilege: {root: true, user: null, error: null}
    certificates: [{path: /etc/pgbouncer/tls/server.crt, expires_at: 1855613529, error: null}]
    disks: [{path: /var/lib/haproxy, device: 66, total_bytes: 10737418240, free_bytes: 5368709120, error: null}]
    clock: {first: 1772334729.120441, last: 1772334729.131021}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.balancer_facts import (
    CERTIFICATES,
    DISKS,
    balancer_facts,
)


def main() -> None:
    """Gather and answer."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "certificates": {"type": "list", "elements": "str", "default": list(CERTIFICATES)},
            "disks": {"type": "list", "elements": "str", "default": list(DISKS)},
            "timeout": {"type": "float", "default": 2.0},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, facts=balancer_facts(HostRunner(), **module.params))


if __name__ == "__main__":
    main()
