# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put together what the hosts answered. A host that did not answer, or not in time, is input like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def _why_silent(answers: Sequence[Mapping[str, Any]], reach: Mapping[str, Any]) -> str:
    """Why a host gave no answer, in one line."""
    if reach and not reach.get("ok", True):
        return str(reach.get("why") or "does not answer")
    for answer in answers:
        if answer.get("unreachable") or answer.get("failed"):
            text = str(answer.get("msg") or "").strip()
            return text.splitlines()[0] if text else "gave no answer"
    return "was not asked"


def observed_database(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The node that a host answered, or an unreachable one with the reason."""
    answer = raw.get("database") or {}
    node = answer.get("node")
    if node and (raw.get("reach") or {}).get("ok", True):
        return dict(node)
    return {
        "host": raw["name"],
        "address": raw.get("address") or "",
        "reachable": False,
        "error": _why_silent([answer], raw.get("reach") or {}),
    }


def observed_balancer(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a load balancer answered; ``reachable`` when at least its HAProxy could be asked about."""
    awake = (raw.get("reach") or {}).get("ok", True)
    haproxy = (raw.get("haproxy") or {}).get("haproxy") if awake else None
    keepalived = (raw.get("keepalived") or {}).get("keepalived") if awake else None
    result: dict[str, Any] = {
        "host": raw["name"],
        "address": raw.get("address") or "",
        "reachable": bool(haproxy),
        "haproxy": haproxy or {},
        "keepalived": keepalived or {},
    }
    if not haproxy:
        answers = [raw.get("haproxy") or {}, raw.get("keepalived") or {}]
        result["error"] = _why_silent(answers, raw.get("reach") or {})
    return result


def observed_of(raws: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Input: one entry per host with name, address, groups, reach, and the registered answers database, haproxy,
    keepalived. Output: ``nodes`` and ``load_balancers``, both in name order."""
    ordered = sorted(raws, key=lambda raw: str(raw["name"]))
    return {
        "nodes": [observed_database(raw) for raw in ordered if "database" in raw.get("groups", ())],
        "load_balancers": [observed_balancer(raw) for raw in ordered if "load_balancer" in raw.get("groups", ())],
    }
