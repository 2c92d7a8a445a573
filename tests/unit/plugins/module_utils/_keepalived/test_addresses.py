"""Addresses of a host, from what `ip` prints."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._keepalived.addresses import (
    Address,
    AddressError,
    find,
    parse_addresses,
    plain,
)

# Printed by `ip -json -4 address show` (iproute2 6.15), shortened; the empty object is a link without an IPv4 address.
IP = """[{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},{},
{"ifname":"eth0","addr_info":[{"family":"inet","local":"192.0.2.11","prefixlen":24,"label":"eth0"},
{"family":"inet","local":"192.0.2.100","prefixlen":24,"secondary":true}]}]"""


def test_every_address_is_found_with_its_interface() -> None:
    assert parse_addresses(IP) == (
        Address("lo", "127.0.0.1", 8),
        Address("eth0", "192.0.2.11", 24),
        Address("eth0", "192.0.2.100", 24),
    )
    assert parse_addresses("") == ()


def test_no_json_is_an_error() -> None:
    with pytest.raises(AddressError, match="printed no JSON"):
        parse_addresses("Cannot open netlink socket")


@pytest.mark.parametrize(
    ("own", "vip", "expected"),
    [
        (Address("eth0", "192.0.2.11", 24), "192.0.2.100", True),
        (Address("eth0", "192.0.2.11", 25), "192.0.2.200", False),
        (Address("eth0", "192.0.2.11", 24), "192.0.3.100", False),
    ],
)
def test_an_address_lies_in_the_interface_s_network_or_not(own: Address, vip: str, expected: bool) -> None:
    assert own.spans(vip) is expected


def test_an_address_is_found_whole_or_not_at_all() -> None:
    addresses = parse_addresses(IP)
    assert find(addresses, "192.0.2.100") == Address("eth0", "192.0.2.100", 24)
    assert find(addresses, "192.0.2.10") is None


@pytest.mark.parametrize(("text", "expected"), [("192.0.2.100/24", "192.0.2.100"), ("192.0.2.100", "192.0.2.100")])
def test_a_prefix_is_taken_off(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize("text", ["", "lb.example", "192.0.2.300/24", "192.0.2.1/33", "2001:db8::1/64"])
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(AddressError, match=f"`{text}` is not an IPv4 address"):
        plain(text)
