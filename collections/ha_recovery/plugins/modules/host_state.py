# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Say in one look which packages, users and services of a role are not as they should be
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Asks dpkg, the user database and systemd. Changes nothing.
  - Roles skip the tasks that install, make and start where this says that nothing is due.
options:
  packages:
    description: Debian packages that should be installed.
    type: list
    elements: str
    default: []
  users:
    description: System users that should exist.
    type: list
    elements: str
    default: []
  services:
    description: Unit to the files that it reads when it starts or reloads.
    type: dict
    default: {}
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
- name: See what HAProxy lacks on this host
  sre.ha_recovery.host_state:
    packages: [haproxy]
    services:
      haproxy: [/etc/haproxy/haproxy.cfg]
"""

RETURN = r"""
missing_packages:
  description: Packages that are not installed.
  returned: always
  type: list
  elements: str
  sample: [haproxy]
missing_users:
  description: Users that do not exist.
  returned: always
  type: list
  elements: str
  sample: []
services:
  description: >-
    Unit to C(active), C(enabled), C(since) (last start or reload, seconds since 1970), C(stale) (files that it reads
    and that are newer) and C(due) (why something has to be done; empty when it is as it should be).
  returned: always
  type: dict
  sample:
    haproxy: {active: true, enabled: true, since: 1795689600.0, stale: [], due: []}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import host_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner


def main() -> None:
    """Look and answer."""
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "users": {"type": "list", "elements": "str", "default": []},
            "services": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    runner = HostRunner()
    services = {}
    for unit, reads in module.params["services"].items():
        service, stale = host_state.look_at(runner, unit, reads or [])
        services[unit] = {
            "active": service.active,
            "enabled": service.enabled,
            "since": service.since,
            "stale": stale,
            "due": host_state.due(service, stale),
        }
    module.exit_json(
        changed=False,
        missing_packages=host_state.missing_packages(runner, module.params["packages"]),
        missing_users=host_state.missing_users(module.params["users"]),
        services=services,
    )


if __name__ == "__main__":
    main()
