"""What a trial start is made of, and what it makes of PgBouncer's words."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROLE = Path(__file__).parents[4] / "collections" / "ha_recovery" / "roles" / "pgbouncer"


def load() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("trial_start", ROLE / "files" / "test_pgbouncer_config.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


program = load()


def test_a_trial_start_meets_no_client() -> None:
    text = (
        "[pgbouncer]\nlisten_addr = *\nlisten_port = 5432\n  unix_socket_dir=/run/pgbouncer/read_write\npool_mode = x\n"
    )
    lines = program.trial("ini", text, "/folder").splitlines()
    assert lines == [
        "[pgbouncer]", "listen_port = 5432", "pool_mode = x",
        "listen_addr =", "unix_socket_dir = /folder", "unix_socket_mode = 0700",
    ]  # fmt: skip


def test_rules_are_tried_with_the_least_configuration_there_is(tmp_path: Path) -> None:
    text = program.trial("hba", "local all root peer\n", str(tmp_path))
    assert f"auth_hba_file = {tmp_path}/hba" in text
    assert (tmp_path / "hba").read_text() == "local all root peer\n"


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("2026-11-23 01:59:12.699 UTC [1] LOG process up: PgBouncer 1.24.1", []),
        ("2026-11-23 01:59:12.699 UTC [1] ERROR unrecognized main setting: x", ["unrecognized main setting: x"]),
        ("2026-11-23 01:59:12.699 UTC [1] FATAL cannot load config file", ["cannot load config file"]),
        ("2026-11-23 01:59:12.699 UTC [1] WARNING hba line 2: unknown database", ["hba line 2: unknown database"]),
        ("2026-11-23 01:59:12.699 UTC [1] WARNING kernel file descriptor limit: 1024 (hard: 4096)", []),
    ],
)
def test_a_complaint_is_an_error(log: str, found: list[str]) -> None:
    assert program.complaints(f"{log}\n") == found
