# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that take a server out of a load balancer without cutting anybody off, and put it back.

Orders are written down: they outlive a reload of HAProxy and a reboot of either host.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.info import SHOW_STAT
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.operate import Outcome, Request, carry_out
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.plan import UnknownServer, Wanted
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.runtime_api import (
    NotRunning,
    RuntimeApi,
    RuntimeApiError,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.server_state import ServerStateError
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.state_store import Busy
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import console
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import operate as pooler
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import Instance
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.state import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import at_end
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.turn import (
    MASTER,
    PRIMARY,
    REPLICAS,
    SOCKET,
    STATE_FILE,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

BACKENDS = (PRIMARY, REPLICAS)
EVERY_S = 0.1


def leave(args: Mapping[str, Any]) -> dict[str, Any]:
    """Out: no new sessions for ``server``; wait up to ``timeout`` s for those there are; then end the rest.

    ``persist`` false: the order ends with the session, and is not written down.
    Returns {changed, seconds, ended: sessions that were cut off, pooler: why it was not told, or ''}.
    """
    server, persist = str(args["server"]), bool(args.get("persist", True))
    if not persist:
        at_end(_undo_name(server), lambda: _set(server, "ready", persist=False))
    if _in_maintenance(server):
        return {"changed": False, "seconds": 0.0, "ended": 0, "pooler": ""}
    began = time.monotonic()
    running = _set(server, "drain", persist=persist).running
    told, left = "", 0
    if running:
        told = _let_the_pool_go()
        while (left := _sessions(server)) and time.monotonic() - began < float(args.get("timeout") or 30):
            time.sleep(EVERY_S)
    _set(server, "maint", persist=persist)
    return {"changed": True, "seconds": round(time.monotonic() - began, 3), "ended": left, "pooler": told}


def enter(args: Mapping[str, Any]) -> dict[str, Any]:
    """In: sessions for ``server`` again; wait up to ``timeout`` s until HAProxy's own check finds it well."""
    server, limit = str(args["server"]), float(args.get("timeout") or 15)
    outcome = _set(server, "ready", persist=bool(args.get("persist", True)))
    at_end(_undo_name(server), None)
    began = time.monotonic()
    while outcome.running:
        states = _rows(server)
        if any(row["status"].startswith("UP") for row in states):
            break
        if time.monotonic() - began > limit:
            told = ", ".join(f"{row['pxname']} {row['status']} {row.get('check_status', '')}".strip() for row in states)
            raise CallFailed(f"{limit:g} s after it was put back into service, HAProxy has {server} as {told}")
        time.sleep(EVERY_S)
    return {"changed": outcome.changed, "seconds": round(time.monotonic() - began, 3)}


def _undo_name(server: str) -> str:
    return f"put {server} back into service"


def _set(server: str, state: str, *, persist: bool) -> Outcome:
    stopped = "persist" if persist else "fail"
    request = Request(BACKENDS, [server], Wanted(state=state), persist=persist, when_stopped=stopped)
    try:
        return carry_out(RuntimeApi(SOCKET), RuntimeApi(MASTER), STATE_FILE, request, check_mode=False)
    except (RuntimeApiError, ServerStateError, UnknownServer, Busy, OSError) as error:
        raise CallFailed(str(error)) from error


def _rows(server: str) -> list[dict[str, str]]:
    """What HAProxy's statistics say of a server, one row a backend; none when HAProxy does not run."""
    try:
        text = RuntimeApi(SOCKET).command(SHOW_STAT)
    except NotRunning:
        return []
    except RuntimeApiError as error:
        raise CallFailed(str(error)) from error
    rows = csv.DictReader(io.StringIO(text.lstrip("# ")))
    return [row for row in rows if row["svname"] == server and row["pxname"] in BACKENDS]


def _in_maintenance(server: str) -> bool:
    rows = _rows(server)
    return bool(rows) and all(row["status"].startswith("MAINT") for row in rows)


def _sessions(server: str) -> int:
    return sum(int(row.get("scur") or 0) for row in _rows(server))


def _let_the_pool_go() -> str:
    """The read-only pool keeps its connections: have it give each one up when its transaction is over."""
    instance = Instance("read_only")
    if not instance.configured:
        return ""
    try:
        pooler.reconnect(HostRunner(), instance)
    except (Refusal, console.ConsoleError, OSError) as error:
        return str(error)
    return ""
