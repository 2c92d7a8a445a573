# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts answered to a look. Pure; the input is what M(sre.ha_recovery.estate_info) returns.

Asked of database hosts: cluster_info and preflight_facts; of load balancers: haproxy_info, keepalived_info,
pgbouncer_info and balancer_facts; of others: whether they let us in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.observed import (
    observed_of,
    value_of,
    why_silent,
)

from .facts import balancer_facts_from, database_facts_from
from .judge import look_at
from .look import Limits, Look

Hosts = Mapping[str, Mapping[str, Any]]


def _asked(host: Mapping[str, Any], call: str) -> dict[str, float]:
    """When a call was sent and answered, by the control node's clock; empty where that is not known."""
    answer = (host.get("answers") or {}).get(call) or {}
    sent, seconds = answer.get("sent_at"), answer.get("seconds")
    if sent is None or seconds is None:
        return {}
    return {"sent_at": float(sent), "received_at": float(sent) + float(seconds)}


def look_from(
    hosts: Hosts,
    databases: Iterable[str],
    load_balancers: Iterable[str],
    *,
    purpose: str,
    now: float,
    named: str | None = None,
    target: str | None = None,
    limits: Limits | None = None,
    priorities: Mapping[str, int] | None = None,
) -> Look:
    """Everything that was seen, as :func:`look_at` wants it. Raises ValueError as it does."""
    databases, load_balancers = sorted(databases), sorted(load_balancers)
    observed = observed_of(hosts, databases, load_balancers)
    calls = dict.fromkeys(databases, "preflight_facts") | dict.fromkeys(load_balancers, "balancer_facts")
    values = {name: value_of(hosts.get(name) or {}, call) for name, call in calls.items()}
    asked = {name: _asked(hosts.get(name) or {}, call) for name, call in calls.items()}
    others = {
        name: "" if (host.get("reach") or {}).get("ok") else why_silent(host, [])
        for name, host in hosts.items()
        if name not in calls
    }
    return look_at(
        nodes_from(observed["nodes"], databases),
        balancers_from(observed["load_balancers"], load_balancers),
        {name: database_facts_from(values[name], asked[name]) for name in databases if values[name]},
        {name: balancer_facts_from(values[name], asked[name]) for name in load_balancers if values[name]},
        purpose=purpose,
        now=now,
        named=named,
        target=target,
        errors={name: why_silent(hosts.get(name) or {}, [call]) for name, call in calls.items() if not values[name]},
        others=others,
        pools={
            str(one["host"]): {str(pool["pool"]): str(pool["state"]) for pool in one.get("pools") or ()}
            for one in observed["load_balancers"]
        },
        limits=limits,
        priorities=priorities,
    )
