# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a libpq connection string apart: one attempt per host, a form that can be shown, defaults that notice a dead
server."""

from __future__ import annotations

import random
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .model import StormError

_SHOWN = ("host", "hostaddr", "port", "dbname", "user", "target_session_attrs", "sslmode", "service")


@dataclass(frozen=True)
class Dsn:
    """``attempts``: connection strings of one host each, in order. ``shown``: without secrets. ``connect_timeout``:
    seconds per host if the DSN names any. ``shuffle``: the DSN asks for the hosts in random order
    (load_balance_hosts)."""

    attempts: tuple[str, ...]
    shown: str
    connect_timeout: float | None
    shuffle: bool

    def ordered(self) -> list[str]:
        attempts = list(self.attempts)
        if self.shuffle:
            random.shuffle(attempts)
        return attempts


def parse_dsn(dsn: str, tcp_user_timeout_ms: int) -> Dsn:
    """Parse ``dsn`` (keyword or URI form; several hosts allowed). Raises :class:`StormError`, which never quotes it:
    it may hold a password.

    Unless the DSN says otherwise a session gives up on a peer that has not acknowledged sent data for
    ``tcp_user_timeout_ms``, and asks a silent one for a sign of life every second.
    """
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    except psycopg.ProgrammingError:
        raise StormError("the DSN is not a libpq connection string: host=… dbname=… or postgresql://…") from None
    timeout = _seconds(given.pop("connect_timeout", None))
    defaults = {
        "application_name": "order-storm",
        "keepalives_idle": "1",
        "keepalives_interval": "1",
        "keepalives_count": "2",
        "tcp_user_timeout": str(tcp_user_timeout_ms),
    }
    parameters = {**defaults, **given}
    shuffle = parameters.pop("load_balance_hosts", "disable") == "random"
    shown = " ".join(f"{key}={given[key]}" for key in _SHOWN if key in given) or "libpq defaults"
    attempts = tuple(make_conninfo("", **one) for one in _per_host(parameters))
    return Dsn(attempts, shown, timeout, shuffle)


def _per_host(parameters: dict[str, str]) -> list[dict[str, str]]:
    """One set of parameters per host. A list that does not add up is left whole: libpq words that error best."""
    lists: dict[str, list[str]] = {key: parameters[key].split(",") for key in ("host", "hostaddr") if key in parameters}
    count = max((len(values) for values in lists.values()), default=1)
    if count == 1 or any(len(values) != count for values in lists.values()):
        return [parameters]
    if "port" in parameters:
        ports = parameters["port"].split(",")
        lists["port"] = ports * count if len(ports) == 1 else ports
        if len(lists["port"]) != count:
            return [parameters]
    return [{**parameters, **{key: values[n] for key, values in lists.items()}} for n in range(count)]


def _seconds(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        raise StormError(f"connect_timeout in the DSN is {value!r}; expected seconds") from None
    return seconds if seconds > 0 else None  # libpq: 0 = forever, which a storm never waits
