# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn a load balancer from the old primary to the new one at once, instead of waiting for its checks.

The old primary is in maintenance while it stops: HAProxy retries a refused connection on the same server only after a
second, and a check that is still under way would send clients there. The order ends with the turn, or with the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.operate import Request, carry_out
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.plan import UnknownServer, Wanted
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.runtime_api import (
    RuntimeApi,
    RuntimeApiError,
    order,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.server_state import ServerStateError
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.state_store import Busy
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import at_end
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers import pooler
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

SOCKET = "/run/haproxy/admin.sock"
MASTER = "/run/haproxy-master.sock"
STATE_FILE = "/var/lib/ha_recovery/haproxy_server_state"
PRIMARY, REPLICAS = "postgresql_primary", "postgresql_replicas"


def leave(args: Mapping[str, Any]) -> dict[str, Any]:
    """No new connection goes to the old primary, and those that there are end."""
    old = str(args["old"])
    at_end(_undo_name(old), lambda: _set(old, "ready"))
    return _set(old, "maint")


def back(args: Mapping[str, Any]) -> dict[str, Any]:
    """The old primary may serve again, as soon as a check finds it a primary."""
    old = str(args["old"])
    answer = _set(old, "ready")
    at_end(_undo_name(old), None)
    return answer


def enter(args: Mapping[str, Any]) -> dict[str, Any]:
    """The new primary takes the writes; then the pools go on. ``pools``: those that were paused, most urgent first."""
    lines = promoted(args)["orders"]
    resumed = [pooler.pgbouncer_resume({"pool": pool})["pool"] for pool in args.get("pools") or ()]
    back(args)
    return {"orders": lines, "resumed": resumed}


def promoted(args: Mapping[str, Any]) -> dict[str, Any]:
    """The new primary takes the writes and no more reads, from now on."""
    new = args["new"]
    lines = [f"set server {PRIMARY}/{new} health up", f"set server {REPLICAS}/{new} health down"]
    try:
        order(RuntimeApi(SOCKET), "; ".join(lines))
    except RuntimeApiError as error:
        raise CallFailed(str(error)) from error
    return {"orders": lines}


def _undo_name(old: str) -> str:
    return f"let HAProxy use {old} again"


def _set(server: str, state: str) -> dict[str, Any]:
    request = Request(backends=[PRIMARY], servers=[server], wanted=Wanted(state=state), persist=False)
    try:
        outcome = carry_out(RuntimeApi(SOCKET), RuntimeApi(MASTER), STATE_FILE, request, check_mode=False)
    except (RuntimeApiError, ServerStateError, UnknownServer, Busy, OSError) as error:
        raise CallFailed(str(error)) from error
    return {"orders": [change.line for change in outcome.changes if change.line]}
