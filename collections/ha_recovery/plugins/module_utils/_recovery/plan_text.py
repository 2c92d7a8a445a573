# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a person reads it at three in the morning: what was seen, what will be done, what it costs."""

from __future__ import annotations

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.failover import Plan, waiver_names


def refusal_lines(plan: Plan) -> list[str]:
    """One line per refusal."""
    return [f"{one.host}: {one.observed}; expected {one.expected}. Next: {one.next}" for one in plan.refusals]


def step_lines(plan: Plan) -> list[str]:
    """What the plan does, in its order."""
    lines = []
    if plan.fence_hosts:
        lines.append(f"fence on the host (marker, mask, stop): {', '.join(plan.fence_hosts)}")
    if plan.fence_servers and plan.fence_load_balancers:
        balancers = ", ".join(plan.fence_load_balancers)
        lines.append(f"maintenance for {', '.join(plan.fence_servers)}, kept across restarts, on {balancers}")
    outside = [f"{host} ({plan.fencing_methods[host]})" for host in plan.fence_servers if host in plan.fencing_methods]
    if outside:
        needed = (
            "promote only behind its proof" if plan.skipped_load_balancers and not plan.waived else "for the record"
        )
        lines.append(f"fence from outside unless it is stopped on its host, {needed}: {', '.join(outside)}")
    if plan.admit_servers and plan.fence_load_balancers:
        lines.append(f"readmit {', '.join(plan.admit_servers)} on {', '.join(plan.fence_load_balancers)}")
    if plan.follow:
        lines.append(f"follow {plan.candidate}: {', '.join(plan.follow)}")
    if plan.degrade_sync:
        lines.append(f"switch synchronous replication off on {plan.candidate}: no standby is left to wait for")
    if plan.promote:
        lines.append(f"promote {plan.candidate} (timeline {plan.expect_timeline}, received {plan.expect_received_lsn})")
    if plan.action in {"failover", "complete"}:
        lines.append("write and read through the virtual IP")
        lines.append("write the record")
    return lines


def plan_lines(plan: Plan) -> list[str]:
    """The whole plan: headline, evidence, candidates, loss, waivers, steps or refusals."""
    lines = [plan.headline]
    lines += [f"  {sign.host} about {sign.about}: {sign.saw}" for sign in plan.signs]
    lines += [
        f"  {one.host}: {'may be promoted, ' if one.eligible else 'not promoted, '}{one.why}" for one in plan.standings
    ]
    if plan.loss is not None:
        lines.append(f"  possible loss: {plan.loss.text}")
    lines += [f"  waived: {text}" for text in waiver_names(plan.waived)]
    lines += [f"  note: {note}" for note in plan.notes]
    lines += [f"  {number}. {line}" for number, line in enumerate(step_lines(plan), start=1)]
    lines += [f"  {line}" for line in refusal_lines(plan)]
    return lines
