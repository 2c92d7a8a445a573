# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_fence
short_description: Keep a host's Postgres down, across reboots, or lift that again
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - C(fenced) writes a marker, masks the unit and stops the server at once (immediate, then SIGKILL), in this order, and
    proves that no server process is left.
  - C(lifted) unmasks the unit and removes the marker. It starts nothing.
options:
  state:
    description: Whether the host is to be fenced.
    type: str
    choices: [fenced, lifted]
    default: fenced
  version:
    description: Major version. By default the newest one below C(/etc/postgresql) that has this cluster.
    type: str
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  host:
    description: Inventory name of this host.
    type: str
    required: true
  by:
    description: Who fences, for the marker.
    type: str
    default: ""
  reason:
    description: Why, for the marker.
    type: str
    default: ""
  new_primary:
    description: Host that takes over, for the marker.
    type: str
  lift_with:
    description: Command that readmits the host, for the marker. By default where the way is described.
    type: str
  timeout:
    description: Seconds to wait after each signal.
    type: float
    default: 2.0
attributes:
  check_mode:
    description: Says what would be done and touches nothing.
    support: full
  diff_mode:
    description: Shows marker, mask and server before and after.
    support: full
  idempotent:
    description: A fenced host is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Fence the old primary
  sre.ha_recovery.postgresql_fence:
    host: pg1
    reason: failover to pg2
    new_primary: pg2
"""

RETURN = r"""
started_at:
  description: When it began, UTC, by the host's own clock.
  returned: always
  type: str
  sample: "2026-03-01T03:12:09.250Z"
fenced:
  description: Whether the host is fenced now, with marker, mask and no server process.
  returned: always
  type: bool
  sample: true
isolated:
  description: >-
    Whether the port of a server that could not be stopped is cut off instead (table C(inet ha_recovery_fence) of nft),
    and the unit masked. The task fails nevertheless. With O(state=lifted), whether it was cut off before.
  returned: always
  type: bool
  sample: false
steps:
  description: What was done (in check mode, what would be).
  returned: always
  type: list
  elements: str
  sample: [write_marker, mask, stop]
stopped_by:
  description: How the server ended, C(immediate) or C(killed); empty when it did not run.
  returned: always
  type: str
  sample: immediate
marker:
  description: Content of the fence marker.
  returned: always
  type: dict
  sample:
    {host: pg1, fenced_at: "2026-03-01T03:12:09Z", by: anna, reason: failover to pg2, new_primary: pg2,
     lift_with: ansible-playbook playbooks/rejoin.yml -e rejoin_host=pg1}
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 0.231
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_run import run_fence


def main() -> None:
    """Read, plan, apply, read again."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "default": "fenced", "choices": ["fenced", "lifted"]},
            "version": {"type": "str"},
            "cluster": {"type": "str", "default": "main"},
            "host": {"type": "str", "required": True},
            "by": {"type": "str", "default": ""},
            "reason": {"type": "str", "default": ""},
            "new_primary": {"type": "str"},
            "lift_with": {"type": "str"},
            "timeout": {"type": "float", "default": 2.0},
        },
        supports_check_mode=True,
    )
    try:
        result = run_fence(HostRunner(), module.params, check_mode=module.check_mode)
    except Failed as problem:
        module.fail_json(msg=str(problem), **problem.result)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
