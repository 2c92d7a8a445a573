# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promote a standby: may it, and what is to be done. Pure.

Between the plan and the promotion the world goes on; so the standby is looked at again in the same call that promotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn

DEGRADED_CONF = (
    "# Failover left no standby, so commits wait for none. Written by sre.ha_recovery.postgresql_promote;\n"
    "# Remove it and reload Postgres when a standby streams again.\n"
    "synchronous_standby_names = ''\n"
)


class PromoteRefused(Exception):
    """This host must not be promoted now. The message names observed, expected and the next command."""


@dataclass(frozen=True)
class Expected:
    """What the plan was made from: the timeline, and the WAL position that the standby had received at least."""

    timeline: int | None
    received_lsn: str | None


@dataclass(frozen=True)
class PromotePlan:
    """``write_degraded``/``remove_degraded``: synchronous replication off or on; ``promote``: it is a standby."""

    promote: bool
    write_degraded: bool
    remove_degraded: bool

    @property
    def changed(self) -> bool:
        """True when anything is to be done."""
        return self.promote or self.write_degraded or self.remove_degraded


def _refuse(host: str, observed: str, expected: str) -> PromoteRefused:
    return PromoteRefused(
        f"{host} was not promoted: observed {observed}, expected {expected}. Nothing was changed on it. "
        f"Next: ansible-playbook playbooks/failover.yml plans anew from what is there now."
    )


def plan_promote(
    node: Mapping[str, Any], expected: Expected, *, degrade_sync: bool | None, degraded_now: bool
) -> PromotePlan:
    """Decide from the freshly observed node. ``degrade_sync`` None leaves synchronous replication as it is."""
    host = node["host"]
    write = degrade_sync is True and not degraded_now
    remove = degrade_sync is False and degraded_now
    if node["fenced"] is not None:
        raise _refuse(host, f"fenced ({node['fenced'].get('reason', 'no reason given')})", "a host that may run")
    if node["role"] == "primary":
        return PromotePlan(promote=False, write_degraded=write, remove_degraded=remove)
    if node["role"] != "standby":
        raise _refuse(host, f"{node['role']} ({node['error'] or 'no server'})", "a running standby")
    if expected.timeline is not None and node["timeline"] != expected.timeline:
        raise _refuse(host, f"timeline {node['timeline']}", f"timeline {expected.timeline} as planned")
    if expected.received_lsn is not None and (
        node["received_lsn"] is None or parse_lsn(node["received_lsn"]) < parse_lsn(expected.received_lsn)
    ):
        raise _refuse(host, f"WAL received up to {node['received_lsn']}", f"{expected.received_lsn} as planned")
    if node["replay_paused"]:
        raise _refuse(host, "replay paused", "replaying")
    return PromotePlan(promote=True, write_degraded=write, remove_degraded=remove)
