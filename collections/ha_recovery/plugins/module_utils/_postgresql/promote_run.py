# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at this host again, decide whether it may be promoted, and do it: what module and sessions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, detect_version
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import observe_node
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote import (
    Expected,
    PromoteRefused,
    plan_promote,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote_apply import (
    PromoteFailed,
    apply_promote,
)

DEFAULTS: dict[str, Any] = {
    "version": None,
    "cluster": "main",
    "port": 5432,
    "expect_timeline": None,
    "expect_received_lsn": None,
    "degrade_sync": None,
    "timeout": 30.0,
}


def run_promote(runner: Runner, given: Mapping[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Parameters of M(sre.ha_recovery.postgresql_promote) in, its answer with a ``diff`` out. Raises Failed."""
    params = {**DEFAULTS, **given}
    version = params["version"] or detect_version(params["cluster"])
    layout = Layout(version or "0", params["cluster"])
    node = observe_node(
        runner, host=params["host"], address="", version=version, cluster=params["cluster"], port=params["port"]
    )
    degraded = layout.degraded_conf.exists()
    result: dict[str, Any] = {
        "started_at": utc_now(),
        "role_before": node["role"],
        "timeline_before": node["timeline"],
        "received_lsn": node["received_lsn"] or node["current_lsn"],
        "timeline": None,
    }
    try:
        plan = plan_promote(
            node,
            Expected(params["expect_timeline"], params["expect_received_lsn"]),
            degrade_sync=params["degrade_sync"],
            degraded_now=degraded,
        )
        result["changed"] = plan.changed
        if check_mode:
            return result
        result.update(apply_promote(runner, layout, plan, port=params["port"], timeout=params["timeout"]))
    except PromoteRefused as problem:
        raise Failed(str(problem), result) from problem
    except PromoteFailed as problem:
        raise Failed(
            f"{params['host']} is not promoted: {problem}. Next: see its log below /var/log/postgresql, then "
            "ansible-playbook playbooks/failover.yml, which goes on from what is there.",
            result,
        ) from problem
    before = {"role": node["role"], "degraded": degraded}
    return {
        **result,
        "diff": {"before": before, "after": {"role": "primary", "degraded": layout.degraded_conf.exists()}},
    }
