# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers as decisions see them: which servers they route to, and who holds the virtual IP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

READ_WRITE = "postgresql_primary"
READ_ONLY = "postgresql_replicas"
BACKENDS = (READ_WRITE, READ_ONLY)


@dataclass(frozen=True)
class Server:
    """One server line of one backend. ``status`` is HAProxy's word (UP, DOWN, MAINT, ...)."""

    backend: str
    name: str
    status: str
    check_status: str
    maint: bool

    @property
    def up(self) -> bool:
        """Traffic goes there, and the last finished check was good: a server on its way down does not count."""
        failing = self.check_status.startswith(("L4TOUT", "L4CON", "L6", "L7TOUT", "L7RSP", "L7STS", "SOCKERR"))
        return self.status.startswith("UP") and not failing and not self.maint


@dataclass(frozen=True)
class Pool:
    """One pool of the pooler. ``state`` is M(sre.ha_recovery.pgbouncer_pool)'s word; ``lease_s``: seconds until it
    resumes by itself, None without a lease."""

    name: str
    state: str
    error: str
    lease_s: float | None


@dataclass(frozen=True)
class Balancer:
    """One load balancer host. ``holds_vip`` is None when it could not be asked."""

    host: str
    reachable: bool
    running: bool
    holds_vip: bool | None
    keepalived_running: bool
    error: str | None
    servers: tuple[Server, ...]
    pools: tuple[Pool, ...] = ()
    maintenance: Mapping[str, Any] | None = None

    def server(self, name: str, backend: str = READ_WRITE) -> Server | None:
        """One server by name."""
        return next((one for one in self.servers if one.name == name and one.backend == backend), None)

    def fenced(self, name: str) -> bool:
        """True when that server is in maintenance in every backend it is in, and in the read-write one for sure."""
        mine = [one for one in self.servers if one.name == name and one.backend in BACKENDS]
        return any(one.backend == READ_WRITE for one in mine) and all(one.maint for one in mine)

    def in_maintenance(self) -> set[str]:
        """Servers that somebody put into maintenance in the read-write backend."""
        return {one.name for one in self.servers if one.backend == READ_WRITE and one.maint}

    def routes_writes_to(self) -> set[str]:
        """Servers that get write traffic now."""
        return {one.name for one in self.servers if one.backend == READ_WRITE and one.up}


def _server(raw: Mapping[str, Any]) -> Server:
    status = str(raw.get("status") or "")
    admin = raw.get("admin_state") or []
    flags = [admin] if isinstance(admin, str) else list(admin)
    return Server(
        backend=str(raw.get("backend") or ""),
        name=str(raw.get("server") or ""),
        status=status,
        check_status=str(raw.get("check_status") or "").lstrip("* "),
        maint=status.startswith("MAINT") or "maint" in flags,
    )


def _pool(raw: Mapping[str, Any]) -> Pool:
    lease = raw.get("lease") or {}
    return Pool(
        name=str(raw.get("pool") or ""),
        state=str(raw.get("state") or "unknown"),
        error=str(raw.get("error") or ""),
        lease_s=float(lease["remaining_s"]) if "remaining_s" in lease else None,
    )


def balancer_from(raw: Mapping[str, Any]) -> Balancer:
    """Read ``{host, reachable, haproxy: {...}, keepalived: {...}, pools: [...]}``; absent parts mean "not known".

    Pools of a host that has no pooler are left out.
    """
    haproxy = raw.get("haproxy") or {}
    keepalived = raw.get("keepalived") or {}
    reachable = bool(raw.get("reachable", True))
    vip = keepalived.get("holds_vip")
    error = raw.get("error") or haproxy.get("error") or keepalived.get("error")
    return Balancer(
        host=str(raw["host"]),
        reachable=reachable,
        running=reachable and bool(haproxy.get("running")),
        holds_vip=None if vip is None or not reachable else bool(vip),
        keepalived_running=reachable and bool(keepalived.get("running")),
        error=None if not error else str(error),
        servers=tuple(_server(one) for one in haproxy.get("servers") or ()) if reachable else (),
        pools=tuple(_pool(one) for one in raw.get("pools") or () if one.get("configured", True)) if reachable else (),
        maintenance=haproxy.get("maintenance") or None,
    )


def balancers_from(raws: Any, expected: Any = ()) -> tuple[Balancer, ...]:
    """Balancers in name order; one that is expected but was not observed is an unreachable one."""
    seen = {str(raw["host"]): balancer_from(raw) for raw in raws}
    for name in expected:
        seen.setdefault(str(name), balancer_from({"host": name, "reachable": False}))
    return tuple(seen[name] for name in sorted(seen))
