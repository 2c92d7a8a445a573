# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv4 addresses of a host, from ``ip -json address``. Pure."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass


class AddressError(ValueError):
    """Text that is no address, or no list of addresses."""


@dataclass(frozen=True)
class Address:
    """One address of one interface; ``network`` is the network that its prefix spans, e.g. ``192.0.2.0/24``."""

    interface: str
    address: str
    prefix: int

    @property
    def network(self) -> str:
        """The network in CIDR notation."""
        return str(ipaddress.ip_interface(f"{self.address}/{self.prefix}").network)

    def spans(self, other: str) -> bool:
        """Whether ``other`` (without prefix) lies in that network."""
        return ipaddress.ip_address(other) in ipaddress.ip_network(self.network)


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Every IPv4 address in the output of ``ip -json -4 address show``. Raises :class:`AddressError`."""
    try:
        links = json.loads(text or "[]")
    except ValueError as error:
        raise AddressError(f"`ip -json address` printed no JSON: {error}") from error
    return tuple(
        Address(link["ifname"], entry["local"], int(entry["prefixlen"]))
        for link in links  # `ip` leaves empty objects for links without an IPv4 address
        for entry in link.get("addr_info", ())
        if entry.get("family") == "inet"
    )


def plain(address: str) -> str:
    """``192.0.2.100`` from ``192.0.2.100/24`` or ``192.0.2.100``. Raises :class:`AddressError`."""
    try:
        return str(ipaddress.IPv4Interface(address).ip)
    except ValueError as error:
        raise AddressError(f"`{address}` is not an IPv4 address (expected, e.g., 192.0.2.100/24)") from error


def find(addresses: Iterable[Address], wanted: str) -> Address | None:
    """Where ``wanted`` (without prefix) is, if it is here."""
    return next((address for address in addresses if address.address == wanted), None)
