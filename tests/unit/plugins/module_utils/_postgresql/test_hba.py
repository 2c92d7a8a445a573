"""Who may connect: the inventory's hosts, over TLS with SCRAM, and nobody else."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.hba import (
    HbaError,
    Rule,
    parse_extra,
    render,
    rules,
)

DATABASE = {"pg1": "192.0.2.21", "pg2": "192.0.2.22"}
CLIENTS = {"lb1": "192.0.2.11"}


def decide(
    kind: str, database: str, user: str, address: str, extra: tuple[Rule, ...] = (), pooler: str = "",
    dumps: dict[str, str] | None = None,
) -> str:  # fmt: skip
    """The method of the first rule that matches, as Postgres would choose; 'refused' when none does."""
    for rule in rules(
        database_hosts=DATABASE,
        client_hosts=CLIENTS,
        databases=["app"],
        extra=extra,
        pooler_user=pooler,
        dump_hosts=dumps,
    ):
        kinds = {"hostssl": {"hostssl"}, "host": {"hostssl", "hostnossl"}, "local": {"local"}}[rule.type]
        # The keyword all does not take in replication connections.
        database_fits = rule.database == database or (rule.database == "all" and database != "replication")
        address_fits = not (rule.address and address) or (
            ipaddress.ip_address(address) in ipaddress.ip_network(rule.address)
        )
        if kind in kinds and database_fits and rule.user in (user, "all") and address_fits:
            return rule.method
    return "refused"


@pytest.mark.parametrize(
    ("kind", "user", "address", "expected"),
    [
        ("hostssl", "ha_dump", "192.0.2.31", "scram-sha-256"),
        ("hostnossl", "ha_dump", "192.0.2.31", "refused"),
        ("hostssl", "app", "192.0.2.31", "refused"),
        ("hostssl", "ha_dump", "192.0.2.22", "refused"),
    ],
)
def test_who_takes_dumps(kind: str, user: str, address: str, expected: str) -> None:
    """Every database, from the host that keeps the dumps, and only where there is one."""
    takers = {"backup1": "192.0.2.31"}
    for database in ("app", "anything"):
        assert decide(kind, database, user, address, dumps=takers) == expected
        assert decide(kind, database, user, address) == "refused"
    assert decide(kind, "replication", user, address, dumps=takers) == "refused"


@pytest.mark.parametrize(
    ("kind", "database", "user", "address", "expected"),
    [
        ("local", "postgres", "postgres", "", "peer"),
        ("local", "postgres", "role_probe", "", "peer"),
        ("local", "app", "app", "", "refused"),
        ("hostssl", "replication", "replicator", "192.0.2.22", "scram-sha-256"),
        ("hostssl", "postgres", "replicator", "192.0.2.22", "scram-sha-256"),
        ("hostnossl", "replication", "replicator", "192.0.2.22", "refused"),
        ("hostssl", "replication", "replicator", "192.0.2.11", "refused"),
        ("hostssl", "replication", "postgres", "192.0.2.22", "refused"),
        ("hostssl", "app", "app", "192.0.2.11", "scram-sha-256"),
        ("hostnossl", "app", "app", "192.0.2.11", "refused"),
        ("hostssl", "app", "app", "192.0.2.99", "refused"),
        ("hostssl", "app", "app", "192.0.2.22", "refused"),
        ("hostssl", "postgres", "app", "192.0.2.11", "refused"),
        ("hostssl", "postgres", "ha_verify", "192.0.2.11", "scram-sha-256"),
        ("hostssl", "postgres", "ha_verify", "192.0.2.21", "scram-sha-256"),
        ("hostssl", "postgres", "ha_verify", "192.0.2.31", "refused"),
    ],
)
def test_who_may_connect(kind: str, database: str, user: str, address: str, expected: str) -> None:
    """One row per kind of visitor."""
    assert decide(kind, database, user, address) == expected


@pytest.mark.parametrize(
    ("address", "pooler", "expected"),
    [
        ("192.0.2.11", "pgbouncer", "scram-sha-256"),
        ("192.0.2.11", "", "refused"),
        ("192.0.2.21", "pgbouncer", "refused"),
    ],
)
def test_the_pooler_looks_verifiers_up_from_load_balancers_only(address: str, pooler: str, expected: str) -> None:
    assert decide("hostssl", "postgres", "pgbouncer", address, pooler=pooler) == expected


def test_extra_rules_come_first() -> None:
    """So that they can also lock out."""
    extra = (Rule("host", "app", "all", "192.0.2.11/32", "reject"),)
    assert decide("hostssl", "app", "app", "192.0.2.11", extra) == "reject"


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"database": "a", "user": "b", "address": "10.0.0.0/8", "method": "trust"}, r"\[0\]: method .* 'trust'"),
        (
            {"database": "a", "user": "b", "address": "10.0.0.0/8", "method": "md5"},
            "'md5'; allowed: cert, reject, scram",
        ),
        ({"type": "host", "database": "a", "user": "b", "address": "10.0.0.0/8"}, "method for host is 'scram-sha-256'"),
        ({"type": "hostnossl", "database": "a", "user": "b", "address": "10.0.0.0/8"}, "type is 'hostnossl'"),
        ({"database": "a", "user": "b", "address": "0.0.0.0/0"}, "the whole world"),
        ({"database": "a", "user": "b", "address": "10.0.0.5/8"}, "10.0.0.5/8"),
        ({"database": "a", "user": "b", "address": "samenet"}, "samenet"),
        ({"database": "", "user": "b", "address": "10.0.0.0/8"}, "database is ''"),
        ({"database": "a", "user": "b\nlocal all all trust", "address": "10.0.0.0/8"}, "user is"),
        ({"type": "local", "database": "a", "user": "b", "address": "10.0.0.0/8", "method": "peer"}, "has none"),
        (
            {"database": "a", "user": "b", "address": "10.0.0.0/8", "why": "x\nhost all all all trust"},
            "why spans lines",
        ),
        ({"db": "a"}, "has db; allowed"),
    ],
)
def test_refused_rules(entry: dict[str, Any], named: str) -> None:
    """A hole, a syntax error or a smuggled line is refused, and the refusal names the entry."""
    with pytest.raises(HbaError, match=named):
        parse_extra([entry])


def test_a_host_without_an_address() -> None:
    """The host is named."""
    with pytest.raises(HbaError, match=r"pg2: ha_address is 'pg2\.example'"):
        rules(database_hosts={"pg2": "pg2.example"}, client_hosts={}, databases=[])


def test_render() -> None:
    """Names that Postgres would split or read as a keyword are quoted; lists and keywords are not."""
    text = render(
        [
            Rule("hostssl", "my db,app", 'a"b', "10.0.0.0/24", "scram-sha-256", "mine"),
            Rule("hostssl", "replication", "+ops", "10.0.0.0/24", "cert", "mine"),
        ]
    )
    assert text.splitlines()[0] == "# mine"
    assert text.splitlines()[1].split("  ")[0] == "hostssl"
    assert '"my db",app' in text
    assert '"a""b"' in text
    assert text.splitlines()[2].split() == ["hostssl", "replication", "+ops", "10.0.0.0/24", "cert"]
