"""Every row of the pooler's tables."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.state import (
    Database,
    Pooler,
    Refusal,
    holders,
    identifier,
    may_be_refused,
    pooler_of,
    select,
    to_pause,
    to_reconnect,
    to_resume,
)

NOW = datetime(2026, 11, 23, 2, 0, 45, tzinfo=timezone.utc)


def database(name: str, paused: bool = False, active: int = 0, idle: int = 0) -> Database:
    return Database(name, paused, False, servers_active=active, servers_idle=idle)


ACTIVE, PAUSED, BUSY = database("a"), database("b", paused=True), database("c", paused=True, active=1)


@pytest.mark.parametrize(
    ("databases", "held", "state"),
    [
        ((ACTIVE,), "", "active"),
        ((ACTIVE,), None, "active"),
        ((ACTIVE, PAUSED), "", "partly_paused"),
        ((PAUSED,), "", "paused"),
        ((PAUSED, BUSY), "", "pausing"),
        ((ACTIVE,), "paused", "paused"),
        ((database("a", active=1),), "paused", "pausing"),
        ((PAUSED,), "suspended", "suspended"),
        ((), "", "active"),
    ],
)
def test_one_word_for_the_whole(databases: tuple[Database, ...], held: str | None, state: str) -> None:
    assert Pooler(databases, held).state == state


@pytest.mark.parametrize(
    ("held", "everything", "commands"),
    [
        ("", True, ("RESUME b",)),
        ("", False, ("RESUME b",)),
        ("paused", True, ("RESUME b", "RESUME")),
        ("suspended", True, ("RESUME b", "RESUME")),
        ("paused", False, ("RESUME b",)),
        (None, True, ("RESUME b", "RESUME")),
        (None, False, ("RESUME b",)),
    ],
)
def test_resume(held: str | None, everything: bool, commands: tuple[str, ...]) -> None:
    pooler = Pooler((ACTIVE, PAUSED), held)
    assert to_resume(pooler, pooler.databases, everything=everything) == commands


@pytest.mark.parametrize(
    ("held", "command", "guess"),
    [(None, "RESUME", True), ("", "RESUME", False), (None, "RESUME a", False), ("paused", "RESUME", False)],
)
def test_only_a_guess_may_be_refused(held: str | None, command: str, guess: bool) -> None:
    assert may_be_refused(Pooler((), held), command) is guess


def test_pause_of_a_paused_database_waits_for_its_transactions() -> None:
    pooler = Pooler((ACTIVE, BUSY), "")
    assert to_pause(pooler, pooler.databases) == ("PAUSE a", "PAUSE c")


@pytest.mark.parametrize("held", ["paused", "suspended"])
def test_a_pool_that_a_person_holds_is_left_alone(held: str) -> None:
    with pytest.raises(Refusal, match=f"the pool is {held} as a whole, by hand"):
        to_pause(Pooler((ACTIVE,), held), (ACTIVE,))


def test_only_databases_with_connections_reconnect() -> None:
    chosen = (database("a"), database("b", active=1), database("c", idle=1))
    assert to_reconnect(chosen) == ("RECONNECT b", "RECONNECT c")


@pytest.mark.parametrize(("names", "found"), [(None, "ab"), ([], "ab"), (["b"], "b"), (["b", "b", "a"], "ba")])
def test_the_chosen_ones(names: list[str] | None, found: str) -> None:
    assert [one.name for one in select(Pooler((ACTIVE, PAUSED)), names)] == list(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [("app", "app"), ("app_2", "app_2"), ("my-app", '"my-app"'), ("App", '"App"'), ('a"b', '"a""b"')],
)
def test_names_as_the_console_reads_them(name: str, text: str) -> None:
    assert identifier(name) == text


def client(
    link: str = "0x1", database: str = "app", at: str = "2026-11-23 02:00:05 UTC", port: str = "1"
) -> dict[str, str]:
    return {"user": "u", "database": database, "addr": "192.0.2.9", "port": port, "link": link, "request_time": at}


def test_who_holds_the_pool_up_longest_first() -> None:
    rows = [
        client(port="1", at="2026-11-23 02:00:40 UTC"),
        client(port="2"),
        client(port="3", link=""),
        client(port="4", database="other"),
    ]
    assert [one.text for one in holders(rows, ["app"], NOW)] == [
        "u@app from 192.0.2.9:2, last statement 40 s ago",
        "u@app from 192.0.2.9:1, last statement 5 s ago",
    ]


def test_a_time_of_another_zone_is_not_guessed_at() -> None:
    assert [one.text for one in holders([client(at="2026-11-23 03:00:05 CET")], ["app"], NOW)] == [
        "u@app from 192.0.2.9:1"
    ]


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (None, None),
        ([("active", "yes"), ("paused", "no"), ("suspended", "no")], ""),
        ([("active", "no"), ("paused", "yes"), ("suspended", "no")], "paused"),
        ([("active", "no"), ("paused", "no"), ("suspended", "yes")], "suspended"),
    ],
)
def test_what_the_console_says(state: list[tuple[str, str]] | None, held: str | None) -> None:
    """Pools of several users are one database; the console itself is none. Debian 12's version has no SHOW STATE."""
    databases = [
        {"name": "app", "paused": "1", "disabled": "0"},
        {"name": "pgbouncer", "paused": "0", "disabled": "0"},
    ]
    pool = {"database": "app", "cl_active": "2", "cl_waiting": "1", "sv_active": "1", "sv_idle": "3", "maxwait": "1"}
    rows = None if state is None else [{"key": key, "value": value} for key, value in state]
    assert pooler_of(databases, [pool, {**pool, "sv_tested": "1", "maxwait_us": "500000"}], rows) == Pooler(
        (Database("app", True, False, 4, 2, 3, 6, 1.5),), held
    )
