# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Keepalived dumps about itself as JSON when it gets the signal that ``keepalived --signum=JSON`` names. Pure.

Source: keepalived(8), "SIGNALS"; ``vrrp_json.c`` and ``vrrp.h`` of Keepalived 2.2.7 and 2.3.3: the former writes a list
of instances, the latter either that or an object with the list under ``vrrp``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

STATES = {0: "INIT", 1: "BACKUP", 2: "MASTER", 3: "FAULT"}


class DumpError(ValueError):
    """The text is not such a dump (yet: it may be half written), or has no such instance."""


@dataclass(frozen=True)
class Instance:
    """One VRRP instance: its state (a value of :data:`STATES`), its priority as configured and as in force now."""

    name: str
    state: str
    interface: str
    priority: int
    effective_priority: int
    vips: tuple[str, ...]


def parse_dump(text: str) -> tuple[Instance, ...]:
    """Every VRRP instance of the dump. Raises :class:`DumpError`."""
    try:
        document = json.loads(text)
        entries = document["vrrp"] if isinstance(document, dict) else document
        return tuple(_instance(entry["data"]) for entry in entries)
    except (ValueError, KeyError, TypeError) as error:
        raise DumpError(f"Keepalived's dump cannot be read ({error.__class__.__name__}: {error})") from error


def _instance(data: dict[str, object]) -> Instance:
    vips = data.get("vips") or []
    return Instance(
        name=str(data["iname"]),
        state=STATES.get(int(str(data["state"])), "UNKNOWN"),
        interface=str(data.get("ifp_ifname", "")),
        priority=int(str(data["base_priority"])),
        effective_priority=int(str(data["effective_priority"])),
        vips=tuple(str(vip).split("/", 1)[0].split(" ", 1)[0] for vip in vips) if isinstance(vips, list) else (),
    )


def instance_of(instances: tuple[Instance, ...], vip: str) -> Instance:
    """The instance that looks after ``vip`` (without prefix). Raises :class:`DumpError`."""
    for instance in instances:
        if vip in instance.vips:
            return instance
    known = ", ".join(f"{i.name} ({', '.join(i.vips) or 'no address'})" for i in instances) or "no instance"
    raise DumpError(f"no VRRP instance of Keepalived looks after {vip}; it has {known}")
