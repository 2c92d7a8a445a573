# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls about the pooler, which load balancers answer. Arguments: ``pool``, and those of the function of that name.

A pool that was paused in a session resumes at the latest when the session ends; its lease holds even without that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.state_store import Busy
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import console, operate
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import POOLS, Instance, LeaseError
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.state import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import at_end
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

_FAILURES = (operate.PauseTimedOut, LeaseError, Refusal, Busy, console.ConsoleError, OSError)


def _try(function: Callable[..., dict[str, Any]], args: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in args.items() if name != "pool"}
    try:
        return function(HostRunner(), Instance(str(args["pool"])), **rest)
    except _FAILURES as error:
        raise CallFailed(str(error)) from error


def pgbouncer_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """``pools``: what C(pooler) is in M(sre.ha_recovery.pgbouncer_pool), for each pool of ``pools`` (default: all)."""
    timeout = float(args.get("timeout", 2.0))
    found = [operate.info(HostRunner(), Instance(pool), timeout_s=timeout) for pool in args.get("pools") or POOLS]
    return {"pools": found}


def pgbouncer_pause(args: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`operate.pause`."""
    pool = str(args["pool"])
    at_end(f"resume {pool}", lambda: operate.resume(HostRunner(), Instance(pool)))
    return _try(operate.pause, args)


def pgbouncer_resume(args: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`operate.resume`."""
    answer = _try(operate.resume, args)
    at_end(f"resume {args['pool']}", None)
    return answer


def pgbouncer_reconnect(args: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`operate.reconnect`."""
    return _try(operate.reconnect, args)
