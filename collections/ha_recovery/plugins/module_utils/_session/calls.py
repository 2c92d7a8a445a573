# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent can be asked: names of calls and where each is found. Imported only when called for.

Every call takes one dictionary and returns one; the logic is that of the module with the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_HERE = "ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers"

CALLS = {
    "archive_info": "backup:archive_info",
    "backup_info": "backup:backup_info",
    "dump_info": "copies:dump_info",
    "file_backup_info": "copies:file_backup_info",
    "cluster_info": "database:cluster_info",
    "haproxy_info": "balancer:haproxy_info",
    "keepalived_info": "balancer:keepalived_info",
    "balancer_facts": "balancer:balancer_facts",
    "preflight_facts": "database:preflight_facts",
    "client_check": "client:client_check",
    "fence": "failover:fence",
    "follow": "handover:follow",
    "haproxy_server": "failover:haproxy_server",
    "hand_over_caught_up": "handover:caught_up",
    "hand_over_checkpoint": "handover:checkpoint",
    "hand_over_demote": "handover:demote",
    "hand_over_prepare": "handover:prepare",
    "hand_over_promote": "handover:promote",
    "hand_over_start": "handover:start",
    "hand_over_stop": "handover:stop",
    "hand_over_undo": "handover:undo",
    "drain_enter": "drain:enter",
    "drain_leave": "drain:leave",
    "lock_look": "lock:look",
    "lock_take": "lock:take",
    "promote": "failover:promote",
    "maintenance_allow": "maintenance:allow",
    "maintenance_caught_up": "maintenance:caught_up",
    "maintenance_covered": "maintenance:covered",
    "maintenance_note": "maintenance:note",
    "maintenance_position": "maintenance:position",
    "maintenance_stop": "maintenance:stop",
    "maintenance_unnote": "maintenance:unnote",
    "packages_due": "due:packages_due",
    "packages_update": "due:packages_update",
    "rejoin_discard": "rejoin:discard",
    "rejoin_hold": "rejoin:hold",
    "rejoin_lift": "rejoin:lift",
    "rejoin_look": "rejoin:look",
    "rejoin_names": "relations:names",
    "rejoin_rewind": "rejoin:rewind_data",
    "rejoin_save": "rejoin:save",
    "rejoin_seed": "rejoin:seed",
    "rejoin_slot": "rejoin:slot",
    "rejoin_start": "rejoin:start",
    "rejoin_synchronous": "rejoin:synchronous",
    "reseed_look": "reseed:look",
    "reseed_restore": "reseed:restore",
    "restart_due": "due:restart_due",
    "restore_archive": "restore:archive_all",
    "restore_aside": "restore:aside",
    "restore_backup": "restore:take_backup",
    "restore_files": "restore:files",
    "restore_finish": "restore:finish",
    "restore_follow": "recover:follow",
    "restore_look": "restore:look",
    "restore_note": "restore:note",
    "restore_promote": "recover:promote",
    "restore_recover": "recover:recover",
    "restore_repository": "restore:repository",
    "services_has_vip": "services:has_vip",
    "services_start": "services:start",
    "services_stop": "services:stop",
    "turn_back": "turn:back",
    "turn_from_old": "turn:leave",
    "turn_to_new": "turn:enter",
    "turn_to_promoted": "turn:promoted",
    "undo": "undo:undo",
    "vip_release": "vip:release",
    "vip_standby": "vip:standby",
    "warm": "warm:warm",
    "pgbouncer_info": "pooler:pgbouncer_info",
    "pgbouncer_pause": "pooler:pgbouncer_pause",
    "pgbouncer_resume": "pooler:pgbouncer_resume",
    "pgbouncer_reconnect": "pooler:pgbouncer_reconnect",
}


class CallFailed(Exception):
    """A call could not do what it was asked; ``value`` holds what is known nevertheless."""

    def __init__(self, message: str, value: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.value = value


def find_call(name: str) -> Call:
    """The function behind a name. Raises CallFailed for one that does not exist."""
    if name not in CALLS:
        raise CallFailed(f"there is no call {name}; there are {', '.join(sorted(CALLS))}")
    module, _colon, function = CALLS[name].partition(":")
    return cast(Call, getattr(import_module(f"{_HERE}.{module}"), function))
