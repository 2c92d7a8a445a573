# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put together what the hosts answered. A host that did not answer, or not in time, is input like any other. Pure.

Input is what M(sre.ha_recovery.estate_info) returns:
``{host: {reach: {ok, why}, answers: {call: {ok, value, error}}}}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def value_of(host: Mapping[str, Any], call: str) -> Any:
    """What the host answered to a call; None when it did not."""
    if not (host.get("reach") or {}).get("ok"):
        return None
    answer = (host.get("answers") or {}).get(call) or {}
    return answer.get("value") if answer.get("ok") else None


def why_silent(host: Mapping[str, Any], calls: Iterable[str]) -> str:
    """Why a host gave no answer, in one line."""
    reach = host.get("reach") or {}
    if not reach.get("ok"):
        return str(reach.get("why") or "was not asked")
    for call in calls:
        answer = (host.get("answers") or {}).get(call) or {}
        if not answer.get("ok") and answer.get("error"):
            return str(answer["error"]).strip().splitlines()[0]
    return "gave no answer"


def observed_database(name: str, host: Mapping[str, Any]) -> dict[str, Any]:
    """The node that a host answered, or an unreachable one with the reason."""
    node = value_of(host, "cluster_info")
    if node:
        return dict(node)
    return {"host": name, "address": "", "reachable": False, "error": why_silent(host, ["cluster_info"])}


def observed_balancer(name: str, host: Mapping[str, Any]) -> dict[str, Any]:
    """What a load balancer answered; ``reachable`` when at least its HAProxy could be asked about."""
    haproxy = value_of(host, "haproxy_info")
    result: dict[str, Any] = {
        "host": name,
        "reachable": bool(haproxy),
        "haproxy": haproxy or {},
        "keepalived": value_of(host, "keepalived_info") or {},
        "pools": (value_of(host, "pgbouncer_info") or {}).get("pools") or [],
    }
    if not haproxy:
        result["error"] = why_silent(host, ["haproxy_info", "keepalived_info"])
    return result


def observed_backup(host: Mapping[str, Any], call: str = "backup_info", part: str = "") -> dict[str, Any]:
    """What a host that keeps backups answered, or a part of it: ``reachable``, and ``error`` when it did not."""
    seen = value_of(host, call)
    if not seen:
        return {"reachable": False, "error": why_silent(host, [call])}
    return {"reachable": True, **(seen[part] if part else seen)}


def observed_copies(
    hosts: Mapping[str, Mapping[str, Any]], files: Iterable[str], dumps: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """``files``, ``dumps``: what the hosts that keep them answered; ``file_hosts``: the other ones, of their own last
    backup. For copies.py."""
    found = {name: value_of(host, "file_backup_info") for name, host in sorted(hosts.items())}
    return {
        "files": {name: observed_backup(hosts.get(name, {}), "file_backup_info", "repository") for name in files},
        "file_hosts": {name: seen["host"] for name, seen in found.items() if seen},
        "dumps": {name: observed_backup(hosts.get(name, {}), "dump_info") for name in dumps},
    }


def observed_of(
    hosts: Mapping[str, Mapping[str, Any]],
    databases: Iterable[str],
    load_balancers: Iterable[str],
    repositories: Iterable[str] = (),
    *,
    file_repositories: Iterable[str] = (),
    dump_hosts: Iterable[str] = (),
) -> dict[str, Any]:
    """``nodes`` and ``load_balancers`` in name order; ``backups`` of hosts with a repository and ``archives`` of
    database hosts that were asked, by name; ``copies``: of files, and dumps; ``others``: hosts without a part in
    decisions, in a word."""
    database, balancer = set(databases), set(load_balancers)
    return {
        "nodes": [observed_database(name, hosts.get(name, {})) for name in sorted(database)],
        "load_balancers": [observed_balancer(name, hosts.get(name, {})) for name in sorted(balancer)],
        "backups": {name: observed_backup(hosts.get(name, {})) for name in sorted(repositories)},
        "archives": {
            name: seen for name in sorted(database) if (seen := value_of(hosts.get(name, {}), "archive_info"))
        },
        "copies": observed_copies(hosts, sorted(file_repositories), sorted(dump_hosts)),
        "others": {
            name: "reachable" if (host.get("reach") or {}).get("ok") else why_silent(host, [])
            for name, host in sorted(hosts.items())
            if name not in database | balancer
        },
    }
