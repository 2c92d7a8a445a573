# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a run: what was seen, decided, waived, done, and how long each step took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import FAILOVER, REJOIN, STATUS

SCHEMA = 1


def step(name: str, host: str, answer: Mapping[str, Any] | None, seconds: float | None = None) -> dict[str, Any]:
    """One step's line: what, where, how long (seconds, as the host measured it), and how it ended."""
    answer = answer or {}
    failed = bool(answer.get("failed") or answer.get("unreachable"))
    return {
        "step": name,
        "host": host,
        "seconds": seconds,
        "changed": bool(answer.get("changed")),
        "result": f"failed: {answer.get('msg', 'no reason given')}" if failed else "done",
    }


def steps_of(plan: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every step of a plan with what its host answered; a step nobody answered was not run."""
    found = []
    wanted: list[tuple[str, Sequence[str], str, str]] = [
        ("fence on the load balancer", plan.get("fence_load_balancers") or (), "balancer", "seconds"),
        ("fence on the host", plan.get("fence_hosts") or (), "fence", "seconds"),
        ("follow the new primary", plan.get("follow") or (), "follow", "waited_s"),
        ("promote", [plan["candidate"]] if plan.get("promote") else (), "promote", "writable_s"),
    ]
    for name, hosts, key, seconds in wanted:
        for host in hosts:
            answer = answers.get(host, {}).get(key)
            if answer:
                found.append(step(name, host, answer, answer.get(seconds)))
            else:
                found.append({"step": name, "host": host, "seconds": None, "changed": False, "result": "not run"})
    for host in sorted(answers):
        verify = answers[host].get("verify")
        if verify:
            found.append(step("write and read through the virtual IP", host, verify, verify.get("read_seconds")))
    return found


def next_step(plan: Mapping[str, Any], status: str) -> str:
    """What a person types next."""
    if status == "refused":
        refusals = plan.get("refusals") or ()
        return str(refusals[0]["next"]) if refusals else STATUS
    if status == "failed":
        return FAILOVER
    old = plan.get("old_primary")
    return REJOIN.format(host=old) if old else STATUS


def record_of(
    *,
    runbook: str,
    cluster: str,
    status: str,
    who: str,
    started_at: str,
    ended_at: str,
    plan: Mapping[str, Any],
    answers: Mapping[str, Mapping[str, Any]],
    observed: Mapping[str, Any],
    next_step: str,
) -> dict[str, Any]:
    """The record as JSON. ``status``: started, done, refused or failed."""
    promoted: Mapping[str, Any] = next((one["promote"] for one in answers.values() if one.get("promote")), {})
    verified: Mapping[str, Any] = next((one["verify"] for one in answers.values() if one.get("verify")), {})
    topology = plan.get("topology") or {}
    return {
        "schema": SCHEMA,
        "runbook": runbook,
        "cluster": cluster,
        "status": status,
        "who": who,
        "started_at": started_at,
        "ended_at": ended_at,
        "headline": plan.get("headline"),
        "action": plan.get("action"),
        "old_primary": plan.get("old_primary"),
        "new_primary": plan.get("candidate") if status == "done" else None,
        "timeline_before": topology.get("timeline"),
        "timeline_after": promoted.get("timeline") or verified.get("timeline"),
        "received_lsn": promoted.get("received_lsn") or plan.get("expect_received_lsn"),
        "promoted_lsn": promoted.get("lsn"),
        "possible_loss": plan.get("loss"),
        "waived": list(plan.get("waived") or ()),
        "refusals": list(plan.get("refusals") or ()),
        "evidence": list(plan.get("signs") or ()),
        "candidates": list(plan.get("standings") or ()),
        "sync_degraded": bool(plan.get("degrade_sync")),
        "notes": list(plan.get("notes") or ()),
        "steps": steps_of(plan, answers),
        "verified": {
            key: verified.get(key) for key in ("server_address", "timeline", "tries", "seconds", "read_seconds")
        }
        if verified
        else None,
        "observed": dict(observed),
        "next": next_step,
    }


def _seconds(value: Any) -> str:
    return "-" if value is None else f"{float(value):.2f} s"


def record_markdown(record: Mapping[str, Any]) -> str:
    """The same for people, to paste into a ticket."""
    lines = [
        f"# {record['runbook']} of {record['cluster']}: {record['status']}",
        "",
        f"{record['headline']}",
        "",
        "| | |",
        "|---|---|",
        f"| who | {record['who']} |",
        f"| from, to | {record['started_at']}, {record['ended_at']} |",
        f"| old primary | {record['old_primary'] or '-'} |",
        f"| new primary | {record['new_primary'] or '-'} |",
        f"| timeline | {record['timeline_before'] or '-'} -> {record['timeline_after'] or '-'} |",
        f"| received up to | {record['received_lsn'] or '-'} |",
        f"| possible loss | {(record['possible_loss'] or {}).get('text', '-')} |",
        f"| waived | {', '.join(record['waived']) or 'nothing'} |",
        f"| synchronous replication | {'switched off, no standby is left' if record['sync_degraded'] else 'kept'} |",
        f"| next | {record['next']} |",
    ]
    if record["steps"]:
        lines += ["", "## Steps", "", "| step | host | time | result |", "|---|---|---|---|"]
        lines += [
            f"| {one['step']} | {one['host']} | {_seconds(one['seconds'])} | {one['result']} |"
            for one in record["steps"]
        ]
    if record["refusals"]:
        lines += ["", "## Refused because", ""]
        lines += [
            f"- {one['host']}: {one['observed']}; expected {one['expected']}. Next: `{one['next']}`"
            for one in record["refusals"]
        ]
    if record["evidence"]:
        lines += ["", "## Evidence", "", "| who | about | saw |", "|---|---|---|"]
        lines += [f"| {one['host']} | {one['about']} | {one['saw']} |" for one in record["evidence"]]
    if record["candidates"]:
        lines += ["", "## Candidates", "", "| host | may be promoted | why |", "|---|---|---|"]
        lines += [
            f"| {one['host']} | {'yes' if one['eligible'] else 'no'} | {one['why']} |" for one in record["candidates"]
        ]
    return "\n".join(lines) + "\n"
