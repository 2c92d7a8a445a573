"""Faults of a host's network: packets that are dropped without a word, and a link that became slow.

Dropping happens in the host's own network namespace, in nftables tables whose names begin with TABLES; several such
faults of a host add up. A slow link is a token bucket at the far end of its cable, so that what the host receives waits
in a queue, as it does before a slow line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.lab.estate import ADDRESSES, Lab
from tests.lab.shell import LabError, in_network, run

TABLES = "ha_lab_partition"
CONTROL = "control"
# How long a packet waits in the queue of a slow link at most, before it is dropped.
QUEUE = "400ms"


def address_of(lab: Lab, name: str) -> str:
    """The address of a host, or of the control node, which is this machine."""
    if name == CONTROL:
        return f"10.87.{lab.octet}.1"
    if name not in ADDRESSES:
        raise LabError(f"unknown host {name!r}; choose of {CONTROL}, {', '.join(ADDRESSES)}")
    return lab.address(name)


def rules(name: str, *, hears: bool, speaks: bool, peers: Sequence[str] = (), clients: Sequence[str] = ()) -> str:
    """An nftables table. Without ``peers`` it concerns everybody; ``clients`` may still use Postgres.

    ``hears``, ``speaks``: what is still let through, of what comes in and of what goes out.
    """
    chains = []
    for chain, hook, side, open_, port in (
        ("in", "input", "saddr", hears, "dport"),
        ("out", "output", "daddr", speaks, "sport"),
    ):
        if open_:
            continue
        let = [f"ip {side} {client} tcp {port} 5432 accept;" for client in clients]
        drop = [f"ip {side} {peer} drop;" for peer in peers]
        policy = "accept" if peers else "drop"
        loopback = "iif lo accept;" if hook == "input" else "oif lo accept;"
        body = " ".join([loopback, *let, *drop])
        chains.append(f"  chain {chain} {{ type filter hook {hook} priority -300; policy {policy}; {body} }}")
    return "\n".join([f"table inet {name} {{", *chains, "}", ""])


def link_rules(name: str, *, hears: bool, speaks: bool) -> str:
    """The same for ARP, of which the tables of IP know nothing.

    A load balancer that is cut off takes the virtual IP, and says so by ARP: without this everybody would believe it.
    Keepalived says it through a packet socket, which passes by the tables of ARP too; at the device nothing does.
    """
    ways = (("in", "ingress", hears), ("out", "egress", speaks))
    chains = [
        f'  chain {chain} {{ type filter hook {hook} device "eth0" priority 0; policy accept; ether type arp drop; }}'
        for chain, hook, open_ in ways
        if not open_
    ]
    return "\n".join([f"table netdev {name} {{", *chains, "}", ""])


def _cut(lab: Lab, host: str, name: str, *, hears: bool, speaks: bool) -> None:
    packets = rules(name, hears=hears, speaks=speaks)
    _drop(lab, host, packets + link_rules(name, hears=hears, speaks=speaks))


def _drop(lab: Lab, host: str, text: str) -> None:
    in_network(lab, host, "nft", "-f", "-", stdin=text)


def partition(lab: Lab, host: str, argument: str = "") -> None:
    """The host is cut off from everybody: packets are dropped both ways, nobody is told."""
    _cut(lab, host, TABLES, hears=False, speaks=False)


def partition_in(lab: Lab, host: str, argument: str = "") -> None:
    """One way: the host hears nobody; what it says still arrives."""
    _cut(lab, host, f"{TABLES}_in", hears=False, speaks=True)


def partition_out(lab: Lab, host: str, argument: str = "") -> None:
    """One way: the host hears everybody; what it says arrives nowhere."""
    _cut(lab, host, f"{TABLES}_out", hears=True, speaks=False)


def partition_from(lab: Lab, host: str, argument: str = "") -> None:
    """The host and the named ones (pg2,lb1,control) do not hear each other; everybody else is heard."""
    names = [name for name in argument.split(",") if name]
    if not names:
        raise LabError(f"from whom? A list of hosts, such as pg2,{CONTROL}")
    peers = [address_of(lab, name) for name in names]
    _drop(lab, host, rules(f"{TABLES}_from", hears=False, speaks=False, peers=peers))


def partition_but_clients(lab: Lab, host: str, argument: str = "") -> None:
    """The host is cut off from everybody, but clients on the named hosts still reach its Postgres."""
    names = [name for name in argument.split(",") if name]
    if not names:
        raise LabError("whose clients? A list of hosts, such as lb2")
    clients = [address_of(lab, name) for name in names]
    _drop(lab, host, rules(f"{TABLES}_but", hears=False, speaks=False, clients=clients))


def cable_of(lab: Lab, host: str) -> str:
    """This machine's end of the host's cable."""
    match = re.search(r"eth0@if(\d+)", in_network(lab, host, "ip", "-o", "link", "show", "eth0"))
    ends = run("ip", "-o", "link", "show")
    found = re.search(rf"^{match[1]}: ([^@:]+)", ends, re.MULTILINE) if match else None
    if found is None:
        raise LabError(f"the cable of {host} has no end on this machine")
    return found[1]


def throttle(lab: Lab, host: str, argument: str = "") -> None:
    """What the host receives comes at this rate at most (2mbit when none is given)."""
    rate = argument or "2mbit"
    bucket = ("tbf", "rate", rate, "burst", "32kb", "latency", QUEUE)
    run("tc", "qdisc", "replace", "dev", cable_of(lab, host), "root", *bucket)


def heal_network(lab: Lab, host: str) -> list[str]:
    """Undo every fault of the host's network; the host must be on. Returns what was undone."""
    undone = []
    for line in in_network(lab, host, "nft", "list", "tables").splitlines():
        family, name = line.split()[1:3]
        if name.startswith(TABLES):
            in_network(lab, host, "nft", "delete", "table", family, name)
            undone.append("network restored")
    cable = cable_of(lab, host)
    if " tbf " in run("tc", "qdisc", "show", "dev", cable, "root"):
        run("tc", "qdisc", "del", "dev", cable, "root")
        undone.append("link fast again")
    return list(dict.fromkeys(undone))
