# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's server state: what ``show servers state`` prints and a ``server-state-file`` holds (one format, version 1).

Also installed on the load balancer beside the program ``haproxy_state``: standard library only, no relative imports.
Source: HAProxy management guide, 9.3 "show servers state"; ``src/server_state.c`` of HAProxy 2.6 and 3.0, which read
the same 25 columns, find a server by the *names* in columns 2 and 4, and ignore the ids.

Two facts about HAProxy make this module necessary:

- A server that is missing from the state file starts *up*, before any health check has looked at it: after a cold start
  HAProxy would route writes to a standby for as long as its checks take. Hence :func:`cold_start`.
- What the file says about a server's port wins over the configuration. Hence every line is rebuilt from the
  configuration, and only the state is carried over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import ConfiguredServer

VERSION = "1"
COLUMNS = [
    "be_id",
    "be_name",
    "srv_id",
    "srv_name",
    "srv_addr",
    "srv_op_state",
    "srv_admin_state",
    "srv_uweight",
    "srv_iweight",
    "srv_time_since_last_change",
    "srv_check_status",
    "srv_check_result",
    "srv_check_health",
    "srv_check_state",
    "srv_agent_state",
    "bk_f_forced_id",
    "srv_f_forced_id",
    "srv_fqdn",
    "srv_port",
    "srvrecord",
    "srv_use_ssl",
    "srv_check_port",
    "srv_check_addr",
    "srv_agent_addr",
    "srv_agent_port",
]

STOPPED, STARTING, RUNNING, STOPPING = range(4)
OPERATIONAL = {STOPPED: "stopped", STARTING: "starting", RUNNING: "running", STOPPING: "stopping"}

FORCED_MAINT, FORCED_DRAIN = 0x01, 0x08
ADMIN_FLAGS = {
    FORCED_MAINT: "maint",
    0x02: "maint_inherited",
    0x04: "maint_configured",
    FORCED_DRAIN: "drain",
    0x10: "drain_inherited",
    0x20: "maint_unresolved",
    0x40: "fqdn_changed",
}

CHECK_CONFIGURED, CHECK_ENABLED = 0x02, 0x04
# "Initialising". With status 0 ("unknown") HAProxy runs a server's checks and ignores their results for ever.
CHECK_INITIALISING = 1


class ServerStateError(ValueError):
    """The text is not a server state of version 1."""


@dataclass(frozen=True)
class ServerState:
    """One server as HAProxy sees it. ``weight`` is the one in use, ``configured_weight`` the configuration's (0..256);
    ``since_s`` is the age of its operational state in seconds; the ``check_*`` numbers are HAProxy's own."""

    backend: str
    server: str
    address: str
    port: int
    operational: int
    admin: int
    weight: int
    configured_weight: int
    since_s: int = 0
    check_status: int = CHECK_INITIALISING
    check_result: int = 0
    check_health: int = 0
    check_state: int = CHECK_CONFIGURED | CHECK_ENABLED

    @property
    def key(self) -> tuple[str, str]:
        """(backend, server), by which HAProxy finds it again."""
        return self.backend, self.server

    @property
    def state(self) -> str:
        """What a person has ordered: ``ready``, ``drain`` or ``maint`` (the words of ``set server … state``)."""
        return admin_state(self.admin)

    @property
    def checked(self) -> bool:
        """Whether a health check can bring the server up."""
        return self.check_state & (CHECK_CONFIGURED | CHECK_ENABLED) == CHECK_CONFIGURED | CHECK_ENABLED


def admin_state(flags: int) -> str:
    """``ready``, ``drain`` or ``maint`` from the administrative flags: what was ordered, not what is inherited."""
    if flags & FORCED_MAINT:
        return "maint"
    return "drain" if flags & FORCED_DRAIN else "ready"


def admin_flags(flags: int) -> list[str]:
    """The names of the administrative flags that are set; none means ready."""
    return [name for bit, name in ADMIN_FLAGS.items() if flags & bit]


def parse(text: str) -> tuple[ServerState, ...]:
    """The servers of a dump. Raises :class:`ServerStateError` when the first line is not the version; a line that is
    damaged (a file cut short) is left out, for half a state is better than none."""
    lines = text.strip().splitlines()
    if not lines or lines[0].strip() != VERSION:
        raise ServerStateError(
            f"expected version {VERSION} on the first line, found {lines[0][:60] if lines else ''!r}"
        )
    return tuple(
        state for line in lines[1:] if line.strip() and not line.startswith("#") and (state := _parse_line(line))
    )


def _parse_line(line: str) -> ServerState | None:
    words = line.split()
    if len(words) < 20:  # the first 20 columns exist in every release that we know
        return None
    column = dict(zip(COLUMNS, words))
    try:
        return ServerState(
            backend=column["be_name"],
            server=column["srv_name"],
            address=column["srv_addr"],
            port=int(column["srv_port"]),
            operational=int(column["srv_op_state"]),
            admin=int(column["srv_admin_state"]),
            weight=int(column["srv_uweight"]),
            configured_weight=int(column["srv_iweight"]),
            since_s=int(column["srv_time_since_last_change"]),
            check_status=int(column["srv_check_status"]),
            check_result=int(column["srv_check_result"]),
            check_health=int(column["srv_check_health"]),
            check_state=int(column["srv_check_state"]),
        )
    except ValueError:
        return None


def render(states: Iterable[ServerState]) -> str:
    """The text of a server-state-file. Ids are counted up here, for HAProxy looks at the names."""
    lines = [VERSION, "# " + " ".join(COLUMNS)]
    backends: dict[str, int] = {}
    for number, state in enumerate(states, start=1):
        backend_id = backends.setdefault(state.backend, len(backends) + 1)
        lines.append(
            f"{backend_id} {state.backend} {number} {state.server} {state.address or '-'} {state.operational}"
            f" {state.admin} {state.weight} {state.configured_weight} {state.since_s} {state.check_status}"
            f" {state.check_result} {state.check_health} {state.check_state} 0 0 0 - {state.port} - 0 0 - - 0"
        )
    return "\n".join(lines) + "\n"


def cold_start(configured: Iterable[ConfiguredServer], saved: Iterable[ServerState]) -> tuple[ServerState, ...]:
    """The state in which HAProxy must start when no older process of it hands over: every server that has a health
    check is down until it passes one; orders of people (maint, drain, weight) are kept from ``saved``."""
    known = _by_key(saved)
    return tuple(_fresh(server, known.get((server.backend, server.server))) for server in configured)


def carry_over(configured: Iterable[ConfiguredServer], running: Iterable[ServerState]) -> tuple[ServerState, ...]:
    """The state in which the next HAProxy process of a reload starts: each server as the running process sees it. A
    server that is new, or has moved to another address or port, is down until a check has looked at it."""
    known = _by_key(running)
    result = []
    for server in configured:
        before = known.get((server.backend, server.server))
        if before is None or (before.address, before.port) != (server.address, server.port):
            result.append(_fresh(server, before))
            continue
        result.append(
            replace(
                before,
                admin=_kept_admin(before.admin),
                weight=_kept_weight(server, before),
                configured_weight=server.weight,
                check_status=max(before.check_status, CHECK_INITIALISING),
            )
        )
    return tuple(result)


def at_rest(states: Iterable[ServerState]) -> tuple[ServerState, ...]:
    """``states`` as they are written down for the next cold start: what was ordered, and nothing that a check found.
    The text of it changes only when an order changes."""
    return tuple(
        ServerState(
            backend=state.backend,
            server=state.server,
            address=state.address,
            port=state.port,
            operational=STOPPED if state.checked else RUNNING,
            admin=_kept_admin(state.admin),
            weight=state.weight,
            configured_weight=state.configured_weight,
        )
        for state in states
    )


def orders(states: Iterable[ServerState]) -> dict[tuple[str, str], tuple[int, int]]:
    """What people ordered, by (backend, server): administrative flags and weight. What a restart must not lose."""
    return {state.key: (_kept_admin(state.admin), state.weight) for state in states}


def _by_key(states: Iterable[ServerState]) -> Mapping[tuple[str, str], ServerState]:
    return {state.key: state for state in states}


def _fresh(server: ConfiguredServer, before: ServerState | None) -> ServerState:
    return ServerState(
        backend=server.backend,
        server=server.server,
        address=server.address,
        port=server.port,
        operational=STOPPED if server.checked else RUNNING,
        admin=_kept_admin(before.admin) if before else 0,
        weight=_kept_weight(server, before) if before else server.weight,
        configured_weight=server.weight,
    )


def _kept_admin(flags: int) -> int:
    """HAProxy refuses a whole line for a combination that it does not know, and works out inherited flags itself."""
    return flags & FORCED_MAINT or flags & FORCED_DRAIN


def _kept_weight(server: ConfiguredServer, before: ServerState) -> int:
    """A changed configuration wins over a weight that was set at run time, as in HAProxy itself."""
    return before.weight if before.configured_weight == server.weight else server.weight
