# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file: one JSON object, checked as a whole before it is used.

Unknown keys and impossible combinations are refused by name, so that a typing error stops the deployment
(``--check-config`` is the template's validator) instead of making a probe that looks healthy and measures nothing.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the key, what it is and what is allowed."""


@dataclass(frozen=True)
class PeerAddress:
    """Another database host of the cluster, whose probe we ask for its view."""

    name: str
    address: str
    port: int


@dataclass(frozen=True)
class Config:
    """Everything the probe may be told. Times are seconds, sizes are bytes."""

    name: str
    cluster_name: str
    listen_address: str
    port: int
    allowed_clients: tuple[Network, ...]
    peers: tuple[PeerAddress, ...] = ()
    socket_directory: str = "/var/run/postgresql"
    postgresql_port: int = 5432
    database: str = "postgres"
    user: str = "role_probe"
    refresh_interval: float = 0.2
    query_timeout: float = 1.0
    max_age: float = 1.5
    accept_interval: float = 1.0
    session_patience: float = 5.0
    minimum_free_bytes: int = 33554432
    data_directory: str = ""
    wal_directory: str = ""
    wal_stall_timeout: float = 1.5
    fence_marker: str = "/etc/postgresql/{major}/main/fenced.json"
    boot_guard_socket: str = "/run/ha_recovery/boot_guard.sock"
    boot_guard_interval: float = 1.0
    boot_guard_timeout: float = 3.0
    peer_interval: float = 0.5
    peer_timeout: float = 0.4
    peer_max_age: float = 2.0
    lag_max_age: float = 30.0
    readiness_max_lag: int = 16777216
    max_connections: int = 128
    request_timeout: float = 2.0
    liveness_max_age: float = 10.0


# key -> (lowest, highest) allowed value
RANGES: Mapping[str, tuple[float, float]] = {
    "port": (1, 65535),
    "postgresql_port": (1, 65535),
    "refresh_interval": (0.05, 0.5),
    "query_timeout": (0.05, 10),
    "max_age": (0.1, 10),
    "accept_interval": (0.2, 60),
    "session_patience": (1, 600),
    "minimum_free_bytes": (0, 2**63),
    "wal_stall_timeout": (0.5, 600),
    "boot_guard_interval": (0.2, 60),
    "boot_guard_timeout": (0.2, 30),
    "peer_interval": (0.1, 60),
    "peer_timeout": (0.05, 10),
    "peer_max_age": (0.2, 120),
    "lag_max_age": (0, 86400),
    "readiness_max_lag": (0, 2**63),
    "max_connections": (8, 1000),
    "request_timeout": (0.1, 60),
    "liveness_max_age": (1, 600),
}


def parse(data: Any) -> Config:
    """Turn the decoded JSON into a :class:`Config`, or raise :class:`ConfigError` for the first thing that is wrong."""
    if not isinstance(data, dict):
        raise ConfigError(f"the file must hold one JSON object, not {type(data).__name__}")
    known = {field.name: field for field in fields(Config)}
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ConfigError(f"unknown key {', '.join(unknown)}; allowed are {', '.join(sorted(known))}")
    for key in ("name", "cluster_name", "listen_address", "port", "allowed_clients"):
        if key not in data:
            raise ConfigError(f"{key} is missing")
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key == "allowed_clients":
            values[key] = _networks(value)
        elif key == "peers":
            values[key] = _peers(value)
        elif key in RANGES:
            values[key] = _number(key, value, whole="int" in str(known[key].type))
        elif isinstance(value, str):
            values[key] = value
        else:
            raise ConfigError(f"{key} is {value!r}; it must be a string")
    _address("listen_address", values["listen_address"])
    config = Config(**values)
    _check_together(config)
    return config


def load(path: Path) -> Config:
    """Read and check the file. Raises :class:`ConfigError` with the file's name in front."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _check_together(config: Config) -> None:
    if not config.name:
        raise ConfigError("name is empty; it must be the host's inventory name")
    if config.max_age < config.refresh_interval + config.query_timeout:
        raise ConfigError(
            f"max_age is {config.max_age:g}; it must be at least refresh_interval + query_timeout "
            f"({config.refresh_interval + config.query_timeout:g}), or a slow answer looks like a dead probe"
        )
    if config.peer_max_age < config.peer_interval + config.peer_timeout:
        raise ConfigError(
            f"peer_max_age is {config.peer_max_age:g}; it must be at least peer_interval + peer_timeout "
            f"({config.peer_interval + config.peer_timeout:g})"
        )
    if not config.allowed_clients:
        raise ConfigError("allowed_clients is empty; nobody could ask the probe, name at least the load balancers")


def _number(key: str, value: Any, *, whole: bool) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and not isinstance(value, int)):
        raise ConfigError(f"{key} is {value!r}; it must be a{' whole' if whole else ''} number")
    low, high = RANGES[key]
    if not low <= value <= high:
        raise ConfigError(f"{key} is {value:g}; allowed is {low:g} to {high:g}")
    return value


def _address(key: str, value: Any) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise ConfigError(f"{key} is {value!r}; it must be an IP address") from error


def _networks(value: Any) -> tuple[Network, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"allowed_clients is {value!r}; it must be a list of addresses or networks")
    try:
        return tuple(ipaddress.ip_network(item) for item in value)
    except ValueError as error:
        raise ConfigError(f"allowed_clients: {error}") from error


def _peers(value: Any) -> tuple[PeerAddress, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"peers is {value!r}; it must be a list")
    result = []
    for item in value:
        if not isinstance(item, dict) or set(item) != {"name", "address", "port"}:
            raise ConfigError(f"peers: {item!r} must have exactly name, address and port")
        result.append(
            PeerAddress(
                name=str(item["name"]),
                address=_address(f"peers: address of {item['name']}", item["address"]),
                port=int(_number("port", item["port"], whole=True)),
            )
        )
    return tuple(result)
