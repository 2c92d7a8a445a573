# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that take a load balancer out of service and bring it back.

Services are stopped first and masked then: systemd stops a masked unit without the steps of its own file, and
Keepalived would leave the virtual IP behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.ask import ask
from ansible_collections.sre.ha_recovery.plugins.module_utils._keepalived.addresses import find, parse_addresses, plain
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import operate as pooler
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import POOLS, Instance
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancer_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.balancer import keepalived_info
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

KEEPALIVED, HAPROXY = "keepalived.service", "haproxy.service"
EVERY_S = 0.02


def _units(everything: bool) -> list[str]:
    """In the order in which they are stopped: nobody is sent to a load balancer that does not serve."""
    pools = [f"pgbouncer@{pool}.service" for pool in POOLS if Instance(pool).configured]
    return [KEEPALIVED, *([*pools, HAPROXY] if everything else [])]


def _masked(unit: str) -> bool:
    link = Path("/etc/systemd/system", unit)
    return link.is_symlink() and str(link.readlink()) == "/dev/null"


def _systemctl(verb: str, unit: str, timeout: float) -> None:
    done = HostRunner().run(["systemctl", verb, unit], timeout=timeout)
    if not done.ok:
        raise CallFailed(f"systemctl {verb} {unit}: {done.reason}")


def stop(args: Mapping[str, Any]) -> dict[str, Any]:
    """Stop Keepalived, and with ``everything`` the pools and HAProxy too; keep them from starting at boot."""
    changed = []
    for unit in _units(bool(args.get("everything"))):
        done = HostRunner().run(["systemctl", "is-active", "--quiet", unit], timeout=5)
        if done.ok:
            _systemctl("stop", unit, 30)
        if not _masked(unit):
            _systemctl("mask", unit, 10)
            changed.append(unit)
        elif done.ok:
            changed.append(unit)
    return {"changed": bool(changed), "stopped": changed}


def start(args: Mapping[str, Any]) -> dict[str, Any]:
    """HAProxy first, until it sends writes to ``primary``; then the pools; then Keepalived, until it has its place.

    ``host``, ``vip`` and ``address`` as in M(sre.ha_recovery.keepalived_info); ``timeout``: seconds for each.
    """
    limit = float(args.get("timeout") or 30)
    began = time.monotonic()
    units = _units(everything=True)
    for unit in units:
        if _masked(unit):
            _systemctl("unmask", unit, 10)
    _systemctl("start", HAPROXY, 30)
    _wait("HAProxy", limit, lambda: _haproxy_lacks(str(args["host"]), args.get("primary")))
    for pool in POOLS:
        instance = Instance(pool)
        if instance.configured:
            _systemctl("start", f"pgbouncer@{pool}.service", 30)
            _wait(f"the pool {pool}", limit, lambda instance=instance: _pool_lacks(instance))  # type: ignore[misc]
    _systemctl("start", KEEPALIVED, 30)
    asked = {key: args[key] for key in ("host", "vip", "address")}
    _wait("Keepalived", limit, lambda: _keepalived_lacks(asked))
    return {"changed": True, "seconds": round(time.monotonic() - began, 3)}


def _haproxy_lacks(host: str, primary: str | None) -> str:
    seen = ask(host)
    if not seen["running"]:
        return str(seen["error"])
    routed = balancer_from({"host": host, "haproxy": seen}).routes_writes_to()
    return (
        "" if primary is None or routed == {primary} else f"it sends writes to {', '.join(sorted(routed)) or 'nobody'}"
    )


def _pool_lacks(instance: Instance) -> str:
    seen = pooler.info(HostRunner(), instance)
    return "" if seen["state"] == "active" else f"it is {seen['state']} ({seen['error']})"


def _keepalived_lacks(asked: Mapping[str, Any]) -> str:
    seen = keepalived_info(asked)
    return "" if seen["state"] in {"BACKUP", "MASTER"} else f"it is in state {seen['state']} ({seen['error']})"


def _wait(what: str, limit: float, lacks: Callable[[], str], every: float = 0.2) -> None:
    """Until nothing lacks any more. Raises CallFailed with what still does."""
    end = time.monotonic() + limit
    while why := lacks():
        if time.monotonic() > end:
            raise CallFailed(f"{what} is not in service after {limit:g} s: {why}")
        time.sleep(every)


def has_vip(args: Mapping[str, Any]) -> dict[str, Any]:
    """Wait up to ``timeout`` s until this host has the address ``vip``. ``holds``: whether it has."""
    began = time.monotonic()
    vip, limit = plain(str(args["vip"])), float(args.get("timeout") or 5)
    while True:
        done = HostRunner().run(["ip", "-json", "-4", "address", "show"], timeout=2)
        holds = done.ok and find(parse_addresses(done.stdout), vip) is not None
        seconds = round(time.monotonic() - began, 3)
        if holds or seconds >= limit:
            return {"changed": holds, "holds": holds, "seconds": seconds}
        time.sleep(EVERY_S)
