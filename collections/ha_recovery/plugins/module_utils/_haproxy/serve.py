# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give orders to this host's HAProxy: what module and sessions share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.operate import Outcome, Request, carry_out
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.plan import UnknownServer, Wanted, standing
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.runtime_api import (
    NotRunning,
    RuntimeApi,
    RuntimeApiError,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.server_state import ServerStateError
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.state_store import Busy

DEFAULTS: dict[str, Any] = {
    "backends": ["postgresql_primary", "postgresql_replicas"],
    "state": None,
    "weight": None,
    "persist": True,
    "end_sessions": True,
    "when_stopped": "fail",
    "socket": "/run/haproxy/admin.sock",
    "master_socket": "/run/haproxy-master.sock",
    "state_file": "/var/lib/ha_recovery/haproxy_server_state",
    "timeout": 2.0,
}


def serve(given: Mapping[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Parameters of M(sre.ha_recovery.haproxy_server) in, its answer out. Raises Failed."""
    wanted = {**DEFAULTS, **given}
    began, started_at = time.monotonic(), utc_now()
    if wanted["weight"] is not None and not 0 <= wanted["weight"] <= 256:
        raise Failed(f"weight is {wanted['weight']}, allowed is 0 to 256")
    request = Request(
        backends=tuple(dict.fromkeys(wanted["backends"])),
        servers=tuple(dict.fromkeys(wanted["servers"])),
        wanted=Wanted(state=wanted["state"], weight=wanted["weight"]),
        persist=wanted["persist"],
        end_sessions=wanted["end_sessions"],
        when_stopped=wanted["when_stopped"],
    )
    api = RuntimeApi(wanted["socket"], wanted["timeout"])
    master = RuntimeApi(wanted["master_socket"], wanted["timeout"])
    try:
        outcome = carry_out(api, master, wanted["state_file"], request, check_mode=check_mode)
    except NotRunning as error:
        raise Failed(f"{error}. Next: systemctl status haproxy; systemctl start haproxy") from error
    except (RuntimeApiError, ServerStateError) as error:
        raise Failed(f"{error}. Next: journalctl -u haproxy -n 50") from error
    except UnknownServer as error:
        raise Failed(f"{error}. Next: look at the inventory, then run site.yml for the load balancers") from error
    except Busy as error:
        raise Failed(f"{error}: a reload of HAProxy is under way. Next: run this again") from error
    except OSError as error:
        raise Failed(f"cannot use {wanted['state_file']}: {error}. Next: run the role haproxy on this host") from error
    return {**answer(outcome), "started_at": started_at, "seconds": round(time.monotonic() - began, 3)}


def answer(outcome: Outcome) -> dict[str, object]:
    """What the module returns, with a diff of orders only."""
    return {
        "changed": outcome.changed,
        "servers": standing(outcome.after),
        "commands": [change.line for change in outcome.changes if change.line],
        "ended_sessions": outcome.ended_sessions,
        "persisted": outcome.persisted,
        "running": outcome.running,
        "diff": {
            "before": {"servers": standing([change.before for change in outcome.changes])},
            "after": {"servers": standing([change.after for change in outcome.changes])},
        },
    }
