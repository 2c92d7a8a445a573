# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls about the pooler, which load balancers answer. Arguments: ``pool``, and those of the function of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import operate
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import POOLS, Instance


def pgbouncer_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """``pools``: what C(pooler) is in M(sre.ha_recovery.pgbouncer_pool), for each pool of ``pools`` (default: all)."""
    timeout = float(args.get("timeout", 2.0))
    found = [operate.info(HostRunner(), Instance(pool), timeout_s=timeout) for pool in args.get("pools") or POOLS]
    return {"pools": found}


def pgbouncer_pause(args: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`operate.pause`."""
    return operate.pause(HostRunner(), Instance(args["pool"]), **_rest(args))


def pgbouncer_resume(args: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`operate.resume`."""
    return operate.resume(HostRunner(), Instance(args["pool"]), **_rest(args))


def pgbouncer_reconnect(args: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`operate.reconnect`."""
    return operate.reconnect(HostRunner(), Instance(args["pool"]), **_rest(args))


def _rest(args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if name != "pool"}
