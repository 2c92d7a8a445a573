# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that move the virtual IP. Until it was told to stand by, the end of the session starts Keepalived again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import at_end
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.balancer import keepalived_info
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

UNIT = "keepalived.service"
UNDO = "start Keepalived again"


def _systemctl(verb: str) -> None:
    done = HostRunner().run(["systemctl", verb, UNIT], timeout=15)
    if not done.ok:
        raise CallFailed(f"systemctl {verb} {UNIT}: {done.reason}. Next: systemctl status {UNIT}")


def release(_args: Mapping[str, Any]) -> dict[str, Any]:
    """Stop Keepalived: its last advert has priority 0, so that the other one need not wait (RFC 5798, 6.4.3)."""
    began = time.monotonic()
    at_end(UNDO, lambda: _systemctl("start"))
    _systemctl("stop")
    return {"changed": True, "seconds": round(time.monotonic() - began, 3)}


def standby(args: Mapping[str, Any]) -> dict[str, Any]:
    """Start Keepalived and wait until it has its place. ``host``, ``vip``, ``address`` as in keepalived_info."""
    _systemctl("start")
    at_end(UNDO, None)
    end = time.monotonic() + float(args.get("timeout") or 10)
    while True:
        seen = keepalived_info({key: args[key] for key in ("host", "vip", "address")})
        if seen["state"] in {"BACKUP", "MASTER"}:
            return {"changed": True, "state": seen["state"], "holds": seen["holds_vip"]}
        if time.monotonic() > end:
            raise CallFailed(f"Keepalived is in state {seen['state']} ({seen['error']}). Next: systemctl status {UNIT}")
        time.sleep(0.1)
