# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a failover: what did not work, and what a person reads at its end. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.ladder import missing_proofs, unfenced_hosts
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_failover import next_step, steps_of

Answers = Mapping[str, Mapping[str, Any]]


def _bad(answer: Mapping[str, Any]) -> str | None:
    """Why an answer is not a success; None when it is one."""
    if answer.get("failed") or answer.get("unreachable"):
        return str(answer.get("msg") or "no answer").strip()
    return None


def problems_of(plan: Mapping[str, Any], answers: Answers) -> list[str]:
    """One line per step that did not work, the decisive one first. Empty when the failover is complete."""
    candidate = str(plan["candidate"])
    promoted = answers.get(candidate, {}).get("promote") or {}
    wrong = _bad(promoted)
    if wrong is not None:
        return [wrong]
    missing = missing_proofs(plan, answers)
    if plan["promote"] and not promoted:
        return [f"{candidate} was not promoted: it gave no answer", *missing]
    problems = list(missing)
    verified = answers.get(str(plan["verify_from"]), {}).get("verify") or {}
    wrong = _bad(verified) if verified else f"{plan['verify_from']} did not write through the virtual IP"
    if wrong is not None:
        problems.append(wrong)
    for name in plan["follow"]:
        answer = answers.get(name, {}).get("follow") or {}
        wrong = _bad(answer) if answer else "gave no answer"
        if wrong is not None:
            problems.append(f"{name} does not follow {candidate}: {wrong}")
    return problems


def summary_of(plan: Mapping[str, Any], answers: Answers) -> list[str]:
    """The end of the run on one screen: steps with their durations, the proof through the virtual IP, what is next."""
    lines = []
    for one in steps_of(plan, answers):
        seconds = "" if one["seconds"] is None else f" {float(one['seconds']):.2f} s"
        ended = one["detail"] if one["result"] == "skipped" else "done"
        ended = f"failed: {one['detail']}" if one["result"] == "failed" else ended
        lines.append(f"{one['host']}: {one['name']}: {ended}{seconds}")
    lines += [f"warning: {line}" for line in unfenced_hosts(plan, answers)]
    verified = answers.get(str(plan["verify_from"]), {}).get("verify") or {}
    if verified.get("server_address"):
        lines.append(
            f"{plan['candidate']} ({verified['server_address']}, timeline {verified['timeline']}) acknowledged a write "
            f"through the virtual IP {float(verified['seconds']):.2f} s after it was asked"
        )
    if plan["degrade_sync"]:
        lines.append(f"synchronous replication is switched off on {plan['candidate']} until a standby is back")
    problems = problems_of(plan, answers)
    lines.append(f"next: {next_step(plan, 'failed' if problems else 'done')}")
    return lines
