# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of a failover: each does what the module of that name does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.serve import serve
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_run import run_fence
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote_run import run_promote
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed


def _try(action: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return action()
    except Failed as error:
        raise CallFailed(str(error), error.result) from error


def haproxy_server(args: Mapping[str, Any]) -> dict[str, Any]:
    """As M(sre.ha_recovery.haproxy_server)."""
    return _try(lambda: serve(args))


def fence(args: Mapping[str, Any]) -> dict[str, Any]:
    """As M(sre.ha_recovery.postgresql_fence)."""
    return _try(lambda: run_fence(HostRunner(), args))


def promote(args: Mapping[str, Any]) -> dict[str, Any]:
    """As M(sre.ha_recovery.postgresql_promote); then the role probe looks again, for the load balancers to know."""
    answer = _try(lambda: run_promote(HostRunner(), args))
    shown = HostRunner().run(["systemctl", "show", "--property=MainPID", "--value", "role_probe.service"], timeout=3)
    if shown.ok and shown.stdout.strip().isdigit() and int(shown.stdout) > 0:
        os.kill(int(shown.stdout), signal.SIGUSR1)
    return answer
