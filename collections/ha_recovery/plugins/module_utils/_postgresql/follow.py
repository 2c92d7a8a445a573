# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a node follow a primary: what its configuration should say, and whether it may follow at all.

Pure. Source: PostgreSQL manual, "Standby Servers" settings and libpq "Parameter Key Words".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class FollowRefused(Exception):
    """This node must not follow now. The message names what was seen, what was expected and the next command."""


@dataclass(frozen=True)
class Upstream:
    """Whom to follow and how to log in there. ``host`` is the name its certificate carries, ``address`` where it is."""

    host: str
    address: str
    port: int
    user: str
    passfile: str
    sslmode: str
    sslrootcert: str
    slot_name: str
    application_name: str
    connect_timeout: int = 3


@dataclass(frozen=True)
class FollowPlan:
    """What is to be done, in this order; ``before``/``after`` are the configuration file's text."""

    before: str
    after: str
    write_conf: bool
    write_signal: bool
    reload: bool
    start: bool

    @property
    def changed(self) -> bool:
        """True when anything is to be done."""
        return self.write_conf or self.write_signal or self.start


_SLOT_CHARACTERS = re.compile(r"[^a-z0-9_]")


def slot_name_for(host: str) -> str:
    """The physical slot of a host: its name in the characters Postgres allows (a-z, 0-9, _), at most 63 of them."""
    return _SLOT_CHARACTERS.sub("_", host.lower())[:63]


def conninfo_value(value: str) -> str:
    """One value of a connection string, quoted when it needs to be."""
    if re.fullmatch(r"[A-Za-z0-9_./:@%+-]+", value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def conninfo(upstream: Upstream) -> str:
    """The connection string. ``hostaddr`` spares the lookup of the name; ``host`` is what TLS verifies.

    A dead primary is given up after 5 s without an acknowledged packet, so that a partition does not look like calm.
    """
    pairs: list[tuple[str, str]] = [
        ("host", upstream.host),
        ("hostaddr", upstream.address),
        ("port", str(upstream.port)),
        ("user", upstream.user),
        ("passfile", upstream.passfile),
        ("sslmode", upstream.sslmode),
        ("sslrootcert", upstream.sslrootcert),
        ("application_name", upstream.application_name),
        ("connect_timeout", str(upstream.connect_timeout)),
        ("tcp_user_timeout", "5000"),
    ]
    return " ".join(f"{key}={conninfo_value(value)}" for key, value in pairs if value)


def replication_conf(upstream: Upstream) -> str:
    """Content of conf.d/90-replication.conf."""
    quoted = conninfo(upstream).replace("'", "''")
    return (
        "# Whom this node follows. Written by sre.ha_recovery.postgresql_follow; edits are overwritten.\n"
        f"primary_conninfo = '{quoted}'\n"
        f"primary_slot_name = '{upstream.slot_name}'\n"
        "recovery_target_timeline = 'latest'\n"
    )


def plan_follow(
    node: Mapping[str, Any], *, upstream: Upstream, before: str | None, signal: bool, backup_label: bool, start: bool
) -> FollowPlan:
    """Decide from the observed node. ``signal``/``backup_label``: whether those files lie in its data directory."""
    host = node["host"]
    if node["role"] == "primary":
        raise FollowRefused(
            f"{host} runs as a writable primary on timeline {node['timeline']}; expected a standby or a stopped "
            f"server. A running primary is never turned into a standby. Next: playbooks/status.yml"
        )
    if upstream.host == host:
        raise FollowRefused(f"{host} was told to follow itself; expected another host. Next: playbooks/status.yml.")
    if node["fenced"] is not None:
        raise FollowRefused(
            f"{host} is fenced ({node['fenced'].get('reason', 'no reason given')}); expected a host that may run. "
            f"Next: {node['fenced'].get('lift_with', 'ansible-playbook playbooks/rejoin.yml -e rejoin_host=' + host)}"
        )
    if node["data_state"] != "initialized":
        raise FollowRefused(
            f"{host} has no data to follow with (its data directory is {node['data_state']}); expected a copy of the "
            f"primary. Next: playbooks/site.yml seeds an empty host."
        )
    state = (node.get("control") or {}).get("state", "")
    running = bool(node["running"])
    if not running and not signal and not backup_label and state not in {"shut down", "shut down in recovery"}:
        raise FollowRefused(
            f"{host} was a primary and did not stop cleanly (its control file says '{state}'); expected 'shut down' or "
            f"a standby's data. It may hold WAL of its own. "
            f"Next: ansible-playbook playbooks/rejoin.yml -e rejoin_host={host}"
        )
    after = replication_conf(upstream)
    write_conf = before != after
    return FollowPlan(
        before=before or "",
        after=after,
        write_conf=write_conf,
        write_signal=not running and not signal,
        reload=running and write_conf,
        start=start and not running,
    )


def streams_from(node: Mapping[str, Any], upstream: Upstream) -> bool:
    """True when this node is a standby whose WAL receiver streams from that upstream."""
    receiver = node.get("wal_receiver") or {}
    return (
        node["role"] == "standby"
        and receiver.get("status") == "streaming"
        and receiver.get("sender_host") in {upstream.host, upstream.address}
        and receiver.get("sender_port") == upstream.port
        and receiver.get("slot_name") in {upstream.slot_name, None}
    )
