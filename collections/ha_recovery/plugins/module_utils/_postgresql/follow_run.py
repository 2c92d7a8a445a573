# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe this host, decide whether and how it follows, do it, and see it stream: what module and sessions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import (
    Upstream,
    plan_follow,
    slot_name_for,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_apply import (
    apply_follow,
    begin_server,
    catch_up,
    wait_streaming,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, detect_version
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import observe_node, read_text
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import streams

DEFAULTS: dict[str, Any] = {
    "version": None,
    "cluster": "main",
    "port": 5432,
    "primary_port": 5432,
    "user": "replicator",
    "passfile": None,
    "sslmode": "verify-full",
    "sslrootcert": None,
    "slot_name": None,
    "application_name": None,
    "start": True,
    "wait": True,
    "timeout": 30.0,
    "patient": False,
}


def upstream_of(params: Mapping[str, Any], layout: Layout) -> Upstream:
    """The upstream that the parameters of M(sre.ha_recovery.postgresql_follow) describe."""
    return Upstream(
        host=params["primary_host"],
        address=params["primary_address"],
        port=params["primary_port"],
        user=params["user"],
        passfile=params["passfile"] or str(layout.config_dir / "replication.pgpass"),
        sslmode=params["sslmode"],
        sslrootcert=params["sslrootcert"] or str(layout.config_dir / "tls" / "ca.crt"),
        slot_name=params["slot_name"] or slot_name_for(params["host"]),
        application_name=params["application_name"] or params["host"],
    )


def run_follow(runner: Runner, given: Mapping[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Returns what the module returns, with a ``diff``. Raises FollowRefused and FollowFailed."""
    params = {**DEFAULTS, **given}
    version = params["version"] or detect_version(params["cluster"])
    layout = Layout(version or "0", params["cluster"])
    upstream = upstream_of(params, layout)
    result: dict[str, Any] = {"changed": False, "upstream": upstream.host, "wal_receiver": None, "waited_s": 0.0}
    node = observe_node(
        runner, host=params["host"], address="", version=version, cluster=params["cluster"], port=params["port"]
    )
    if check_mode and node["data_state"] == "absent":
        return {**result, "changed": True, "msg": f"{params['host']} would follow {upstream.host} once it has data"}
    directory = layout.data_directory()
    plan = plan_follow(
        node,
        upstream=upstream,
        before=read_text(layout.replication_conf),
        signal=(directory / "standby.signal").exists(),
        backup_label=(directory / "backup_label").exists(),
        start=params["start"],
    )
    result["changed"] = plan.changed
    if plan.write_conf:
        header = str(layout.replication_conf)
        result["diff"] = {
            "before": plan.before,
            "after": plan.after,
            "before_header": header,
            "after_header": header,
        }
    if check_mode:
        return result
    waits = params["wait"] and (node["running"] or plan.start)
    if params["patient"] and waits:
        apply_follow(runner, layout, replace(plan, start=False), timeout=params["timeout"])
        if plan.start:
            begin_server(runner, layout)
        seen = catch_up(runner, layout, upstream, port=params["port"], wait=float("inf"), timeout=params["timeout"])
        result.update(wal_receiver=seen["wal_receiver"], waited_s=seen["waited_s"])
    else:
        apply_follow(runner, layout, plan, timeout=params["timeout"])
        if waits:
            result.update(wait_streaming(runner, layout, upstream, port=params["port"], timeout=params["timeout"]))
    if result["wal_receiver"]:
        streams(layout)
    return result
