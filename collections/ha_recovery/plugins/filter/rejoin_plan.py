# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import reseed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import slot_name_for
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.observed import value_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.rejoin import (
    Seen,
    files_from,
    needing,
    plan_rejoin,
)

DOCUMENTATION = r"""
name: rejoin_plan
short_description: Decide how a database host comes back as a standby
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Refuses, plans the cheapest safe way (follow, rewind, copy), or says that there is nothing to do. Pure.
options:
  _input:
    description: The observation, as P(sre.ha_recovery.runbook_observed#filter) makes it.
    type: dict
    required: true
  hosts:
    description: What every host answered, as M(sre.ha_recovery.estate_info) returns it, C(rejoin_look) included.
    type: dict
    required: true
  host:
    description: The host; empty for the first one that needs it.
    type: str
    default: ""
  databases:
    description: Names of all database hosts.
    type: list
    elements: str
    default: []
  load_balancers:
    description: Names of all load balancers.
    type: list
    elements: str
    default: []
  old_data:
    description: >-
      What becomes of the host's present data when a new copy does not fit beside it. C(keep) refuses, unless that data
      is of no use (a rewind that was interrupted); C(discard) removes it first, or restores a backup over it.
    type: str
    choices: [keep, discard]
    default: keep
  copy:
    description: Where a copy comes from. C(auto) decides by size, and by what backups there are.
    type: str
    choices: [auto, backup, basebackup]
    default: auto
  backups_on:
    description: Whether pgBackRest takes the backups here.
    type: bool
    default: false
  backups_above_mb:
    description: Size of the database in MiB from which on a copy comes out of the backups.
    type: int
    default: 10240
  asked:
    description: >-
      What hosts said of the backups, as M(sre.ha_recovery.estate_info) returns it, C(reseed_look) included. While it
      has nothing of a host that needs a copy, C(ask_backups) is true.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: >-
      {{ observed | sre.ha_recovery.rejoin_plan(estate.hosts, host='pg1', databases=groups['database'],
      load_balancers=groups['load_balancer']) }}
"""

RETURN = r"""
_value:
  description: >-
    C(action) (refuse, none, finish, follow, rewind, restore, basebackup), C(headline), C(lines) for people,
    C(refusals), C(host), C(primary), C(why), C(save_from), C(set_aside), C(backup), C(ask_backups), and C(needing),
    all hosts that need it.
  type: dict
"""


def _told(answers: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a host said of the backups, or why it did not."""
    answer = (answers.get("answers") or {}).get("reseed_look") or {}
    return answer.get("value") or {"error": answer.get("error") or "no answer"}


def _lost(nodes: Any, names: Any) -> frozenset[str]:
    """Hosts whose slot on the primary has lost its WAL."""
    lost = {
        slot["name"]
        for node in nodes
        if node.get("role") == "primary"
        for slot in node.get("slots") or ()
        if slot.get("wal_status") == "lost"
    }
    return frozenset(name for name in names if slot_name_for(name) in lost)


def rejoin_plan(
    observed: Any,
    hosts: Mapping[str, Any],
    host: str = "",
    databases: Any = (),
    load_balancers: Any = (),
    old_data: str = "keep",
    copy: str = "auto",
    backups_on: bool = False,
    backups_above_mb: int = reseed.ABOVE_MB,
    asked: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    if old_data not in ("keep", "discard"):
        raise AnsibleFilterError(f"rejoin_old_data is {old_data!r}; allowed: keep, discard")
    if copy not in reseed.ASKED:
        raise AnsibleFilterError(f"rejoin_copy is {copy!r}; allowed: {', '.join(reseed.ASKED)}")
    seen = Seen(
        nodes_from(observed["nodes"], databases),
        balancers_from(observed["load_balancers"], load_balancers),
        {name: files_from(value_of(hosts.get(name, {}), "rejoin_look")) for name in databases},
        _lost(observed["nodes"], databases),
        old_data == "discard",
        reseed.Policy(bool(backups_on), copy, int(backups_above_mb) << 20),
        {name: _told(one) for name, one in (asked or {}).items()},
    )
    names = needing(seen.nodes, seen.balancers)
    if not host and not names:
        headline = "nothing to do: every database host that answers streams, is the primary, or is out for maintenance"
        plan = {"action": "none", "acts": False, "headline": headline, "lines": [headline], "refusals": [], "host": ""}
    else:
        plan = plan_rejoin(seen, host or names[0]).as_dict()
    return {**plan, "needing": list(names)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Name to function."""
        return {"rejoin_plan": rejoin_plan}
