"""What a host's memory and disk come to, and what may not be overridden."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.settings import (
    RESERVED,
    SettingError,
    Value,
    estate_settings,
    memory_settings,
    merge,
    quote,
    render,
    synchronous_standby_names,
    wal_settings,
)
from hypothesis import given
from hypothesis import strategies as st

GIB = 1024**3
MIB = 1024**2


@pytest.mark.parametrize(
    ("memory", "shared", "cache", "maintenance", "work"),
    [
        (128 * MIB, "32MB", "96MB", "16MB", "4MB"),
        (1 * GIB, "256MB", "768MB", "64MB", "4MB"),
        (8 * GIB, "2048MB", "6144MB", "512MB", "10MB"),
        (64 * GIB, "16384MB", "49152MB", "2048MB", "81MB"),
        (512 * GIB, "32768MB", "393216MB", "2048MB", "128MB"),
    ],
)
def test_memory(memory: int, shared: str, cache: str, maintenance: str, work: str) -> None:
    """One row per size of host; the largest is held within limits."""
    assert memory_settings(memory, 200) == {
        "shared_buffers": shared,
        "effective_cache_size": cache,
        "maintenance_work_mem": maintenance,
        "work_mem": work,
    }


@pytest.mark.parametrize(
    ("memory", "connections", "named"), [(64 * MIB, 200, "64 MiB"), (GIB, 5, "max_connections is 5")]
)
def test_memory_refused(memory: int, connections: int, named: str) -> None:
    """A host too small, or connections too few, is refused by name."""
    with pytest.raises(SettingError, match=named):
        memory_settings(memory, connections)


@pytest.mark.parametrize(
    ("disk", "max_wal", "keep", "slot"),
    [
        (1 * GIB, "128MB", "96MB", "192MB"),
        (3 * GIB, "384MB", "304MB", "608MB"),
        (100 * GIB, "8192MB", "2048MB", "20480MB"),
        (4096 * GIB, "8192MB", "2048MB", "65536MB"),
    ],
)
def test_wal(disk: int, max_wal: str, keep: str, slot: str) -> None:
    """What WAL may take of the disk, from a test's to a big one."""
    found = wal_settings(disk)
    assert (found["max_wal_size"], found["wal_keep_size"], found["max_slot_wal_keep_size"]) == (max_wal, keep, slot)


@given(st.integers(min_value=1024, max_value=2**24))
def test_wal_never_fills_the_disk(megabytes: int) -> None:
    """Whatever the disk's size: checkpoints and slots together keep less than half of it, in whole segments."""
    sizes = {name: int(value[:-2]) for name, value in wal_settings(megabytes * MIB).items()}
    assert sizes["max_wal_size"] + sizes["max_slot_wal_keep_size"] < megabytes / 2
    assert sizes["wal_keep_size"] <= sizes["max_slot_wal_keep_size"]
    assert sizes["min_wal_size"] <= sizes["max_wal_size"]
    assert all(size % 16 == 0 for size in sizes.values())


@pytest.mark.parametrize(
    ("names", "mode", "expected"),
    [
        (["pg3", "pg1", "pg2"], "sync", 'ANY 1 ("pg1","pg2","pg3")'),
        (["pg1", 'p"g'], "sync", 'ANY 1 ("p""g","pg1")'),
        (["pg1", "pg2"], "async", ""),
        (["pg1"], "sync", ""),
    ],
)
def test_synchronous_standby_names(names: list[str], mode: str, expected: str) -> None:
    """The same text on every host, whatever the inventory's order."""
    assert synchronous_standby_names(names, mode) == expected


def test_unknown_mode() -> None:
    """A misspelt mode names the variable and what is allowed."""
    with pytest.raises(SettingError, match="postgresql_replication_mode is 'semi'; allowed: sync, async"):
        synchronous_standby_names(["a", "b"], "semi")


@pytest.mark.parametrize(("command", "mode"), [("", False), ("pgbackrest archive-push %p", True)])
def test_archiving_is_on_only_with_a_command(command: str, mode: bool) -> None:
    """On without a command would keep every segment for ever."""
    found = estate_settings(
        names=["a", "b"], mode="sync", max_connections=9, archive_command=command, tls_directory="/t"
    )
    assert (found["archive_mode"], found["archive_command"]) == (mode, command)


def test_people_win() -> None:
    """An override replaces what is derived, in whatever case it is written, and adds what is not."""
    assert merge({"work_mem": "4MB"}, {"Work_Mem": "8MB", "pg_stat_statements.max": 5}) == {
        "work_mem": "8MB",
        "pg_stat_statements.max": 5,
    }


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_settings_are_refused(name: str) -> None:
    """Each setting that the estate stands on says why it may not be set."""
    with pytest.raises(SettingError, match=RESERVED[name]):
        merge({}, {name.upper(): "x"})


@pytest.mark.parametrize(
    ("name", "value"), [("work mem", "4MB"), ("x;y", 1), ("search_path", ["a"]), ("work_mem", None)]
)
def test_unwritable_overrides(name: str, value: Value) -> None:
    """What could not be written as one line is refused."""
    with pytest.raises(SettingError, match="postgresql_settings"):
        merge({}, {name: value})


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "on"), (False, "off"), (5, "5"), (0.9, "0.9"), ("it's", "'it''s'"), ("a\\b", "'a\\\\b'"), ("", "''")],
)
def test_quote(value: Value, text: str) -> None:
    """Each kind of value as the file takes it."""
    assert quote(value) == text


def test_quote_refuses_lines() -> None:
    """A line break would begin another setting."""
    with pytest.raises(SettingError):
        quote("a\nshared_preload_libraries = 'x'")


def test_render_is_sorted() -> None:
    """Two runs write the same bytes."""
    assert render({"b": 1, "a": True}) == "a = on\nb = 1\n" == render({"a": True, "b": 1})


@pytest.mark.parametrize(
    ("options", "archive_timeout", "restore_command"),
    [
        ({}, None, None),
        ({"archive_command": "push %p", "archive_timeout": 60, "restore_command": "get %f %p"}, "60s", "get %f %p"),
        ({"archive_command": "push %p"}, None, None),
        ({"archive_timeout": 60}, None, None),
    ],
)
def test_an_archive_has_a_time_limit_and_a_way_back(
    options: dict[str, Any], archive_timeout: str | None, restore_command: str | None
) -> None:
    """Without a command there is nothing that a time limit could be for."""
    wanted: dict[str, Any] = {"archive_command": "", **options}
    found = estate_settings(names=["a", "b"], mode="sync", max_connections=9, tls_directory="/t", **wanted)
    assert (found.get("archive_timeout"), found.get("restore_command")) == (archive_timeout, restore_command)
