"""Each mistake of an inventory, with the exact words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.estate import estate_errors_of

GOOD = {
    "ha_cluster_name": "orders",
    "ha_engine": "runbook",
    "ha_bootstrap_primary": "pg1",
    "ha_vip": "192.0.2.100/24",
    "ha_replication_mode": "sync",
    "ha_replication_password": "Zk3vQ9sLw2Xy",
    "ha_verify_password": "Yk3vQ9sLw2Xy",
    "keepalived_virtual_router_id": 87,
    "postgresql_users": [{"name": "app", "password": "Xk3vQ9sLw2Xy"}],
}
HOSTS: dict[str, dict[str, Any]] = {
    "lb1": {"groups": ["load_balancer"], "ha_address": "192.0.2.11", "keepalived_priority": 150},
    "lb2": {"groups": ["load_balancer"], "ha_address": "192.0.2.12", "keepalived_priority": 100},
    "pg1": {"groups": ["database"], "ha_address": "192.0.2.21"},
    "pg2": {"groups": ["database"], "ha_address": "192.0.2.22"},
    "backup1": {"groups": ["backup"], "ha_address": "192.0.2.31"},
}


def messages(variables: dict[str, Any] | None = None, **hosts: dict[str, Any] | None) -> list[str]:
    """The messages for the good estate with some changes; a host given as None is left out."""
    changed = {
        name: HOSTS.get(name, {}) | (hosts.get(name) or {})
        for name in {**HOSTS, **hosts}
        if hosts.get(name, {}) is not None
    }
    return [error.message for error in estate_errors_of(GOOD | (variables or {}), changed)]


def test_a_good_estate_has_no_mistakes() -> None:
    """The base of every other row."""
    assert messages() == []


@pytest.mark.parametrize(
    ("hosts", "has"),
    [
        ({"backup1": None}, "no host"),
        ({"backup2": {"groups": ["backup"], "ha_address": "192.0.2.32"}}, "backup1, backup2"),
    ],
)
def test_backups_need_one_host(hosts: dict[str, Any], has: str) -> None:
    """With two, nobody would know where the archive is."""
    wants = {"ha_backup": "pgbackrest", "ha_backup_cipher_pass": "Wk3vQ9sLw2Xy"}
    assert messages(wants) == []
    assert messages(wants, **hosts) == [
        f"group backup has {has}; allowed: one host, which keeps the repository (ha_backup: pgbackrest)"
    ]


LONG = "Vk3vQ9sLw2XyVk3vQ9sLw2Xy"
FILES = {"ha_file_backup": "restic", "ha_file_backup_password": LONG}
DUMPS = {"ha_dump": "pg_dump", "ha_dump_password": LONG}


@pytest.mark.parametrize(
    ("wants", "kept"),
    [
        (FILES, "ha_file_backup: restic"),
        (DUMPS, "ha_dump: pg_dump"),
        (FILES | DUMPS, "ha_file_backup: restic, ha_dump: pg_dump"),
    ],
)
def test_backups_of_files_and_dumps_need_one_host(wants: dict[str, Any], kept: str) -> None:
    """One line for all that is kept there."""
    assert messages(wants) == []
    assert messages(wants, backup1=None) == [f"group backup has no host; allowed: one host, which keeps them ({kept})"]


def test_dumps_outlive_the_database_hosts() -> None:
    """A dump on the host that burns is none."""
    groups = {"backup1": None, "pg2": {"groups": ["database", "backup"]}}
    assert messages(DUMPS, **groups) == [
        "group backup has pg2, of the group database; allowed: a host of its own (ha_dump: pg_dump)"
    ]
    assert messages(FILES, **groups) == []


@pytest.mark.parametrize(
    "variables",
    [{"ha_pooler": "none"}, {"ha_pooler": "pgbouncer", "ha_pooler_password": "Wk3vQ9sLw2Xy"}],
)
def test_a_pooler_needs_a_password_and_none_needs_none(variables: dict[str, Any]) -> None:
    """The password is asked for where it is used."""
    assert messages(variables) == []


SECRET = "allowed: a secret of your own with 12 characters or more, kept in ansible-vault"
LONG_SECRET = "allowed: a secret of your own with 24 characters or more, kept in ansible-vault"
DUMP_SECRET = (
    "allowed: a secret of your own with 24 characters or more, printable ASCII without spaces, kept in ansible-vault"
)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ha_engine": "magic"}, "ha_engine is 'magic'; allowed: runbook"),
        ({"ha_engine": None}, "ha_engine is not set; allowed: runbook"),
        (
            {"ha_cluster_name": "Orders"},
            "ha_cluster_name is 'Orders'; allowed: a lower-case letter, then lower-case letters, digits, '-' and '_'",
        ),
        ({"ha_pooler": "odyssey"}, "ha_pooler is 'odyssey'; allowed: pgbouncer, none"),
        ({"ha_backup": "barman"}, "ha_backup is 'barman'; allowed: pgbackrest, none"),
        ({"ha_backup": "pgbackrest"}, f"ha_backup_cipher_pass is not set; {SECRET}"),
        ({"ha_file_backup": "borg"}, "ha_file_backup is 'borg'; allowed: restic, none"),
        ({"ha_file_backup": "restic"}, f"ha_file_backup_password is not set; {LONG_SECRET}"),
        (
            FILES | {"ha_file_backup_password": "Vk3vQ9sLw2Xy"},
            f"ha_file_backup_password has 12 characters; {LONG_SECRET}",
        ),
        ({"ha_dump": "yes"}, "ha_dump is 'yes'; allowed: pg_dump, none"),
        ({"ha_dump": "pg_dump"}, f"ha_dump_password is not set; {DUMP_SECRET}"),
        (DUMPS | {"ha_dump_password": "change-me" + LONG}, f"ha_dump_password is a placeholder; {DUMP_SECRET}"),
        (
            DUMPS | {"ha_dump_password": LONG + " x"},
            f"ha_dump_password has other characters than printable ASCII without spaces; {DUMP_SECRET}",
        ),
        ({"ha_replication_mode": "quorum"}, "ha_replication_mode is 'quorum'; allowed: sync, async"),
        (
            {"ha_bootstrap_primary": "pg9"},
            "ha_bootstrap_primary is 'pg9'; allowed: a host of group database (pg1, pg2)",
        ),
        (
            {"ha_bootstrap_primary": "lb1"},
            "ha_bootstrap_primary is 'lb1'; allowed: a host of group database (pg1, pg2)",
        ),
        (
            {"ha_bootstrap_primary": None},
            "ha_bootstrap_primary is not set; allowed: a host of group database (pg1, pg2)",
        ),
        ({"ha_vip": "192.0.2.100"}, "ha_vip is '192.0.2.100'; allowed: IPv4 address/prefix, such as 192.0.2.100/24"),
        ({"ha_vip": None}, "ha_vip is not set; allowed: IPv4 address/prefix, such as 192.0.2.100/24"),
        (
            {"ha_vip": "192.0.2.21/24"},
            "ha_vip is '192.0.2.21/24', the address of pg1; allowed: an address that no host has",
        ),
        (
            {"ha_vip": "192.0.2.0/24"},
            "ha_vip is '192.0.2.0/24', the network's own address; allowed: a host address of 192.0.2.0/24",
        ),
        (
            {"ha_vip": "192.0.2.100/28"},
            "ha_vip is '192.0.2.100/28', and lb1 has 192.0.2.11; allowed: a network that holds every load balancer "
            "(192.0.2.96/28 does not)",
        ),
        (
            {"keepalived_virtual_router_id": 0},
            "keepalived_virtual_router_id is 0; allowed: a whole number from 1 to 255",
        ),
        (
            {"keepalived_virtual_router_id": 256},
            "keepalived_virtual_router_id is 256; allowed: a whole number from 1 to 255",
        ),
        ({"ha_replication_password": None}, f"ha_replication_password is not set; {SECRET}"),
        ({"ha_replication_password": "short"}, f"ha_replication_password has 5 characters; {SECRET}"),
        ({"ha_pooler": "pgbouncer"}, f"ha_pooler_password is not set; {SECRET}"),
        ({"ha_pooler": "pgbouncer", "ha_pooler_password": "short"}, f"ha_pooler_password has 5 characters; {SECRET}"),
        ({"ha_verify_password": "change-me-please"}, f"ha_verify_password is a placeholder; {SECRET}"),
        (
            {"postgresql_users": [{"name": "app"}]},
            f"postgresql_users: password of app is not set; {SECRET}",
        ),
    ],
)
def test_variables(variables: dict[str, Any], message: str) -> None:
    """Variable, what it was, and what is allowed."""
    assert message in messages(variables)


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ({"pg2": None}, "group database has pg1; allowed: two hosts or more (one primary, one standby)"),
        (
            {"lb2": None},
            "group load_balancer has lb1; allowed: two hosts or more (the virtual IP needs a second home)",
        ),
        (
            {"pg2": {"ha_address": "192.0.2.21"}},
            "ha_address of pg2 is '192.0.2.21', which pg1 has; allowed: an address of its own",
        ),
        (
            {"pg2": {"ha_address": "pg2.example.org"}},
            "ha_address of pg2 is 'pg2.example.org'; allowed: an IPv4 address (default: ansible_host)",
        ),
        (
            {"pg2": {"ha_address": None}},
            "ha_address of pg2 is not set; allowed: an IPv4 address (default: ansible_host)",
        ),
        (
            {"lb2": {"keepalived_priority": 150}},
            "keepalived_priority of lb2 is 150, which lb1 has; allowed: a different number on each load balancer",
        ),
        (
            {"lb2": {"keepalived_priority": None}},
            "keepalived_priority of lb2 is not set; allowed: a whole number from 1 to 254",
        ),
        (
            {"lb2": {"keepalived_priority": 255}},
            "keepalived_priority of lb2 is 255; allowed: a whole number from 1 to 254",
        ),
        (
            {
                "pg.2": {"groups": ["database"], "ha_address": "192.0.2.24"},
                "pg-2": {"groups": ["database"], "ha_address": "192.0.2.25"},
            },
            "inventory name of pg.2 gives the replication slot 'pg_2' that pg-2 has; allowed: names that stay distinct",
        ),
    ],
)
def test_hosts(hosts: dict[str, dict[str, Any] | None], message: str) -> None:
    """The host is named, and the one it collides with."""
    assert message in messages(None, **hosts)


def test_every_mistake_is_told_at_once() -> None:
    """Nobody corrects an inventory one run at a time."""
    assert len(messages({"ha_engine": "magic", "ha_vip": None, "ha_verify_password": ""})) == 3


def test_a_secret_is_never_repeated() -> None:
    """Not even a bad one."""
    assert not any("s3cret" in message for message in messages({"ha_verify_password": "s3cret"}))


def test_repositories_are_judged_where_they_are_used() -> None:
    """Before any host is touched."""
    wants = {"pgbackrest_repositories": [{"path": "/a", "type": "s3"}]}
    assert messages(wants) == []
    assert messages({**wants, "ha_backup": "pgbackrest", "ha_backup_cipher_pass": LONG}) == [
        "pgbackrest_repositories has as number 1 one of type s3 without bucket, endpoint, region, key, key_secret; "
        "allowed: one with bucket, endpoint, region, key, key_secret"
    ]
