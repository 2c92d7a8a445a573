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
     lift_with: docs/failover.md tells how to bring pg1 back}
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 0.231
"""

import time
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence import (
    FenceState,
    marker_text,
    plan_fence,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import (
    FenceFailed,
    apply_fence,
    read_state,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, detect_version


def shown(state: FenceState) -> dict:
    """The stable part of the state, for the diff."""
    return {"marker": state.marker is not None, "masked": state.masked, "running": bool(state.processes)}


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
    params = module.params
    began, started_at = time.monotonic(), utc_now()
    fencing = params["state"] == "fenced"
    version = params["version"] or detect_version(params["cluster"])
    if version is None:
        # Nothing can be fenced where no cluster is; that is also proof that nothing runs.
        nothing = {"steps": [], "stopped_by": "", "marker": {}, "seconds": 0.0}
        module.exit_json(changed=False, fenced=False, started_at=started_at, **nothing)
    layout = Layout(version, params["cluster"])
    state = read_state(layout)
    plan = plan_fence(state, fenced=fencing)
    marker = marker_text(
        host=params["host"],
        fenced_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=params["by"],
        reason=params["reason"],
        new_primary=params["new_primary"],
        lift_with=params["lift_with"] or f"docs/failover.md tells how to bring {params['host']} back",
    )
    result = {"steps": plan.steps, "stopped_by": "", "marker": dict(state.marker or {}), "fenced": state.fenced}
    result["started_at"] = started_at
    if module.check_mode:
        module.exit_json(changed=plan.changed, seconds=round(time.monotonic() - began, 3), **result)
    try:
        result.update(apply_fence(HostRunner(), layout, plan, marker, timeout=params["timeout"]))
    except FenceFailed as problem:
        after = read_state(layout)
        module.fail_json(
            msg=f"{params['host']} is not {params['state']}: {problem}; seen now: {shown(after)}. "
            f"Next: put that right on {params['host']}, then run the same command again.",
            **result,
        )
    after = read_state(layout)
    result.update(fenced=after.fenced, marker=dict(after.marker or {}), seconds=round(time.monotonic() - began, 3))
    if fencing and not after.fenced:
        module.fail_json(msg=f"{params['host']} is not fenced: {shown(after)} after {plan.steps}", **result)
    if module._diff:
        result["diff"] = {"before": shown(state), "after": shown(after)}
    module.exit_json(changed=plan.changed, **result)


if __name__ == "__main__":
    main()
