"""What is gathered: against a real server, and from files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_facts import (
    archive_ready,
    preflight_facts,
    wal_rate,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_query import SETTINGS
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user, query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.replication_probe import reason_of, try_all

from tests.unit.plugins.module_utils._postgresql.test_observe import Server, server  # noqa: F401


def facts(made: Server) -> dict[str, Any]:
    """What a session would be told."""
    return preflight_facts(HostRunner(), host="pg1", root=str(made.root), timeout=10)


@pytest.fixture
def running(server: Server) -> Iterator[Server]:  # noqa: F811
    """A primary, whatever the tests before left behind."""
    server.stop()
    (server.data / "standby.signal").unlink(missing_ok=True)
    (server.data / "postgresql.auto.conf").write_text("max_prepared_transactions = 5\n")
    server.start()
    yield server
    server.stop()


def sql(made: Server, text: str) -> None:
    """Run statements whose answer does not matter."""
    assert "ERROR" not in query_json(HostRunner(), made.layout, text, timeout=10).error


def test_a_host_without_postgres_is_an_answer(tmp_path: Path) -> None:
    """Nothing is there, and every fact that is missing says so."""
    seen = preflight_facts(HostRunner(), host="pg1", root=str(tmp_path))
    assert (seen["sql"], seen["sql_error"]) == (None, "Postgres does not run")
    assert seen["wal"]["ready"] is None and seen["wal"]["bytes_per_minute"] is None
    assert [one["error"] for one in seen["certificates"]] == ["it is not there"] * 2
    assert seen["clock"]["first"] <= seen["clock"]["last"]


def test_settings_slots_and_prepared_transactions(running: Server) -> None:
    """One round trip brings them all."""
    sql(running, "SELECT pg_create_physical_replication_slot('pg2', true);")
    sql(running, "BEGIN; CREATE TABLE IF NOT EXISTS kept (); PREPARE TRANSACTION 'held';")
    sql(running, "ALTER SYSTEM SET max_connections = 77;")
    sql(running, "SELECT pg_reload_conf();")
    seen = facts(running)
    answer = seen["sql"]
    assert seen["sql_error"] is None
    assert set(answer["settings"]) >= set(SETTINGS) - {"archive_library"}
    assert (answer["settings"]["max_connections"], answer["settings"]["data_checksums"]) == ("100", "off")
    assert [(slot["name"], slot["active"], slot["synced"]) for slot in answer["slots"]] == [("pg2", False, False)]
    assert answer["slots"][0]["retained_bytes"] >= 0
    assert answer["pending_restart"] == ["max_connections"]
    assert [one["gid"] for one in answer["prepared"]] == ["held"]
    assert (answer["walsenders"], answer["backups"], answer["transactions"]) == (0, [], [])
    assert seen["data"]["free_bytes"] > 0 and seen["wal"]["ready"] == 0
    assert seen["wal"]["bytes_per_minute"] > 0
    sql(running, "ROLLBACK PREPARED 'held';")
    sql(running, "SELECT pg_drop_replication_slot('pg2');")


@pytest.mark.parametrize(
    "statement",
    ["SELECT pg_backup_start('nightly', true)", "SELECT pg_try_advisory_lock(12340078987004321)"],
)
def test_backups_that_leave_no_trace_of_their_own(running: Server, statement: str) -> None:
    """pg_backup_start's session, and pgBackRest's by its lock; both while the session lives."""
    if int(running.layout.version) < 15:
        statement = statement.replace("pg_backup_start", "pg_start_backup")
    argv = [
        str(running.bin / "psql"),
        "-XAtq",
        "-h",
        str(running.layout.socket_dir),
        "-U",
        "postgres",
        "-d",
        "postgres",
    ]
    with subprocess.Popen(
        as_user("postgres", argv), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdin and session.stdout
        session.stdin.write(f"BEGIN;\n{statement};\n")
        session.stdin.flush()
        session.stdout.readline()
        seen = facts(running)["sql"]
        session.stdin.close()
    assert [one["kind"] for one in seen["backups"]] == ["pg_backup_start"]
    assert [one["state"] for one in seen["transactions"]] == ["idle in transaction"]
    assert seen["transactions"][0]["age_s"] >= 0
    assert facts(running)["sql"]["backups"] == []


def test_a_segment_counts_while_it_is_fresh(tmp_path: Path) -> None:
    """Old segments and other files are no WAL of the last minutes."""
    for name, age in (("000000010000000000000001", 10.0), ("000000010000000000000002", 1000.0), ("other", 10.0)):
        path = tmp_path / name
        path.write_bytes(bytes(1000))
        os.utime(path, (5000.0 - age, 5000.0 - age))
    assert wal_rate(tmp_path, now=5000.0, window=300.0) == 200.0
    assert wal_rate(tmp_path / "absent", now=5000.0) is None


def test_the_archive_backlog_is_what_waits(tmp_path: Path) -> None:
    """Done ones do not."""
    (tmp_path / "archive_status").mkdir()
    for name in ("1.ready", "2.ready", "3.done"):
        (tmp_path / "archive_status" / name).touch()
    assert archive_ready(tmp_path) == 2
    assert archive_ready(tmp_path / "absent") is None


REFUSED = """psql: error: connection to server at "pg3" (192.0.2.23), port 5432 failed: FATAL:  password authentication failed for user "replicator"
password retrieved from file "/etc/postgresql/17/main/replication.pgpass"
"""  # noqa: E501 - one line of psql's
LATE = Completed(124, "", "setpriv: no answer within 1 s", timed_out=True)


@pytest.mark.parametrize(
    ("says", "done"),
    [
        ('password authentication failed for user "replicator"', Completed(2, "", REFUSED)),
        ("setpriv: no answer within 1 s", LATE),
        (
            "Connection refused",
            Completed(2, "", 'psql: error: server at "pg3" failed: Connection refused'),
        ),
        ("exit status 2", Completed(2, "", "")),
    ],
)
def test_the_reason_is_the_servers(says: str, done: Completed) -> None:
    """Not psql's remark about the password file that comes last."""
    assert reason_of(done) == says


class Answers:
    """A runner that answers psql by the host in its connection string."""

    def __init__(self, answers: Mapping[str, Completed]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """The answer of that host."""
        text = " ".join(argv)
        self.asked.append(text)
        return next(answer for name, answer in self.answers.items() if f"host={name} " in text)


def test_replication_is_tried_to_every_other_host() -> None:
    """As the standby that this host would be, yet under another name."""
    runner = Answers(
        {
            "pg2": Completed(0, "7001|3|0/5000000|\n", ""),
            "pg3": Completed(2, "", REFUSED),
        }
    )
    hosts = {"pg1": "192.0.2.21", "pg2": "192.0.2.22", "pg3": "192.0.2.23"}
    seen = try_all(runner, Layout("17"), "pg1", hosts, 5432)
    assert set(seen) == {"pg2", "pg3"}
    assert (seen["pg2"]["ok"], seen["pg2"]["system_identifier"], seen["pg2"]["timeline"]) == (True, "7001", 3)
    assert (seen["pg3"]["ok"], seen["pg3"]["error"]) == (False, 'password authentication failed for user "replicator"')
    for text in runner.asked:
        for word in ("hostaddr=192.0.2.2", "sslmode=verify-full", "replication=true", "user=replicator", "passfile="):
            assert word in text
        assert "application_name=pg1" not in text
