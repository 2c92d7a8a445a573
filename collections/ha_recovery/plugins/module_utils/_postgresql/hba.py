# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of ``pg_hba.conf``, made from the inventory's hosts and nothing else.

Source: PostgreSQL manual, chapter 21.1 "The pg_hba.conf File". The first line that matches a connection decides, and a
connection that matches none is refused; so there is no catch-all line at the end.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Allowed ways to authenticate per connection type. ``trust``, ``password``, ``md5`` and ``ident`` are not among them.
METHODS: Mapping[str, frozenset[str]] = {
    "local": frozenset({"peer", "scram-sha-256", "reject"}),
    "hostssl": frozenset({"scram-sha-256", "cert", "reject"}),
    "host": frozenset({"reject"}),
}

_BARE = re.compile(r"^\+?[A-Za-z_][A-Za-z0-9_$-]*$")
#: Words with a meaning of their own in these columns.
_KEYWORDS = frozenset({"all", "sameuser", "samerole", "samegroup", "replication"})


class HbaError(ValueError):
    """A rule that is not allowed; the message names the rule, what it was and what is allowed."""


@dataclass(frozen=True)
class Rule:
    """One line: connection type, databases, users, address (CIDR, empty for ``local``), method, and why it is there."""

    type: str
    database: str
    user: str
    address: str
    method: str
    why: str = ""

    def render(self) -> str:
        """The line as Postgres reads it."""
        columns = [self.type, _column(self.database), _column(self.user), self.address, self.method]
        return " ".join(text.ljust(width) for text, width in zip(columns, (8, 16, 16, 20, 0))).rstrip()


def rules(
    *,
    database_hosts: Mapping[str, str],
    client_hosts: Mapping[str, str],
    databases: Sequence[str],
    local_roles: Sequence[str] = ("role_probe",),
    replication_user: str = "replicator",
    verify_user: str = "ha_verify",
    pooler_user: str = "",
    dump_hosts: Mapping[str, str] | None = None,
    dump_user: str = "ha_dump",
    extra: Iterable[Rule] = (),
) -> list[Rule]:
    """Rules for one estate, in the order in which Postgres tries them.

    ``database_hosts`` and ``client_hosts`` map inventory names to addresses. Client hosts are load balancers: HAProxy
    passes TCP through, so that applications reach Postgres from there. ``pooler_user`` looks verifiers up for the
    pooler of a load balancer; empty where there is no pooler. ``dump_hosts`` take logical dumps of every database.
    """
    result = [Rule("local", "all", "postgres", "", "peer", "people and runbooks on the host itself")]
    result += [
        Rule("local", "postgres", role, "", "peer", "the service of the same operating system user")
        for role in local_roles
    ]
    # People's rules come before ours, so that they may also reject; they are checked by the same rules of decency.
    result += list(extra)
    for name, address in sorted(database_hosts.items()):
        network = cidr(address, name)
        result += [
            Rule("hostssl", "replication", replication_user, network, "scram-sha-256", f"{name}: streams the log"),
            Rule("hostssl", "postgres", replication_user, network, "scram-sha-256", f"{name}: pg_rewind reads files"),
            Rule("hostssl", "postgres", verify_user, network, "scram-sha-256", f"{name}: checks"),
        ]
    for name, address in sorted(client_hosts.items()):
        network = cidr(address, name)
        result.append(
            Rule("hostssl", "postgres", verify_user, network, "scram-sha-256", f"{name}: checks through the VIP")
        )
        if pooler_user:
            result.append(
                Rule(
                    "hostssl", "postgres", pooler_user, network, "scram-sha-256", f"{name}: the pooler looks clients up"
                )
            )
        result += [
            Rule("hostssl", database, "all", network, "scram-sha-256", f"{name}: applications")
            for database in databases
        ]
    result += [
        Rule("hostssl", "all", dump_user, cidr(address, name), "scram-sha-256", f"{name}: logical dumps")
        for name, address in sorted((dump_hosts or {}).items())
    ]
    for rule in result:
        check(rule)
    return result


def parse_extra(entries: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """``postgresql_hba_extra`` as rules, or a refusal that names the entry."""
    parsed = []
    for index, entry in enumerate(entries):
        unknown = sorted(set(entry) - {"type", "database", "user", "address", "method", "why"})
        if unknown:
            raise HbaError(
                f"postgresql_hba_extra[{index}] has {', '.join(unknown)}; "
                "allowed: type, database, user, address, method, why"
            )
        rule = Rule(
            type=str(entry.get("type", "hostssl")),
            database=str(entry.get("database", "")),
            user=str(entry.get("user", "")),
            address=str(entry.get("address", "")),
            method=str(entry.get("method", "scram-sha-256")),
            why=str(entry.get("why", "postgresql_hba_extra")),
        )
        try:
            check(rule)
        except HbaError as refusal:
            raise HbaError(f"postgresql_hba_extra[{index}]: {refusal}") from None
        parsed.append(rule)
    return parsed


def check(rule: Rule) -> None:
    """Refuse a rule that would be a syntax error or a hole."""
    allowed = METHODS.get(rule.type)
    if allowed is None:
        raise HbaError(f"type is {rule.type!r}; allowed: {', '.join(sorted(METHODS))}")
    if rule.method not in allowed:
        raise HbaError(f"method for {rule.type} is {rule.method!r}; allowed: {', '.join(sorted(allowed))}")
    for column, text in (("database", rule.database), ("user", rule.user)):
        if not text or "\n" in text or "\r" in text:
            raise HbaError(f"{column} is {text!r}; a name, a list separated by commas, or all is needed")
    if "\n" in rule.why or "\r" in rule.why:
        raise HbaError(f"why spans lines: {rule.why!r}")
    if rule.type == "local":
        if rule.address:
            raise HbaError(f"address is {rule.address!r}, but a local connection has none")
        return
    try:
        network = ipaddress.ip_network(rule.address, strict=True)
    except ValueError as error:
        raise HbaError(f"address is {rule.address!r}; a network such as 10.0.0.0/24 is needed ({error})") from None
    if network.prefixlen == 0 and rule.method != "reject":
        raise HbaError(f"address is {rule.address!r}, the whole world; name the hosts or their network")


def cidr(address: str, name: str) -> str:
    """``10.0.0.1`` as the network of that one host."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise HbaError(f"{name}: ha_address is {address!r}; an IP address is needed") from None
    return f"{parsed}/{parsed.max_prefixlen}"


def render(lines: Sequence[Rule]) -> str:
    """The file's body; the reason stands above each group of lines that share it."""
    text, why = "", None
    for rule in lines:
        if rule.why != why:
            text += f"# {rule.why}\n"
            why = rule.why
        text += rule.render() + "\n"
    return text


def _column(text: str) -> str:
    """Quote names that Postgres would otherwise split or read as a keyword; lists stay lists."""
    return ",".join(_word(part) for part in text.split(","))


def _word(text: str) -> str:
    text = text.strip()
    if text in _KEYWORDS or _BARE.match(text):
        return text
    return '"' + text.replace('"', '""') + '"'
