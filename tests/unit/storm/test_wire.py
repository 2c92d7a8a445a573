# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that do not answer as they should."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from tests.storm.model import STOPPED, DatabaseError, StormError
from tests.storm.postgres import PostgresDatabase
from tests.unit.storm.cluster import Cluster
from tests.unit.storm.fake import until


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def database(dsn: str, connect_timeout: float = 0.05, response_timeout: float = 60.0) -> PostgresDatabase:
    return PostgresDatabase(dsn, run="r", connect_timeout=connect_timeout, response_timeout=response_timeout)


def failure(target: PostgresDatabase) -> DatabaseError:
    with pytest.raises(DatabaseError) as raised:
        target.connect()
    return raised.value


def test_silent_server_costs_the_connect_timeout_and_no_more(silent: int) -> None:
    error = failure(database(f"host=127.0.0.1 port={silent}"))
    assert (error.error_class, str(error)) == ("ConnectionTimeout", "no session within 0.05 s")


def test_connect_timeout_of_the_dsn_holds_where_none_is_given(silent: int) -> None:
    error = failure(PostgresDatabase(f"host=127.0.0.1 port={silent} connect_timeout=0.125", run="r"))
    assert str(error) == "no session within 0.125 s"


def test_refused_connection(closed: int) -> None:
    error = failure(database(f"host=127.0.0.1 port={closed}", connect_timeout=60))
    assert error.error_class == "ConnectionFailed"
    assert "Connection refused" in str(error)
    assert "\n" not in str(error)


def test_server_that_is_no_postgres(closed: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            client.close()

        thread = threading.Thread(target=answer)
        thread.start()
        error = failure(database(f"host=127.0.0.1 port={server.getsockname()[1]} sslmode=disable", connect_timeout=60))
        thread.join()
    assert error.error_class == "ConnectionFailed"


def test_stop_ends_a_connect_that_hangs(silent: int) -> None:
    target = database(f"host=127.0.0.1,127.0.0.1 port={silent},{silent}", connect_timeout=3600)
    target.abort()
    assert failure(target).error_class == STOPPED


def test_unreachable_database_is_named_without_its_password(closed: int) -> None:
    target = database(f"host=127.0.0.1 port={closed} user=u password=hunter2 dbname=d")
    with pytest.raises(StormError) as refusal:
        target.prepare(0.0)
    assert f"at host=127.0.0.1 port={closed} dbname=d user=u after 0 s of trying: ConnectionFailed" in str(
        refusal.value
    )
    assert "hunter2" not in str(refusal.value)


def test_dead_hosts_of_a_list_are_passed_over(cluster: Cluster, silent: int, closed: int) -> None:
    hosts = f"host=127.0.0.1,127.0.0.1,{cluster.home} port={silent},{closed},5432"
    target = database(f"{hosts} user=postgres dbname=postgres", connect_timeout=0.2)

    def reached() -> bool:
        try:
            target.connect().close()
        except DatabaseError:
            return False  # on a very busy machine even the live host may take longer than the timeout
        return True

    until(reached)


def test_wrong_answers_are_named_by_their_sqlstate(cluster: Cluster) -> None:
    session = database(cluster.dsn, connect_timeout=60).connect()
    with pytest.raises(DatabaseError, match="does not exist") as raised:
        session.execute("SELECT 1 FROM no_such_table")
    assert raised.value.error_class == "42P01"
    session.close()


def test_server_that_hangs_up_says_why(cluster: Cluster) -> None:
    session = database(cluster.dsn, connect_timeout=60).connect()
    [(pid,)] = session.rows("SELECT pg_backend_pid()")
    cluster.sql(f"SELECT pg_terminate_backend({pid}, 60000)")
    with pytest.raises(DatabaseError, match="terminating connection") as raised:
        session.begin()
    assert raised.value.error_class == "57P01"
    session.close()


def test_answer_that_never_comes(cluster: Cluster) -> None:
    session = database(cluster.dsn, connect_timeout=60, response_timeout=0.05).connect()
    with pytest.raises(DatabaseError, match=r"no answer within 0\.05 s") as raised:
        session.execute("SELECT pg_sleep(3600)")
    assert raised.value.error_class == "ResponseTimeout"
    session.close()


def test_stop_ends_a_wait_for_an_answer(cluster: Cluster) -> None:
    target = database(cluster.dsn, connect_timeout=60, response_timeout=3600)
    session = target.connect()
    raised: list[DatabaseError] = []

    def wait() -> None:
        try:
            session.execute("SELECT pg_sleep(3600)")
        except DatabaseError as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: bool(cluster.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")))
    target.abort()
    waiting.join()
    session.close()
    assert [error.error_class for error in raised] == [STOPPED]


def test_commit_that_was_a_rollback_is_no_acknowledgement(cluster: Cluster) -> None:
    target = database(cluster.dsn, connect_timeout=60)
    session = target.connect()
    session.begin()
    session._pgconn.exec_(b"fail and leave the transaction aborted")
    with pytest.raises(DatabaseError, match="COMMIT was answered with ROLLBACK") as raised:
        session.commit()
    assert raised.value.error_class == "CommitRefused"
    session.close()
