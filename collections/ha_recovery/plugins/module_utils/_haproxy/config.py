# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that a haproxy.cfg names: pure text in, frozen records out.

Also installed on the load balancer beside the program ``haproxy_state``: standard library only, no relative imports.
Source: HAProxy configuration manual, 2.1 "Configuration file format" and 5 "Bind and server options".
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

_SECTIONS = frozenset(
    [
        "backend",
        "cache",
        "defaults",
        "fcgi-app",
        "frontend",
        "global",
        "http-errors",
        "listen",
        "log-forward",
        "mailers",
        "peers",
        "program",
        "resolvers",
        "ring",
        "traces",
        "userlist",
        "crt-store",
    ]
)


@dataclass(frozen=True)
class ConfiguredServer:
    """One ``server`` line: where it is, its configured weight, and whether HAProxy checks its health."""

    backend: str
    server: str
    address: str
    port: int
    weight: int
    checked: bool


def parse_servers(text: str) -> tuple[ConfiguredServer, ...]:
    """The servers of every ``backend`` and ``listen`` section, in the order of the file.

    ``default-server`` (of the section or of the ``defaults`` before it) supplies ``check`` and ``weight``.
    A line that this small reader does not understand names no server: ``haproxy -c`` is what judges a configuration.
    """
    found: list[ConfiguredServer] = []
    section = name = ""
    inherited: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    for raw in text.splitlines():
        words = _words(raw)
        if not words:
            continue
        if words[0] in _SECTIONS:
            section, name = words[0], words[1] if len(words) > 1 else ""
            if section == "defaults":
                defaults = ()
            inherited = defaults
        elif words[0] == "default-server":
            inherited += tuple(words[1:])
            if section == "defaults":
                defaults = inherited
        elif words[0] == "server" and section in ("backend", "listen") and len(words) >= 3:
            found.append(_server(name, words[1], words[2], (*inherited, *words[3:])))
    return tuple(found)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # an apostrophe in a message, say: no server line has one
        return line.split()


def _server(backend: str, server: str, where: str, options: tuple[str, ...]) -> ConfiguredServer:
    address, _colon, port = where.partition("@")[2].rpartition(":") if "@" in where else where.rpartition(":")
    weight = 1
    checked = False
    for position, word in enumerate(options):
        if word == "check":
            checked = True
        elif word == "no-check":
            checked = False
        elif word == "weight" and position + 1 < len(options) and options[position + 1].isdigit():
            weight = int(options[position + 1])
    return ConfiguredServer(
        backend=backend,
        server=server,
        address=(address or where).strip("[]"),
        port=int(port) if port.isdigit() else 0,
        weight=weight,
        checked=checked,
    )
