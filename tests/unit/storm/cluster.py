# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away Postgres cluster for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SETTINGS = "-c listen_addresses='' -c fsync=off -c unix_socket_directories={home} -c max_connections=50"


@dataclass(frozen=True)
class Cluster:
    """``home`` holds the socket. ``dsn`` leads to its database ``postgres`` as superuser."""

    home: Path

    @property
    def dsn(self) -> str:
        return f"host={self.home} user=postgres dbname=postgres"

    def sql(self, *statements: str, **names: str) -> list[tuple[object, ...]]:
        """Run each statement on its own, ``names`` put in for {name}; the rows of the last."""
        import psycopg

        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.format(**names).encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def temporary_cluster() -> Iterator[Cluster]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    tools = _tools()
    if tools is None:
        pytest.skip("no local Postgres server: initdb is neither in PATH nor below /usr/lib/postgresql")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("Postgres refuses to run as root and runuser, to become somebody else, is not installed")
    # Not pytest's tmp_path: the server's user may not enter it, and a socket's path must stay short.
    home = Path(tempfile.mkdtemp(prefix="storm"))
    try:
        prefix: list[str] = []
        if os.geteuid() == 0:
            try:
                shutil.chown(home, "postgres")
            except LookupError:
                pytest.skip("Postgres refuses to run as root and there is no user postgres")
            prefix = ["runuser", "-u", "postgres", "--"]
        data = str(home / "data")
        _run([*prefix, str(tools / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N"], home)
        control = [*prefix, str(tools / "pg_ctl"), "-D", data, "-w"]
        _run([*control, "-l", str(home / "log"), "-o", _SETTINGS.format(home=home), "start"], home)
        try:
            yield Cluster(home)
        finally:
            _run([*control, "-m", "immediate", "stop"], home)
    finally:
        shutil.rmtree(home)


def _tools() -> Path | None:
    in_path = shutil.which("initdb")
    if in_path is not None:
        return Path(in_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda tool: int(tool.parts[-3]))
    return found[-1].parent if found else None


def _run(command: list[str], home: Path) -> None:
    done = subprocess.run(
        command, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")
