# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from tests.storm.cli import main
from tests.unit.storm.cluster import Cluster
from tests.unit.storm.fake import until

ROOT = Path(__file__).resolve().parents[3]
TABLE = "cli_orders"


@pytest.fixture
def shell(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory to work in, and the cluster's DSN in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORM_DSN", cluster.dsn)
    yield tmp_path
    cluster.sql(f"DROP TABLE IF EXISTS {TABLE}")


def run(*options: str) -> int:
    return main(["run", "--table", TABLE, "--orders", "50", "--journal", "j.jsonl", "--report", "r.json", *options])


def report() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path("r.json").read_text())
    return loaded


def test_clean_run_is_0_and_leaves_nothing(shell: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert report()["acknowledged"] == 50
    assert report()["audit"]["clean"] is True
    out, err = capsys.readouterr()
    assert "acknowledged   50 of 50 orders" in out
    assert "verdict        0 lost, 0 duplicated" in out
    assert "storm 00:0" in err
    assert cluster.sql(f"SELECT to_regclass('{TABLE}')") == [(None,)]


def test_unaudited_run_is_3_and_audited_later(
    shell: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--no-audit") == 3
    assert report()["audit"] is None
    assert main(["audit", "--journal", "j.jsonl", "--report", "r.json"]) == 0
    assert report()["audit"]["clean"] is True
    cluster.sql("DELETE FROM {table} WHERE row_number IN (SELECT min(row_number) FROM {table})", table=TABLE)
    assert main(["audit", "--journal", "j.jsonl", "--report", "r.json"]) == 1
    assert report()["audit"]["lost"] == 1
    cluster.sql("INSERT INTO {table} SELECT 0, id, run, writer, sequence FROM {table} LIMIT 1", table=TABLE)
    assert main(["audit", "--journal", "j.jsonl", "--report", "r.json"]) == 1
    assert (report()["audit"]["lost"], report()["audit"]["duplicated"]) == (1, 1)
    assert "1 lost, 1 duplicated" in capsys.readouterr().out


def test_kept_rows_stay(shell: Path, cluster: Cluster) -> None:
    assert run("--keep") == 0
    assert cluster.sql("SELECT count(*) FROM {table}", table=TABLE) == [(50,)]


def test_dsn_from_a_file(shell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shell / "dsn").write_text(os.environ["STORM_DSN"] + "\n")
    monkeypatch.delenv("STORM_DSN")
    assert run("--dsn-file", "dsn") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--duration", "3601"], "duration is 3601.0; allowed: more than 0, at most 3600 s", id="too long"),
        pytest.param(["--dsn", "hunter2"], "the DSN is not a libpq connection string", id="no DSN"),
        pytest.param(["--dsn-file", "none"], "DSN file none cannot be read", id="no DSN file"),
        pytest.param(["--journal", "."], "journal . exists already", id="journal of another run"),
        pytest.param(["--stop-file", "."], "stop file . exists already", id="old stop file"),
    ],
)
def test_refusal_is_2(shell: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert run(*arguments) == 2
    assert told in capsys.readouterr().err
    assert not Path("r.json").exists()


def test_run_without_any_dsn_is_refused(
    shell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STORM_DSN")
    assert run() == 2
    assert "give --dsn, --dsn-file or the environment variable STORM_DSN" in capsys.readouterr().err


def test_audit_that_reaches_no_database_is_2(shell: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--no-audit") == 3
    nowhere = ["--dsn", f"host={shell}/none dbname=postgres", "--audit-timeout", "0.01"]
    assert main(["audit", "--journal", "j.jsonl", *nowhere]) == 2
    assert "cannot be audited" in capsys.readouterr().err


def test_storm_that_was_never_answered_proves_nothing(
    shell: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.sql(f"CREATE TABLE {TABLE} (id uuid, run uuid, writer int)")  # a column short: every INSERT fails
    assert run("--orders", "3") == 2
    assert report()["errors"] == {"42703": 3}
    assert "nothing was acknowledged, so nothing is proven" in capsys.readouterr().out


@contextmanager
def started(shell: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A storm in a process of its own, blowing when the block begins."""
    command = [sys.executable, "-m", "tests.storm", "run", "--table", TABLE, "--duration", "600", *options]
    files = ["--journal", "j.jsonl", "--report", "r.json", "--status-file", "s.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*command, *files], cwd=shell, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            until(lambda: Path("s.json").exists() and json.loads(Path("s.json").read_text())["durable"] > 50)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(shell: Path, number: signal.Signals) -> None:
    with started(shell) as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
    assert "0 lost, 0 duplicated" in out
    assert report()["end_reason"] == f"signal {number.name}"
    assert json.loads(Path("s.json").read_text())["running"] is False


def test_stop_file_ends_it_cleanly(shell: Path) -> None:
    with started(shell, "--stop-file", "stop") as process:
        Path("stop").touch()
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert report()["end_reason"] == "stop-file"


def test_killed_storm_can_still_be_audited(shell: Path) -> None:
    with started(shell) as process:
        process.kill()
        process.communicate(timeout=120)
    assert not Path("r.json").exists()
    assert main(["audit", "--journal", "j.jsonl", "--report", "r.json"]) == 0
    assert report()["end_reason"] is None
    assert report()["acknowledged"] > 50
    # whatever was under way when it died had its intent written first: no row can be a stranger
    assert report()["audit"]["unexpected"] == 0
