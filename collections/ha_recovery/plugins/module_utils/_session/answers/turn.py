# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn a load balancer from the old primary to the new one at once, instead of waiting for its checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.runtime_api import (
    RuntimeApi,
    RuntimeApiError,
    order,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers import pooler
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

SOCKET = "/run/haproxy/admin.sock"
PRIMARY, REPLICAS = "postgresql_primary", "postgresql_replicas"


def leave(args: Mapping[str, Any]) -> dict[str, Any]:
    """The old primary is stopped: no new connection goes there. Its checks, not an order, decide when it is back."""
    return _orders([f"set server {PRIMARY}/{args['old']} health down"])


def enter(args: Mapping[str, Any]) -> dict[str, Any]:
    """The new primary takes the writes; then the pools go on. ``pools``: those that were paused, most urgent first."""
    old, new = args["old"], args["new"]
    answer = _orders(
        [
            f"set server {PRIMARY}/{old} health down",
            f"set server {PRIMARY}/{new} health up",
            f"set server {REPLICAS}/{new} health down",
        ]
    )
    answer["resumed"] = [pooler.pgbouncer_resume({"pool": pool})["pool"] for pool in args.get("pools") or ()]
    return answer


def _orders(lines: list[str]) -> dict[str, Any]:
    try:
        order(RuntimeApi(SOCKET), "; ".join(lines))
    except RuntimeApiError as error:
        raise CallFailed(str(error)) from error
    return {"orders": lines}
