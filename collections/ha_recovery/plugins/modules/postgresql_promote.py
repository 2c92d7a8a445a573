# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_promote
short_description: Promote a standby in one call, after looking at it once more
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Observes the standby again, refuses when it is not what the plan was made from, promotes it, and waits until it
    accepts a write.
  - A host that is primary already is left alone.
options:
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
  port:
    description: Port of the server.
    type: int
    default: 5432
  expect_timeline:
    description: Timeline that the plan was made from.
    type: int
  expect_received_lsn:
    description: WAL position that the standby had received when the plan was made. It may have more by now.
    type: str
  degrade_sync:
    description: >-
      C(true) switches synchronous replication off (C(95-degraded.conf)) because no standby is left, C(false) makes sure
      that it is not, and by default it is left as it is.
    type: bool
  timeout:
    description: Seconds to wait for the promotion.
    type: float
    default: 30.0
attributes:
  check_mode:
    description: Says whether it would be promoted and touches nothing.
    support: full
  diff_mode:
    description: Shows role and degraded replication before and after.
    support: full
  idempotent:
    description: A primary is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Promote the standby that has the most
  sre.ha_recovery.postgresql_promote:
    host: pg2
    expect_timeline: 1
    expect_received_lsn: 0/5000148
    degrade_sync: false
"""

RETURN = r"""
started_at:
  description: When it began, UTC, by the host's own clock.
  returned: always
  type: str
  sample: "2026-03-01T03:12:09.250Z"
role_before:
  description: Role when the call began.
  returned: always
  type: str
  sample: standby
timeline_before:
  description: Timeline when the call began.
  returned: always
  type: int
  sample: 1
received_lsn:
  description: WAL position that the standby had received when it was promoted.
  returned: always
  type: str
  sample: 0/5000148
timeline:
  description: Timeline now. Null in check mode.
  returned: always
  type: int
  sample: 2
lsn:
  description: WAL position of the new primary.
  returned: success
  type: str
  sample: 0/50001F8
promote_s:
  description: Seconds until the promotion was done.
  returned: success
  type: float
  sample: 0.104
writable_s:
  description: Seconds until a write was accepted.
  returned: success
  type: float
  sample: 0.131
synchronous_standby_names:
  description: What commits wait for now.
  returned: success
  type: str
  sample: ANY 1 ("pg1","pg2","pg3")
streaming:
  description: Standbys that stream from the new primary already.
  returned: success
  type: list
  elements: str
  sample: [pg3]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote_run import run_promote


def main() -> None:
    """Look again, decide, promote, look again."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str"},
            "cluster": {"type": "str", "default": "main"},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 5432},
            "expect_timeline": {"type": "int"},
            "expect_received_lsn": {"type": "str"},
            "degrade_sync": {"type": "bool"},
            "timeout": {"type": "float", "default": 30.0},
        },
        supports_check_mode=True,
    )
    try:
        result = run_promote(HostRunner(), module.params, check_mode=module.check_mode)
    except Failed as problem:
        module.fail_json(msg=str(problem), **problem.result)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
