# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is initialised, who is seeded from whom, who is left alone: decided from what was observed on every host.

The inventory only says which hosts there are and, once, which of them starts a *new* cluster. As soon as any host has
data, the observed topology rules. The decision is a table; each row has one test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import back_with, told

#: What the role does on a host. Only ``initialise``, ``seed``, ``start`` and ``follow`` change whether a server runs.
ACTIONS: Mapping[str, str] = {
    "initialise": "make a new cluster here; no host has data",
    "prepare": "install and configure; the data comes out of the backups",
    "start": "start the new cluster whose creation was interrupted",
    "seed": "copy the primary's data into the empty data directory, then follow the primary",
    "follow": "make the standby stream from the primary",
    "configure": "keep configuration, certificates and slots up to date; the server goes on running",
    "leave": "touch nothing",
    "unreachable": "nothing can be done; the host does not answer",
}

_STATUS = "ansible-playbook playbooks/status.yml"
#: pg_control states (manual, pg_controldata) that only a standby leaves behind.
_STANDBY_STATES = frozenset({"shut down in recovery", "in archive recovery"})


@dataclass(frozen=True)
class Host:
    """What the decision needs to know about one database host."""

    name: str
    reachable: bool = True
    fenced: bool = False
    #: The note that it is out for maintenance.
    maintenance: Mapping[str, Any] | None = None
    #: absent: no data. initialized: a cluster. foreign: something that is not ours to judge.
    data_state: str = "absent"
    data_directory: str = ""
    #: primary, standby, stopped, absent, hung
    role: str = "absent"
    version: str = ""
    system_identifier: str = ""
    timeline: int = 0
    control_state: str = ""
    address: str = ""
    upstream: str = ""
    streaming: bool = False
    #: The data directory says that it is a standby's, so a start cannot make it writable.
    standby_signal: bool = False
    #: Data directories of other clusters or major versions on the host, as readable text.
    others: tuple[str, ...] = ()
    wanted_version: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why nothing may be done: host, what was observed, what was expected, and the next command."""

    host: str
    observed: str
    expected: str
    next: str


@dataclass(frozen=True)
class Step:
    """What happens on one host, the host that data comes from (``""`` if none), and why."""

    action: str
    source: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """The whole decision. With refusals, no host may be touched and ``steps`` is empty."""

    primary: str = ""
    bootstrap: bool = False
    refusals: tuple[Refusal, ...] = ()
    steps: Mapping[str, Step] = field(default_factory=dict)


def plan(
    hosts: Sequence[Host], bootstrap_primary: str, stale: Sequence[Refusal] = (), *, prepare: bool = False
) -> Plan:
    """Decide for all database hosts of one cluster together.

    ``prepare``: a disaster recovery is under way. Without a primary no cluster is made: the data is in the backups.
    ``stale``: primaries that the topology found to be behind a newer timeline: until they are fenced, nothing is done.
    """
    refusals = [*_unusable(hosts), *stale]
    if refusals:
        return Plan(refusals=tuple(refusals))
    judged = [host for host in hosts if host.reachable and not host.fenced]
    primaries = [host for host in judged if host.role == "primary"]
    if len(primaries) > 1:
        return Plan(
            refusals=tuple(
                Refusal(host.name, f"runs as a primary on timeline {host.timeline}", "one primary", _STATUS)
                for host in primaries
            )
        )
    if primaries:
        primary = primaries[0]
        return Plan(primary=primary.name, steps={host.name: _beside(host, primary) for host in hosts})
    if prepare:
        return Plan(steps={host.name: _prepared(host) for host in hosts})
    return _without_primary(hosts, bootstrap_primary)


def _prepared(host: Host) -> Step:
    """One host of a cluster that disaster_recovery.yml brings back."""
    if not host.reachable:
        return Step("unreachable", reason="the host does not answer")
    if host.fenced or host.data_state != "absent":
        return Step("leave", reason="disaster_recovery.yml is at work on it")
    return Step("prepare", reason=ACTIONS["prepare"])


def _unusable(hosts: Sequence[Host]) -> list[Refusal]:
    """Data that must not be touched, whatever else is true. Fenced hosts are left alone and do not count."""
    refusals = []
    judged = [host for host in hosts if host.reachable and not host.fenced]
    for host in judged:
        if host.data_state == "foreign":
            refusals.append(
                Refusal(
                    host.name,
                    f"{host.data_directory} holds files that are not a complete Postgres cluster",
                    "an empty data directory, or a member of this cluster",
                    f"look at {host.data_directory} on {host.name} and move it away; nothing here overwrites it",
                )
            )
        for other in host.others:
            refusals.append(
                Refusal(
                    host.name,
                    f"data of another cluster or major version: {other}",
                    f"only the cluster of Postgres {host.wanted_version}",
                    "set postgresql_version (and postgresql_cluster) to what is there, "
                    "or move the old data away yourself; nothing here overwrites it",
                )
            )
        if host.version and host.wanted_version and host.version != host.wanted_version:
            refusals.append(
                Refusal(
                    host.name,
                    f"data of Postgres {host.version} in {host.data_directory}",
                    f"Postgres {host.wanted_version}",
                    f'set postgresql_version: "{host.version}"; a major upgrade is not what site.yml does',
                )
            )
    wanted = {host.wanted_version for host in judged if host.wanted_version}
    if len(wanted) > 1:
        refusals += [
            Refusal(
                host.name,
                f"the release's default is Postgres {host.wanted_version}",
                "the same major version on every database host",
                "set postgresql_version for all of them",
            )
            for host in judged
        ]
    systems = {host.system_identifier for host in judged if host.system_identifier}
    if len(systems) > 1:
        refusals += [
            Refusal(
                host.name,
                f"system identifier {host.system_identifier}",
                "one system identifier on every database host: these are different clusters",
                "remove the host that does not belong from the inventory, or move its data directory away yourself",
            )
            for host in judged
            if host.system_identifier
        ]
    return refusals


def _beside(host: Host, primary: Host) -> Step:
    """One host, given that ``primary`` is the one running primary."""
    if not host.reachable:
        return Step("unreachable", reason="the host does not answer")
    if host.fenced:
        return Step("leave", reason="fenced; docs/failover.md tells how to readmit it")
    if host.maintenance and host is not primary:
        return Step("leave", reason=f"{told(host.maintenance)}; {back_with(host.name)} ends it")
    if host is primary:
        return Step("configure", reason="the primary")
    if host.data_state == "absent":
        return Step("seed", source=primary.name, reason="no data yet")
    if host.role == "hung":
        return Step("leave", reason="Postgres hangs; status.yml says what is known")
    if host.role == "standby":
        if host.streaming:
            return Step("configure", reason=f"streams from {host.upstream or 'its upstream'}")
        if host.timeline > primary.timeline:
            return Step("leave", reason=f"timeline {host.timeline} is newer than the primary's {primary.timeline}")
        return Step("follow", source=primary.name, reason="a standby that does not stream")
    standby = host.standby_signal or host.control_state in _STANDBY_STATES
    if standby and host.timeline <= primary.timeline:
        return Step("follow", source=primary.name, reason="a stopped standby")
    return Step("leave", reason="a stopped former primary; docs/failover.md tells how to readmit it")


def _without_primary(hosts: Sequence[Host], bootstrap_primary: str) -> Plan:
    """No primary runs: either nothing exists yet, or a person must decide."""
    by_name = {host.name: host for host in hosts}
    holders = [host for host in hosts if host.reachable and host.data_state == "initialized"]
    silent = [host for host in hosts if not host.reachable]
    if not holders:
        if silent:
            return Plan(
                refusals=tuple(
                    Refusal(
                        host.name,
                        "does not answer, and no other host has data",
                        "every database host observed before a new cluster is made: this one may hold the data",
                        f"bring {host.name} back, or take it out of the inventory",
                    )
                    for host in silent
                )
            )
        first = by_name.get(bootstrap_primary)
        if first is None:
            names = ", ".join(sorted(by_name))
            return Plan(
                refusals=(
                    Refusal(
                        bootstrap_primary or "(unset)",
                        "is not a database host",
                        f"one of {names}",
                        "set ha_bootstrap_primary",
                    ),
                )
            )
        return Plan(primary=first.name, bootstrap=True, steps=_bootstrap(hosts, first, "initialise"))
    only = holders[0]
    interrupted = (
        len(holders) == 1
        and not silent
        and only.name == bootstrap_primary
        and not only.fenced
        and only.role == "stopped"
        and only.timeline <= 1
        and only.control_state in ("shut down", "in production")
    )
    if interrupted:
        return Plan(primary=only.name, bootstrap=True, steps=_bootstrap(hosts, only, "start"))
    return Plan(
        refusals=tuple(
            Refusal(
                host.name,
                _describe(host),
                "one running primary, or no data on any host",
                f"{_STATUS}, then ansible-playbook playbooks/failover.yml",
            )
            for host in holders
        )
    )


def _bootstrap(hosts: Sequence[Host], first: Host, action: str) -> dict[str, Step]:
    return {
        host.name: Step(action, reason=ACTIONS[action])
        if host is first
        else Step("seed", source=first.name, reason="no data yet")
        for host in hosts
    }


def _describe(host: Host) -> str:
    state = f", pg_control says {host.control_state}" if host.control_state else ""
    fence = ", fenced" if host.fenced else ""
    return f"{host.role} on timeline {host.timeline or 'unknown'}{state}{fence}"


def host_from_node(name: str, node: Mapping[str, Any] | None, info: Mapping[str, Any] | None) -> Host:
    """A :class:`Host` from what ``postgresql_cluster_info`` (node) and ``postgresql_host_info`` (info) returned.

    A missing node is a host that did not answer.
    """
    if not node or not node.get("reachable", True):
        return Host(name=name, reachable=False)
    info = info or {}
    control = node.get("control") or {}
    receiver = node.get("wal_receiver") or {}
    return Host(
        name=name,
        fenced=bool(node.get("fenced")),
        maintenance=node.get("maintenance") or None,
        data_state=str(node.get("data_state") or "absent"),
        data_directory=str(node.get("data_directory") or info.get("data_directory") or ""),
        role=str(node.get("role") or "absent"),
        version=str(info.get("data_version") or ""),
        system_identifier=str(node.get("system_identifier") or ""),
        timeline=int(node.get("timeline") or control.get("timeline") or 0),
        control_state=str(control.get("state") or ""),
        address=str(node.get("address") or ""),
        upstream=str(node.get("upstream") or ""),
        streaming=receiver.get("status") == "streaming",
        standby_signal=bool(info.get("standby_signal")),
        others=tuple(str(item) for item in info.get("other_clusters") or ()),
        wanted_version=str(info.get("version") or ""),
    )


def stale_refusals(topology: Mapping[str, Any]) -> list[Refusal]:
    """The topology's own words about a writable primary that is behind a newer timeline."""
    if topology.get("situation") != "stale_primary":
        return []
    return [
        Refusal(reason["host"], reason["observed"], reason["expected"], reason["next"])
        for reason in topology["reasons"]
        if reason["host"] in topology["stale"]
    ]


def as_dict(decision: Plan) -> dict[str, Any]:
    """The plan as Ansible variables hold it."""
    return {
        "primary": decision.primary,
        "bootstrap": decision.bootstrap,
        "refusals": [asdict(item) for item in decision.refusals],
        "steps": {name: asdict(step) for name, step in decision.steps.items()},
    }
