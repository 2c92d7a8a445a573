# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storm against a real Postgres that is tampered with behind its back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from tests.storm import Storm, StormConfig, StormError, postgres_storm
from tests.unit.storm.cluster import Cluster
from tests.unit.storm.fake import until


def storm_at(cluster: Cluster, tmp_path: Path, response_timeout: float = 120.0, **changes: Any) -> Storm:
    settings: dict[str, Any] = {"writers": 4, "think_time": 0.001, "duration": 600.0, "stop_grace": 60.0}
    settings.update(journal=tmp_path / "storm.jsonl", table=f"orders_{tmp_path.name.lower().replace('-', '_')[:40]}")
    config = StormConfig(**{**settings, **changes})
    return postgres_storm(cluster.dsn, config, connect_timeout=60, response_timeout=response_timeout)


def flows(storm: Storm, more: int = 20) -> None:
    """Wait until ``more`` further orders are acknowledged."""
    goal = storm.snapshot().acknowledged + more
    until(lambda: storm.snapshot().acknowledged >= goal)


def test_rows_removed_and_doubled_behind_its_back_are_found(cluster: Cluster, tmp_path: Path) -> None:
    storm = storm_at(cluster, tmp_path, orders=200)
    with storm:
        assert storm.wait(120)
    names = {"table": storm.config.table, "run": storm.run}
    assert storm.audit().clean
    taken = cluster.sql(
        "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT 3) RETURNING id::text", **names
    )
    into = "INSERT INTO {table} (id, run, writer, sequence) "
    again = "SELECT id, run, writer, sequence FROM {table} ORDER BY id LIMIT 2 RETURNING id::text"
    doubled = cluster.sql(into + again, **names)
    foreign = cluster.sql(into + "VALUES (gen_random_uuid(), '{run}', 0, 0) RETURNING id::text", **names)
    # another run's rows are none of this audit's business
    cluster.sql(into + "VALUES (gen_random_uuid(), gen_random_uuid(), 0, 0)", **names)
    audit = storm.audit()
    assert audit.lost == {row[0] for row in taken}
    assert audit.duplicated == {row[0] for row in doubled}
    assert audit.unexpected == {row[0] for row in foreign}
    assert (len(audit.lost), len(audit.duplicated), len(audit.unexpected)) == (3, 2, 1)
    assert storm.report(audit)["acknowledged"] == 200


def test_writers_survive_a_primary_that_turns_read_only_and_hangs_up(cluster: Cluster, tmp_path: Path) -> None:
    kick = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'order-storm'"
    storm = storm_at(cluster, tmp_path)
    with storm:
        flows(storm)
        try:
            cluster.sql("ALTER DATABASE postgres SET default_transaction_read_only = on", kick)
            until(lambda: storm.snapshot().errors.get("25006", 0) >= 8)
            with pytest.raises(StormError, match="whose rows prove nothing"):
                storm.audit(timeout=0.0)
        finally:
            cluster.sql(
                "SET default_transaction_read_only = off",
                "ALTER DATABASE postgres RESET default_transaction_read_only",
            )
        flows(storm)
    report = storm.report(storm.audit())
    assert report["audit"]["clean"]
    assert report["read_only_errors"] >= 8
    assert report["errors_by_phase"]["insert"] >= 8
    assert report["write_gap_s"] > 0
    assert set(report["errors"]) <= {"25006", "57P01", "ConnectionLost", "ConnectionFailed"}
    assert report["client_errors"] == sum(storm.snapshot().errors.values())


def test_writer_that_gets_no_answer_gives_up_and_comes_back(cluster: Cluster, tmp_path: Path) -> None:
    import psycopg

    storm = storm_at(cluster, tmp_path, response_timeout=0.2)
    with storm:
        flows(storm)
        with psycopg.connect(cluster.dsn) as holder:
            holder.execute(f"LOCK TABLE {storm.config.table} IN ACCESS EXCLUSIVE MODE".encode())
            until(lambda: storm.snapshot().errors.get("ResponseTimeout", 0) >= 4)
        flows(storm)
    report = storm.report(storm.audit())
    assert report["audit"]["clean"]
    assert report["errors_by_phase"]["insert"] >= 4
    assert report["failed"] >= 4
    assert report["audit"]["failed_committed"] == 0


@pytest.fixture
def no_standby(cluster: Cluster) -> Any:
    """Every commit waits for a synchronous standby that does not exist."""
    yield lambda: cluster.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
    cluster.sql("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")


WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'order-storm'"


def test_commit_whose_replication_was_given_up_is_in_doubt(cluster: Cluster, tmp_path: Path, no_standby: Any) -> None:
    storm = storm_at(cluster, tmp_path)
    with storm:
        flows(storm)
        no_standby()
        until(lambda: cluster.sql(f"SELECT count(*) {WAITING}") == [(4,)])
        cluster.sql(f"SELECT pg_cancel_backend(pid) {WAITING}")
        until(lambda: storm.snapshot().errors.get("CommitNotReplicated", 0) >= 4)
        cluster.sql("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        flows(storm)
    report = storm.report(storm.audit())
    assert report["audit"]["clean"]
    assert report["in_doubt"] == report["errors"]["CommitNotReplicated"] == report["audit"]["in_doubt_committed"]
    assert "canceling wait for synchronous replication" in report["error_samples"]["CommitNotReplicated"]


def test_commits_still_open_at_the_stop_are_in_doubt(cluster: Cluster, tmp_path: Path, no_standby: Any) -> None:
    storm = storm_at(cluster, tmp_path, stop_grace=0.0)
    with storm:
        flows(storm)
        no_standby()
        until(lambda: cluster.sql(f"SELECT count(*) {WAITING}") == [(4,)])
    report = storm.report(storm.audit())
    assert report["audit"]["clean"]
    assert (report["in_doubt"], report["abandoned_at_stop"], report["client_errors"]) == (4, 4, 0)


def test_rows_go_and_the_table_with_them_unless_another_run_uses_it(cluster: Cluster, tmp_path: Path) -> None:
    storm = storm_at(cluster, tmp_path, orders=10)
    table = storm.config.table
    with storm:
        assert storm.wait(120)
    one = "INSERT INTO {table} (id, run, writer, sequence) VALUES (gen_random_uuid(), gen_random_uuid(), 0, 0)"
    cluster.sql(one, table=table)
    storm.remove_rows()
    assert cluster.sql("SELECT count(*) FROM {table}", table=table) == [(1,)]
    cluster.sql("DELETE FROM {table}", table=table)
    storm.remove_rows()
    assert cluster.sql(f"SELECT to_regclass('{table}')") == [(None,)]
    with pytest.raises(StormError, match="another database, or all is lost"):
        storm.audit(timeout=60)


def test_role_that_may_not_create_tables_is_refused_at_once(cluster: Cluster, tmp_path: Path) -> None:
    cluster.sql("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    config = StormConfig(journal=tmp_path / "j.jsonl", table="guest_orders", prepare_timeout=3600)
    with pytest.raises(StormError, match=r"table guest_orders cannot be created at .* user=guest: 42501: permission"):
        postgres_storm(f"host={cluster.home} user=guest dbname=postgres", config).start()
