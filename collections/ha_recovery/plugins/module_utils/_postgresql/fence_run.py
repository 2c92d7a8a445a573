# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at this host, fence it or lift its fence, and look again: what module and sessions share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
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

DEFAULTS: dict[str, Any] = {
    "state": "fenced",
    "version": None,
    "cluster": "main",
    "by": "",
    "reason": "",
    "new_primary": None,
    "lift_with": None,
    "timeout": 2.0,
}


def shown(state: FenceState) -> dict[str, bool]:
    """The stable part of the state, for the diff."""
    return {"marker": state.marker is not None, "masked": state.masked, "running": bool(state.processes)}


def run_fence(runner: Runner, given: Mapping[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Parameters of M(sre.ha_recovery.postgresql_fence) in, its answer with a ``diff`` out. Raises Failed."""
    params = {**DEFAULTS, **given}
    began, started_at = time.monotonic(), utc_now()
    fencing = params["state"] == "fenced"
    version = params["version"] or detect_version(params["cluster"])
    if version is None:
        # Nothing can be fenced where no cluster is; that is also proof that nothing runs.
        nothing = {"steps": [], "stopped_by": "", "marker": {}, "seconds": 0.0, "isolated": False}
        return {"changed": False, "fenced": False, "started_at": started_at, **nothing}
    layout = Layout(version, params["cluster"])
    # Only who was fenced before can be cut off; the first fence of a live primary does not wait for an answer of nft.
    state = read_state(layout, None if fencing and not layout.fence_marker.exists() else runner)
    plan = plan_fence(state, fenced=fencing)
    marker = marker_text(
        host=params["host"],
        fenced_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=params["by"],
        reason=params["reason"],
        new_primary=params["new_primary"],
        lift_with=params["lift_with"] or f"ansible-playbook playbooks/rejoin.yml -e rejoin_host={params['host']}",
    )
    result: dict[str, Any] = {"steps": plan.steps, "stopped_by": "", "marker": dict(state.marker or {})}
    result["isolated"] = state.isolated
    result.update(fenced=state.fenced, started_at=started_at, changed=plan.changed)
    if check_mode:
        return {**result, "seconds": round(time.monotonic() - began, 3)}
    try:
        result.update(apply_fence(runner, layout, plan, marker, timeout=params["timeout"]))
    except FenceFailed as problem:
        after = read_state(layout)
        result["isolated"] = problem.isolated
        raise Failed(
            f"{params['host']} is not {params['state']}: {problem}; seen now: {shown(after)}. "
            f"Next: put that right on {params['host']}, then run the same command again.",
            result,
        ) from problem
    after = read_state(layout)
    result.update(
        fenced=after.fenced, isolated=False, marker=dict(after.marker or {}), seconds=round(time.monotonic() - began, 3)
    )
    if fencing and not after.fenced:
        raise Failed(f"{params['host']} is not fenced: {shown(after)} after {plan.steps}", result)
    return {**result, "diff": {"before": shown(state), "after": shown(after)}}
