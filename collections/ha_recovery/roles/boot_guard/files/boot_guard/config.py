# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file: who this host is, whom to ask, and how long. Whatever is wrong with it, the guard refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .decision import POLICIES


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the key."""


@dataclass(frozen=True)
class Other:
    """A host to ask: its role probe, or HAProxy's monitoring port."""

    name: str
    address: str
    port: int


@dataclass(frozen=True)
class Config:
    """Times are seconds. ``wait``: how long a start waits for the others; ``retry``: between two later looks."""

    name: str
    cluster: str
    policy: str
    wait: float
    retry: float
    ask_timeout: float
    databases: tuple[Other, ...]
    load_balancers: tuple[Other, ...]


def _others(key: str, value: Any) -> tuple[Other, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{key} must be a list")
    try:
        return tuple(Other(str(one["name"]), str(one["address"]), int(one["port"])) for one in value)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{key}: every entry needs name, address and port") from error


def parse(data: Any) -> Config:
    """Turn the decoded JSON into a :class:`Config`. Raises ConfigError."""
    if not isinstance(data, Mapping):
        raise ConfigError("the file must hold one JSON object")
    try:
        config = Config(
            name=str(data["name"]),
            cluster=str(data["cluster"]),
            policy=str(data["policy"]),
            wait=float(data["wait"]),
            retry=float(data["retry"]),
            ask_timeout=float(data["ask_timeout"]),
            databases=_others("databases", data["databases"]),
            load_balancers=_others("load_balancers", data["load_balancers"]),
        )
    except KeyError as error:
        raise ConfigError(f"{error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error)) from error
    if config.policy not in POLICIES:
        raise ConfigError(f"policy is {config.policy!r}; allowed: {', '.join(POLICIES)}")
    for key, low, high in (("wait", 0, 600), ("retry", 0.5, 600), ("ask_timeout", 0.1, 10)):
        if not low <= getattr(config, key) <= high:
            raise ConfigError(f"{key} is {getattr(config, key):g}; allowed: {low:g} to {high:g}")
    return config


def load(path: Path) -> Config:
    """Read the file. Raises ConfigError."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
