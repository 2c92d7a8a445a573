"""When an empty directory is seeded, when it is left alone, and what is said meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.basebackup import (
    Progress,
    SeedRefused,
    Target,
    copy_argv,
    describe,
    last_words,
    parse_progress,
    plan_seed,
    size,
)

EMPTY = Target("pg2", "/var/lib/postgresql/17/main", "absent", None, False, "inactive")


@pytest.mark.parametrize(
    ("target", "step"),
    [
        (EMPTY, "start"),
        (replace(EMPTY, unit_state=""), "start"),
        (replace(EMPTY, unit_state="failed"), "start"),
        (replace(EMPTY, unit_state="activating"), "wait"),
        (replace(EMPTY, unit_state="deactivating"), "wait"),
        (replace(EMPTY, data_state="initialized", system_identifier="700"), "done"),
    ],
)
def test_steps(target: Target, step: str) -> None:
    """One row per state in which a copy may go on."""
    assert plan_seed(target, "pg1", "700") == step


@pytest.mark.parametrize(
    ("target", "named"),
    [
        (replace(EMPTY, data_state="initialized", system_identifier="701"), "identifier 701.*expected.*identifier 700"),
        (replace(EMPTY, data_state="initialized", system_identifier=None), "another cluster"),
        (replace(EMPTY, data_state="foreign"), "not a complete cluster.*never overwritten"),
        (replace(EMPTY, is_mount=True), "is a mount point"),
        (replace(EMPTY, data_state="foreign", unit_state="activating"), "never overwritten"),
    ],
)
def test_refusals(target: Target, named: str) -> None:
    """Data is never overwritten; the refusal names host, directory and the next step."""
    with pytest.raises(SeedRefused, match=named) as refusal:
        plan_seed(target, "pg1", "700")
    assert "pg2:/var/lib/postgresql/17/main" in str(refusal.value)
    assert "Next:" in str(refusal.value)


LOG = """waiting for checkpoint
    256/1048576 kB (0%), 0/1 tablespace
 524288/1048576 kB (50%), 0/1 tablespace
pg_basebackup: error: could not receive data: connection closed
pg_basebackup: removing contents of data directory
"""


def test_parse_progress() -> None:
    """The last figure counts; carriage returns are line ends; no figure yet is no progress."""
    assert parse_progress(LOG) == Progress(524288 * 1024, 1048576 * 1024, 50)
    assert parse_progress("1/2 kB (50%), 0/1 tablespace\r3/2 kB (100%), 1/1 tablespace\r").percent == 100
    assert parse_progress("waiting for checkpoint") == Progress()


def test_last_words() -> None:
    """Why it failed, without the figures."""
    assert "connection closed" in last_words(LOG)
    assert "kB" not in last_words(LOG)
    assert last_words("") == ""


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(), "the primary prepares the copy (checkpoint), 3 s so far"),
        (parse_progress(LOG), "50 % copied (512 MiB of 1.0 GiB)"),
    ],
)
def test_describe(progress: Progress, text: str) -> None:
    """One line for a person who waits."""
    assert describe(progress, 3.2) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (2048, "2 KiB"), (5 * 2**30, "5.0 GiB"), (3 * 2**40, "3.0 TiB")]
)
def test_size(count: int, text: str) -> None:
    """Bytes as people read them."""
    assert size(count) == text


def test_the_copy_is_a_standby_before_it_has_the_name_of_a_data_directory() -> None:
    """At no moment is there a data directory that would start as a second primary. No password in the arguments."""
    argv = copy_argv(
        unit="u",
        log="/l",
        program="pg_basebackup",
        conninfo="host=pg1 passfile=/p",
        slot="pg2",
        data_directory="/d/main",
        max_rate="50M",
    )
    after = [item for item in argv if "ExecStartPost" in item]
    assert "--pgdata=/d/main.seeding" in argv
    assert after == [
        "--property=ExecStartPost=/usr/bin/install -m 600 /dev/null /d/main.seeding/standby.signal",
        "--property=ExecStartPost=/usr/bin/mv -T /d/main.seeding /d/main",
    ]
    assert "--service-type=oneshot" in argv
    assert "--max-rate=50M" in argv
