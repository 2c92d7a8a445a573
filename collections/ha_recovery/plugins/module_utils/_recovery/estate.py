# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge an inventory before any host is touched: every mistake at once, each with what is allowed instead.

Pure. Input is the estate as the playbook read it: ``{"variables": {...}, "hosts": {name: {"groups": [...], ...}}}``.
Secrets are judged and never repeated.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.repositories import mistakes
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import slot_name_for

ENGINES = ("runbook",)
REPLICATION_MODES = ("sync", "async")
POOLERS = ("pgbouncer", "none")
BACKUPS = ("pgbackrest", "none")
FILE_BACKUPS = ("restic", "none")
DUMPS = ("pg_dump", "none")
# What is kept on the host of the group backup.
KEPT_THERE = (("ha_backup", "pgbackrest"), ("ha_file_backup", "restic"), ("ha_dump", "pg_dump"))
SECRETS = ("ha_replication_password", "ha_verify_password")
SECRET_MINIMUM = 12
# Who has the one reads every file that was ever backed up; who has the other reads every table.
LONG_SECRET_MINIMUM = 24
# What people leave in place after copying an example.
_PLACEHOLDERS = re.compile(
    r"change.?me|^password|^secret|^postgres|^replicat|^example|^todo|^x+$|^test|12345678", re.IGNORECASE
)
_PRINTABLE = re.compile(r"[!-~]+")
_CLUSTER_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class EstateError:
    """One mistake. ``host`` is empty for a mistake of the whole estate."""

    variable: str
    host: str
    observed: str
    allowed: str

    @property
    def message(self) -> str:
        """The line a person reads."""
        where = f" of {self.host}" if self.host else ""
        return f"{self.variable}{where} {self.observed}; allowed: {self.allowed}"

    def as_dict(self) -> dict[str, str]:
        """Plain data with the message."""
        return {**asdict(self), "message": self.message}


@dataclass(frozen=True)
class Estate:
    """The inventory: variables of the whole estate, hosts by name, and the members of a group by name."""

    variables: Mapping[str, Any]
    hosts: Mapping[str, Mapping[str, Any]]

    def members(self, group: str) -> list[str]:
        """Names of a group's hosts, sorted."""
        return sorted(name for name, host in self.hosts.items() if group in host.get("groups", ()))

    def network(self) -> ipaddress.IPv4Interface | None:
        """The virtual IP with its prefix, None when it is not one."""
        text = str(self.variables.get("ha_vip") or "")
        try:
            return ipaddress.IPv4Interface(text) if "/" in text else None
        except ValueError:
            return None


def _shown(value: Any) -> str:
    """A value as a message says it."""
    return "is not set" if value is None or value == "" else f"is {value!r}"


def _address(host: Mapping[str, Any]) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(str(host.get("ha_address") or ""))
    except ValueError:
        return None


def _whole_number(value: Any, low: int, high: int) -> int | None:
    """The value as an integer within bounds, else None."""
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if low <= number <= high and not isinstance(value, bool) else None


def check_names(estate: Estate) -> Iterator[EstateError]:
    """Cluster name, engine, pooler, backups, dumps and replication mode."""
    name = estate.variables.get("ha_cluster_name")
    if not isinstance(name, str) or not _CLUSTER_NAME.fullmatch(name):
        yield EstateError(
            "ha_cluster_name", "", _shown(name), "a lower-case letter, then lower-case letters, digits, '-' and '_'"
        )
    engine = estate.variables.get("ha_engine")
    if engine not in ENGINES:
        yield EstateError("ha_engine", "", _shown(engine), ", ".join(ENGINES))
    pooler = estate.variables.get("ha_pooler", "none")
    if pooler not in POOLERS:
        yield EstateError("ha_pooler", "", _shown(pooler), ", ".join(POOLERS))
    backup = estate.variables.get("ha_backup", "none")
    if backup not in BACKUPS:
        yield EstateError("ha_backup", "", _shown(backup), ", ".join(BACKUPS))
    repositories = estate.variables.get("pgbackrest_repositories")
    if backup == "pgbackrest" and repositories is not None:
        for observed, allowed in mistakes(repositories):
            yield EstateError("pgbackrest_repositories", "", observed, allowed)
    files = estate.variables.get("ha_file_backup", "none")
    if files not in FILE_BACKUPS:
        yield EstateError("ha_file_backup", "", _shown(files), ", ".join(FILE_BACKUPS))
    dump = estate.variables.get("ha_dump", "none")
    if dump not in DUMPS:
        yield EstateError("ha_dump", "", _shown(dump), ", ".join(DUMPS))
    mode = estate.variables.get("ha_replication_mode")
    if mode not in REPLICATION_MODES:
        yield EstateError("ha_replication_mode", "", _shown(mode), ", ".join(REPLICATION_MODES))


def check_members(estate: Estate) -> Iterator[EstateError]:
    """Enough hosts, and a bootstrap primary among them."""
    databases = estate.members("database")
    if len(databases) < 2:
        has = ", ".join(databases) or "no host"
        yield EstateError("group database", "", f"has {has}", "two hosts or more (one primary, one standby)")
    balancers = estate.members("load_balancer")
    if len(balancers) < 2:
        has = ", ".join(balancers) or "no host"
        yield EstateError(
            "group load_balancer", "", f"has {has}", "two hosts or more (the virtual IP needs a second home)"
        )
    backups = estate.members("backup")
    wanted = [f"{name}: {value}" for name, value in KEPT_THERE if estate.variables.get(name) == value]
    if wanted and len(backups) != 1:
        has = ", ".join(backups) or "no host"
        what = "the repository" if wanted == ["ha_backup: pgbackrest"] else "them"
        yield EstateError("group backup", "", f"has {has}", f"one host, which keeps {what} ({', '.join(wanted)})")
    shared = sorted({*backups} & {*databases})
    if shared and estate.variables.get("ha_dump") == "pg_dump":
        yield EstateError(
            "group backup",
            "",
            f"has {', '.join(shared)}, of the group database",
            "a host of its own (ha_dump: pg_dump)",
        )
    first = estate.variables.get("ha_bootstrap_primary")
    if first not in databases:
        yield EstateError(
            "ha_bootstrap_primary", "", _shown(first), f"a host of group database ({', '.join(databases)})"
        )
    slots: dict[str, str] = {}
    for name in databases:
        slot = slot_name_for(name)
        if slot in slots:
            yield EstateError(
                "inventory name",
                name,
                f"gives the replication slot {slot!r} that {slots[slot]} has",
                "names that stay distinct",
            )
        slots.setdefault(slot, name)


def check_addresses(estate: Estate) -> Iterator[EstateError]:
    """Every host of the estate has one IPv4 address of its own."""
    owners: dict[ipaddress.IPv4Address, str] = {}
    for name in sorted(estate.hosts):
        host = estate.hosts[name]
        if not {"database", "load_balancer", "backup"} & set(host.get("groups", ())):
            continue
        address = _address(host)
        if address is None:
            yield EstateError(
                "ha_address", name, _shown(host.get("ha_address")), "an IPv4 address (default: ansible_host)"
            )
        elif address in owners:
            yield EstateError(
                "ha_address", name, f"is {str(address)!r}, which {owners[address]} has", "an address of its own"
            )
        else:
            owners[address] = name


def check_vip(estate: Estate) -> Iterator[EstateError]:
    """The virtual IP lies in every load balancer's network and belongs to no host."""
    vip = estate.network()
    if vip is None:
        yield EstateError(
            "ha_vip", "", _shown(estate.variables.get("ha_vip")), "IPv4 address/prefix, such as 192.0.2.100/24"
        )
        return
    network = vip.network
    if network.prefixlen < 31 and vip.ip in {network.network_address, network.broadcast_address}:
        yield EstateError("ha_vip", "", f"is {str(vip)!r}, the network's own address", f"a host address of {network}")
    for name in estate.members("load_balancer"):
        address = _address(estate.hosts[name])
        if address is not None and address not in network:
            yield EstateError(
                "ha_vip",
                "",
                f"is {str(vip)!r}, and {name} has {address}",
                f"a network that holds every load balancer ({network} does not)",
            )
    for name in sorted(estate.hosts):
        if _address(estate.hosts[name]) == vip.ip:
            yield EstateError("ha_vip", "", f"is {str(vip)!r}, the address of {name}", "an address that no host has")


def check_vrrp(estate: Estate) -> Iterator[EstateError]:
    """VRRP priorities are distinct and within RFC 9568's range; the router id too."""
    owners: dict[int, str] = {}
    for name in estate.members("load_balancer"):
        value = estate.hosts[name].get("keepalived_priority")
        priority = _whole_number(value, 1, 254)
        if priority is None:
            yield EstateError("keepalived_priority", name, _shown(value), "a whole number from 1 to 254")
        elif priority in owners:
            yield EstateError(
                "keepalived_priority",
                name,
                f"is {priority}, which {owners[priority]} has",
                "a different number on each load balancer",
            )
        else:
            owners[priority] = name
    router = estate.variables.get("keepalived_virtual_router_id")
    if _whole_number(router, 1, 255) is None:
        yield EstateError("keepalived_virtual_router_id", "", _shown(router), "a whole number from 1 to 255")


def secret_problem(value: Any, minimum: int = SECRET_MINIMUM) -> str | None:
    """What is wrong with a secret, without repeating it."""
    if value is None or str(value) == "":
        return "is not set"
    text = str(value)
    if len(text) < minimum:
        return f"has {len(text)} characters"
    return "is a placeholder" if _PLACEHOLDERS.search(text) else None


def check_secrets(estate: Estate) -> Iterator[EstateError]:
    """Every secret is set, long enough and not an example's."""
    allowed = f"a secret of your own with {SECRET_MINIMUM} characters or more, kept in ansible-vault"
    pooler = ("ha_pooler_password",) if estate.variables.get("ha_pooler") == "pgbouncer" else ()
    backup = ("ha_backup_cipher_pass",) if estate.variables.get("ha_backup") == "pgbackrest" else ()
    for name in SECRETS + pooler + backup:
        problem = secret_problem(estate.variables.get(name))
        if problem:
            yield EstateError(name, "", problem, allowed)
    yield from check_long_secrets(estate)
    for user in estate.variables.get("postgresql_users") or ():
        problem = secret_problem(user.get("password"))
        if problem:
            yield EstateError(f"postgresql_users: password of {user.get('name', '(no name)')}", "", problem, allowed)


def check_long_secrets(estate: Estate) -> Iterator[EstateError]:
    """Those that open every file, or every table."""
    long = f"{LONG_SECRET_MINIMUM} characters or more"
    if estate.variables.get("ha_file_backup") == "restic":
        problem = secret_problem(estate.variables.get("ha_file_backup_password"), LONG_SECRET_MINIMUM)
        if problem:
            allowed = f"a secret of your own with {long}, kept in ansible-vault"
            yield EstateError("ha_file_backup_password", "", problem, allowed)
    if estate.variables.get("ha_dump") == "pg_dump":
        value = estate.variables.get("ha_dump_password")
        problem = secret_problem(value, LONG_SECRET_MINIMUM)
        if not problem and not _PRINTABLE.fullmatch(str(value)):
            problem = "has other characters than printable ASCII without spaces"
        if problem:
            allowed = f"a secret of your own with {long}, printable ASCII without spaces, kept in ansible-vault"
            yield EstateError("ha_dump_password", "", problem, allowed)


CHECKS: tuple[Callable[[Estate], Iterator[EstateError]], ...] = (
    check_names,
    check_members,
    check_addresses,
    check_vip,
    check_vrrp,
    check_secrets,
)


def estate_errors_of(variables: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> list[EstateError]:
    """All mistakes, in the order of :data:`CHECKS`. An empty list means that the hosts may be touched."""
    estate = Estate(variables, hosts)
    return [error for check in CHECKS for error in check(estate)]
