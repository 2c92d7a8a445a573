"""A sound estate with all its facts, and ways to spoil exactly one thing of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.facts import (
    balancer_facts_from,
    database_facts_from,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.judge import (
    Preflight,
    look_at,
    preflight,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.look import Look

from tests.unit.plugins.module_utils._recovery.estates import BALANCERS, DATABASES, balancer, primary, standby

NOW = 1_800_000_000.0
DAY = 86400
MIB = 1024**2
GIB = 1024**3
SQL1 = "facts.pg1.sql"
SQL2 = "facts.pg2.sql"
SETTINGS = {
    "max_connections": "200",
    "max_worker_processes": "8",
    "max_wal_senders": "16",
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "64",
    "max_replication_slots": "16",
    "archive_mode": "on",
    "archive_command": "set",
    "data_checksums": "on",
    "wal_log_hints": "on",
    "full_page_writes": "on",
    "default_transaction_read_only": "off",
    "max_slot_wal_keep_size": "1024",
    "recovery_min_apply_delay": "0",
    "wal_level": "replica",
}

Estate = dict[str, Any]
Spoil = Callable[[Estate], Any]
#: check, host, level, part of what was observed, and how the sound estate is spoilt.
Row = tuple[str, str, str, str, Spoil]


def slot(name: str, **changes: Any) -> dict[str, Any]:
    """One row of pg_replication_slots."""
    base = {"name": name, "type": "physical", "active": True, "temporary": False, "wal_status": "reserved"}
    return base | {"failover": False, "synced": False, "retained_bytes": 0} | changes


def database(host: str) -> dict[str, Any]:
    """What preflight_facts answers of a sound host."""
    others = [name for name in DATABASES if name != host]
    disk = {"device": 1, "total_bytes": 100 * GIB, "free_bytes": 60 * GIB, "error": None}
    return {
        "host": host,
        "privilege": {"root": True, "user": True, "error": None},
        "data": {"path": "/data", **disk},
        "wal": {"path": "/data/pg_wal", **disk, "ready": 0, "bytes_per_minute": 1e6},
        "certificates": [{"path": "/tls/server.crt", "expires_at": int(NOW) + 300 * DAY, "error": None}],
        "replication": {name: {"ok": True, "error": None, "system_identifier": "7001"} for name in others},
        "sql": {
            "server_version_num": 170011,
            "settings": dict(SETTINGS),
            "pending_restart": [],
            "archiver": {"last_archived_age_s": 5.0, "last_failed_age_s": None, "last_failed_wal": None},
            "backups": [],
            "transactions": [{"pid": 1, "user": "app", "application": "orders", "age_s": 0.1}],
            "prepared": [],
            "walsenders": 2 if host == "pg1" else 0,
            "slots": [slot(name) for name in others],
        },
        "sql_error": None,
        "clock": {"first": NOW + 0.01, "last": NOW + 0.02},
    }


def load_balancer(host: str) -> dict[str, Any]:
    """What balancer_facts answers of a sound host."""
    return {
        "host": host,
        "privilege": {"root": True, "user": None, "error": None},
        "certificates": [],
        "disks": [{"path": "/var/lib/haproxy", "device": 2, "total_bytes": 10 * GIB, "free_bytes": 5 * GIB}],
        "clock": {"first": NOW + 0.01, "last": NOW + 0.02},
    }


def estate() -> Estate:
    """pg1 primary, pg2 and pg3 standbys, lb1 holds the virtual IP; nothing to complain of."""
    return {
        "nodes": {"pg1": primary(), "pg2": standby("pg2"), "pg3": standby("pg3")},
        "balancers": {"lb1": balancer("lb1"), "lb2": balancer("lb2")},
        "facts": {name: database(name) for name in DATABASES},
        "balancer_facts": {name: load_balancer(name) for name in BALANCERS},
        "pools": {name: {"read_write": "active", "read_only": "active"} for name in BALANCERS},
        "asked": {name: {"sent_at": NOW, "received_at": NOW + 0.03} for name in (*DATABASES, *BALANCERS)},
    }


def look(spoil: Spoil | None = None, purpose: str = "switchover", **more: Any) -> Look:
    """The look at that estate, spoilt."""
    made = copy.deepcopy(estate())
    if spoil is not None:
        spoil(made)
    asked = made["asked"]
    return look_at(
        nodes_from(made["nodes"].values(), DATABASES),
        balancers_from(made["balancers"].values(), BALANCERS),
        {name: database_facts_from(raw, asked.get(name)) for name, raw in made["facts"].items()},
        {name: balancer_facts_from(raw, asked.get(name)) for name, raw in made["balancer_facts"].items()},
        purpose=purpose,
        now=NOW,
        pools=made["pools"],
        **more,
    )


def judged(spoil: Spoil | None = None, purpose: str = "switchover", waive: str = "", **more: Any) -> Preflight:
    """The whole answer of preflight."""
    return preflight(look(spoil, purpose, **more), frozenset(filter(None, waive.split(","))))


def setting(host: str, name: str, value: str | None) -> Spoil:
    """One setting of one host; None: not known."""

    def spoil(made: Estate) -> None:
        settings = made["facts"][host]["sql"]["settings"]
        settings.update({name: value}) if value is not None else settings.pop(name)

    return spoil


def put(where: str, **values: Any) -> Spoil:
    """Values at a dotted place of the estate, such as ``facts.pg1.sql``."""

    def spoil(made: Estate) -> None:
        place = made
        for key in where.split("."):
            place = place[key]
        place.update(values)

    return spoil


def both(*spoils: Spoil) -> Spoil:
    """Several at once."""

    def spoil(made: Estate) -> None:
        for one in spoils:
            one(made)

    return spoil


def attached(**changes: Any) -> Spoil:
    """The primary's own view of pg2."""

    def spoil(made: Estate) -> None:
        rows = made["nodes"]["pg1"]["replication"]
        made["nodes"]["pg1"]["replication"] = [
            row | changes if row["application_name"] == "pg2" else row for row in rows
        ]

    return spoil


def drop(where: str, key: str) -> Spoil:
    """Take a key away, as an answer without it would."""

    def spoil(made: Estate) -> None:
        place = made
        for part in where.split("."):
            place = place[part]
        place.pop(key)

    return spoil


def logical(**changes: Any) -> Spoil:
    """A logical slot on the primary."""

    def spoil(made: Estate) -> None:
        made["facts"]["pg1"]["sql"]["slots"].append(slot("feed", type="logical", **changes))

    return spoil


def synced(made: Estate) -> None:
    """Its copy on the candidate."""
    made["facts"]["pg2"]["sql"]["slots"].append(slot("feed", type="logical", synced=True, failover=True))


def alone(made: Estate) -> None:
    """pg3 does not stream."""
    made["nodes"]["pg1"]["replication"] = made["nodes"]["pg1"]["replication"][:1]


def nobody_synchronous(made: Estate) -> None:
    """Commits wait."""
    for row in made["nodes"]["pg1"]["replication"]:
        row["sync_state"] = "async"
