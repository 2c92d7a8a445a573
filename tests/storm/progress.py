# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees while the storm blows and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .stats import Snapshot


def progress_line(now: Snapshot) -> str:
    """One line of live progress."""
    minutes, seconds = divmod(int(now.elapsed), 60)
    return (
        f"storm {minutes:02d}:{seconds:02d}  acknowledged {now.acknowledged:>7}  {now.rate:>6.0f}/s"
        f"  errors {now.client_errors:>4}  gap {now.gap:6.2f} s"
    )


def summary(report: Mapping[str, Any]) -> str:
    """The report in a few lines."""
    lines = [
        f"acknowledged   {report['acknowledged']} of {report['attempted']} orders in {report['elapsed_s']:.1f} s",
        f"write gap      {_gap(report)}",
        f"client errors  {report['client_errors']}{_classes(report['errors'])}",
        f"in doubt       {report['in_doubt']}{_settled(report['audit'])}",
    ]
    if report["trailing_gap_s"] is not None and report["trailing_gap_s"] > 1:
        lines.append(f"WRITES DID NOT COME BACK: none in the last {report['trailing_gap_s']:.1f} s")
    lines.append(f"verdict        {verdict(report)}")
    return "\n".join(lines)


def verdict(report: Mapping[str, Any]) -> str:
    """One sentence: what the audit found, or why there is nothing to say."""
    audit = report["audit"]
    if report["acknowledged"] == 0:
        return "nothing was acknowledged, so nothing is proven"
    if audit is None:
        return "not audited"
    found = f"{audit['lost']} lost, {audit['duplicated']} duplicated"
    if audit["lost_between"]:
        found += f" (lost ones were acknowledged {audit['lost_between']['first']} to {audit['lost_between']['last']})"
    if audit["unexpected"] or audit["failed_committed"]:
        found += f"; {audit['unexpected']} orders unknown to the journal"
        found += f", {audit['failed_committed']} stored without our COMMIT"
    return found


def _gap(report: Mapping[str, Any]) -> str:
    if report["write_gap"] is None:
        return "unknown: fewer than two orders were acknowledged"
    return f"{report['write_gap_s']:.3f} s from {report['write_gap']['begin']} to {report['write_gap']['end']}"


def _classes(errors: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{name} {count}' for name, count in errors.items())})" if errors else ""


def _settled(audit: Mapping[str, Any] | None) -> str:
    return f" ({audit['in_doubt_committed']} committed, {audit['in_doubt_absent']} absent)" if audit else ""
