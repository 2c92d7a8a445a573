"""What a partition drops, and what it lets through."""

from __future__ import annotations

import pytest

from tests.lab.estate import Lab
from tests.lab.network import CONTROL, address_of, link_rules, partition_from, rules
from tests.lab.shell import LabError

IN = "chain in { type filter hook input priority -300;"
OUT = "chain out { type filter hook output priority -300;"


@pytest.mark.parametrize(
    ("hears", "speaks", "chains"),
    [(False, False, {IN, OUT}), (False, True, {IN}), (True, False, {OUT})],
)
def test_each_way_is_dropped_by_a_chain_of_its_own(hears: bool, speaks: bool, chains: set[str]) -> None:
    """A one-way partition has no chain for the other way."""
    text = rules("t", hears=hears, speaks=speaks)
    assert {chain for chain in (IN, OUT) if chain in text} == chains
    assert text.count("policy drop") == len(chains)
    assert text.count("lo accept") == len(chains)


@pytest.mark.parametrize(
    ("hears", "speaks", "hooks"),
    [(False, False, {"ingress", "egress"}), (False, True, {"ingress"}), (True, False, {"egress"})],
)
def test_arp_is_dropped_the_same_way(hears: bool, speaks: bool, hooks: set[str]) -> None:
    """Whoever is cut off may say as often as it likes that it has the virtual IP."""
    text = link_rules("t", hears=hears, speaks=speaks)
    assert text.startswith("table netdev t {") and text.count("ether type arp drop") == len(hooks)
    assert {hook for hook in ("ingress", "egress") if f"hook {hook} " in text} == hooks


def test_from_named_hosts_only_these_are_dropped() -> None:
    """Everybody else is let through."""
    text = rules("t", hears=False, speaks=False, peers=["10.0.0.1", "10.0.0.2"])
    assert "policy drop" not in text
    for address in ("10.0.0.1", "10.0.0.2"):
        assert f"ip saddr {address} drop;" in text and f"ip daddr {address} drop;" in text


def test_clients_reach_postgres_and_nothing_else() -> None:
    """Their other packets are dropped as everybody's are."""
    text = rules("t", hears=False, speaks=False, clients=["10.0.0.9"])
    assert text.count("policy drop") == 2
    assert "ip saddr 10.0.0.9 tcp dport 5432 accept;" in text
    assert "ip daddr 10.0.0.9 tcp sport 5432 accept;" in text


def test_names_are_looked_up_and_unknown_ones_refused() -> None:
    """A typing error must not end in a partition that drops nothing."""
    lab = Lab("one", 7)
    assert (address_of(lab, "pg2"), address_of(lab, CONTROL)) == ("10.87.7.22", "10.87.7.1")
    with pytest.raises(LabError, match=r"pg9.*control"):
        address_of(lab, "pg9")
    with pytest.raises(LabError, match="from whom"):
        partition_from(lab, "pg1", "")
