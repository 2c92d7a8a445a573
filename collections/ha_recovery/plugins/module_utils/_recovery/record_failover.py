# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failover's record says: read from its plan and from what the hosts answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.failover import WAIVERS
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.ladder import rungs_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import result_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import FAILOVER, REJOIN, STATUS

Answers = Mapping[str, Mapping[str, Any]]


def _step(name: str, host: str, answer: Mapping[str, Any] | None, seconds: str) -> dict[str, Any]:
    """One step; a step that nobody answered was not run."""
    if not answer:
        return {"name": name, "host": host, "seconds": None, "result": "skipped", "detail": "not run"}
    result = result_of(answer)
    return {
        "name": name,
        "host": host,
        "started_at": answer.get("started_at"),
        "seconds": answer.get(seconds),
        "result": result,
        "detail": str(answer.get("msg", "no reason given")).strip() if result == "failed" else "",
    }


def steps_of(plan: Mapping[str, Any], answers: Answers) -> list[dict[str, Any]]:
    """Every step of a plan with what its host answered, seconds as the host measured them."""
    wanted: list[tuple[str, Sequence[str], str, str]] = [
        ("fence on the load balancer", plan.get("fence_load_balancers") or (), "balancer", "seconds"),
        ("fence on the host", plan.get("fence_hosts") or (), "fence", "seconds"),
        ("follow the new primary", plan.get("follow") or (), "follow", "waited_s"),
        ("promote", [plan["candidate"]] if plan.get("promote") else (), "promote", "writable_s"),
    ]
    found = [
        _step(name, host, answers.get(host, {}).get(key), seconds)
        for name, hosts, key, seconds in wanted
        for host in hosts
    ]
    told = (
        ("fence from outside", "hook", "seconds"),
        ("turn the load balancer", "turn_to_promoted", "seconds"),
        ("write and read through the virtual IP", "verify", "read_seconds"),
    )
    return found + [
        _step(name, host, answers[host][key], seconds)
        for name, key, seconds in told
        for host in sorted(answers)
        if answers[host].get(key)
    ]


def next_step(plan: Mapping[str, Any], status: str) -> str:
    """What a person types next."""
    if status == "refused":
        refusals = plan.get("refusals") or ()
        return str(refusals[0]["next"]) if refusals else STATUS
    if status == "failed":
        return FAILOVER
    old = plan.get("old_primary")
    return REJOIN.format(host=old) if old else STATUS


def _verdict(refusal: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "check": refusal.get("waiver") or "failover",
        "host": refusal["host"],
        "level": "block",
        "observed": refusal["observed"],
        "expected": refusal["expected"],
        "fix": refusal["next"],
    }


def _verified(answers: Answers, address: str) -> dict[str, Any] | None:
    found: Mapping[str, Any] = next((one["verify"] for one in answers.values() if one.get("verify")), {})
    if not found or result_of(found) == "failed" or "seconds" not in found:
        return None
    keys = ("seconds", "read_seconds", "tries", "server_address", "timeline")
    return {"address": address, **{key: found.get(key) for key in keys}}


def failover_parts(
    plan: Mapping[str, Any],
    answers: Answers,
    observed: Mapping[str, Any],
    *,
    status: str,
    address: str,
    problems: Sequence[str] = (),
) -> dict[str, Any]:
    """The parts of a failover's record. ``address``: the virtual IP that was verified."""
    promoted: Mapping[str, Any] = next((one["promote"] for one in answers.values() if one.get("promote")), {})
    verified = _verified(answers, address)
    loss = plan.get("loss")
    # Nothing was tried yet, or nothing is to be.
    fencing = [one.as_dict() for one in rungs_of(plan, answers)] if answers else []
    return {
        "headline": str(plan.get("headline") or ""),
        "evidence": {
            "signs": list(plan.get("signs") or ()),
            "candidates": list(plan.get("standings") or ()),
            "notes": list(plan.get("notes") or ()),
            "possible_loss": loss,
            "sync_degraded": bool(plan.get("degrade_sync")),
            "fencing": fencing,
            "observed": dict(observed),
        },
        "verdicts": [_verdict(one) for one in plan.get("refusals") or ()],
        "waivers": [{"name": name, "accepts": WAIVERS[name]} for name in plan.get("waived") or ()],
        "plan": list(plan.get("lines") or ()),
        "steps": steps_of(plan, answers) if status != "refused" else [],
        "old_primary": plan.get("old_primary"),
        "new_primary": plan.get("candidate") if status == "done" else None,
        "timeline_before": (plan.get("topology") or {}).get("timeline"),
        "timeline_after": promoted.get("timeline") or (verified or {}).get("timeline"),
        "lsn": {
            "received": promoted.get("received_lsn") or plan.get("expect_received_lsn"),
            "promoted": promoted.get("lsn"),
        },
        "possible_loss_bytes": (loss or {}).get("bytes_quoted"),
        "verified": verified,
        "problems": list(problems),
        "next": next_step(plan, status),
    }
