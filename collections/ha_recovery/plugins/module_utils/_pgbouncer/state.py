# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PgBouncer instance says of itself, and which console commands lead from there to what is wanted.

Pure. Databases are paused one by one, never all at once: C(SHOW DATABASES) then says exactly which are, on every
version, and a second PAUSE of a paused database is no error.
Also installed on the load balancer beside the program that ends a lease: standard library only, no relative imports.
Source: pgbouncer(1), "Admin console".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

CONSOLE = "pgbouncer"  # the console's own name in SHOW DATABASES and SHOW POOLS
_BARE = re.compile(r"[a-z_][a-z0-9_]*")
Row = Mapping[str, str]


class Refusal(Exception):
    """What was asked cannot be done; the message says what was found and what to do."""


@dataclass(frozen=True)
class Database:
    """One database of the pooler. Counts are connections; ``max_wait_s`` is how long the first client in line waits."""

    name: str
    paused: bool
    disabled: bool
    clients_active: int = 0
    clients_waiting: int = 0
    servers_active: int = 0
    servers_idle: int = 0
    max_wait_s: float = 0.0


@dataclass(frozen=True)
class Pooler:
    """``held``: all at once by a person's PAUSE (``paused``) or SUSPEND (``suspended``), empty for neither, None where
    the version cannot tell (before 1.20)."""

    databases: tuple[Database, ...]
    held: str | None = None

    @property
    def state(self) -> str:
        """See the table in :func:`state_of`."""
        return state_of(self)

    @property
    def paused(self) -> tuple[str, ...]:
        """Names of the paused databases."""
        return tuple(one.name for one in self.databases if one.paused)


@dataclass(frozen=True)
class Holder:
    """A client whose transaction is not over. ``quiet_s``: seconds since its last statement, None when not known."""

    user: str
    database: str
    address: str
    application: str
    quiet_s: float | None

    @property
    def text(self) -> str:
        """For a message to people."""
        named = f" ({self.application})" if self.application else ""
        since = "" if self.quiet_s is None else f", last statement {self.quiet_s:.0f} s ago"
        return f"{self.user}@{self.database} from {self.address}{named}{since}"


def pooler_of(databases: Iterable[Row], pools: Iterable[Row], state: Iterable[Row] | None) -> Pooler:
    """Out of SHOW DATABASES, SHOW POOLS and SHOW STATE (None where the version has no such command)."""
    pools = list(pools)
    found = []
    for row in databases:
        if row["name"] == CONSOLE:
            continue
        mine = [pool for pool in pools if pool["database"] == row["name"]]
        found.append(
            Database(
                name=row["name"],
                paused=row["paused"] == "1",
                disabled=row["disabled"] == "1",
                clients_active=_sum(mine, "cl_active"),
                clients_waiting=_sum(mine, "cl_waiting"),
                servers_active=_sum(mine, "sv_active", "sv_tested"),
                servers_idle=_sum(mine, "sv_idle", "sv_used"),
                max_wait_s=max(
                    [_number(one, "maxwait") + _number(one, "maxwait_us") / 1e6 for one in mine], default=0.0
                ),
            )
        )
    held = None
    if state is not None:
        flags = {row["key"]: row["value"] for row in state}
        held = next((word for word in ("suspended", "paused") if flags.get(word) == "yes"), "")
    return Pooler(tuple(found), held)


def state_of(pooler: Pooler) -> str:
    """One word for the pooler as a whole.

    ==============================================  ===============
    observed                                        state
    ==============================================  ===============
    held by SUSPEND                                 suspended
    held by PAUSE, or every database paused,
    ... a transaction still runs                    pausing
    ... none runs                                   paused
    some databases paused                           partly_paused
    none of these                                   active
    ==============================================  ===============
    """
    if pooler.held == "suspended":
        return "suspended"
    names = pooler.paused
    if pooler.held == "paused" or (names and len(names) == len(pooler.databases)):
        return "pausing" if any(one.servers_active for one in pooler.databases) else "paused"
    return "partly_paused" if names else "active"


def select(pooler: Pooler, names: Sequence[str] | None) -> tuple[Database, ...]:
    """The databases asked for; all when ``names`` is None or empty. Raises :class:`Refusal` for an unknown one."""
    known = {one.name: one for one in pooler.databases}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise Refusal(
            f"the pool has no database {', '.join(unknown)}; it has {', '.join(sorted(known)) or 'none'}. "
            "Next: look at pgbouncer_databases in the inventory, then run site.yml"
        )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else pooler.databases


def to_pause(pooler: Pooler, chosen: Sequence[Database]) -> tuple[str, ...]:
    """PAUSE of every chosen database: of a paused one as well, for the answer comes when its transactions are over."""
    if pooler.held:
        raise Refusal(
            f"the pool is {pooler.held} as a whole, by hand at the console and without a lease; expected: active. "
            "Next: set it to state=resumed, or find out who works on it"
        )
    return tuple(f"PAUSE {identifier(one.name)}" for one in chosen)


def to_resume(pooler: Pooler, chosen: Sequence[Database], *, everything: bool) -> tuple[str, ...]:
    """RESUME of every chosen database that is paused, and of the whole where it is held or might be."""
    commands = tuple(f"RESUME {identifier(one.name)}" for one in chosen if one.paused)
    return commands + (("RESUME",) if everything and pooler.held != "" else ())


def may_be_refused(pooler: Pooler, command: str) -> bool:
    """A plain RESUME is a guess where the version does not tell whether the whole is held."""
    return command == "RESUME" and pooler.held is None


def to_reconnect(chosen: Sequence[Database]) -> tuple[str, ...]:
    """RECONNECT of every chosen database that has connections to a server."""
    return tuple(f"RECONNECT {identifier(one.name)}" for one in chosen if one.servers_active + one.servers_idle)


def holders(clients: Iterable[Row], names: Sequence[str], now: datetime) -> tuple[Holder, ...]:
    """Clients (rows of SHOW CLIENTS) that hold a server connection of one of the databases, longest quiet first."""
    found = [
        Holder(
            user=row["user"],
            database=row["database"],
            address=f"{row['addr']}:{row['port']}",
            application=row.get("application_name", ""),
            quiet_s=_age(row["request_time"], now),
        )
        for row in clients
        if row["link"] and row["database"] in names
    ]
    return tuple(sorted(found, key=lambda one: -(one.quiet_s or 0.0)))


def identifier(name: str) -> str:
    """A database's name as the console reads it."""
    return name if _BARE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _age(text: str, now: datetime) -> float | None:
    """Seconds since ``2026-11-23 02:00:05 UTC``; None in another time zone (the unit sets UTC)."""
    try:
        then = datetime.strptime(text, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return max(0.0, (now - then).total_seconds())


def _sum(rows: Iterable[Row], *columns: str) -> int:
    return sum(int(_number(row, column)) for row in rows for column in columns)


def _number(row: Row, column: str) -> float:
    return float(row.get(column) or 0)
