"""A client of the pools, driven by libpq's environment. Says one line of JSON.

The driver prepares statements by itself; without CLIENT_PREPARES it does not, for PgBouncer before 1.21.

once              write a row and read it back
login             only connect
prepared          prepare statements at protocol level and run them on more than one server connection
write SECONDS     write through one connection, one row after the other
linger SECONDS    keep a transaction open, then commit it
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import psycopg

TABLE = "CREATE TABLE IF NOT EXISTS pooler_rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text)"
INSERT = "INSERT INTO pooler_rows (what) VALUES (%s) RETURNING id"


THRESHOLD = 5 if os.environ.get("CLIENT_PREPARES") else None


def once() -> dict[str, Any]:
    """Read-only where the server is a standby."""
    with psycopg.connect("", autocommit=True) as connection:
        row = connection.execute("SELECT pg_is_in_recovery(), host(inet_server_addr())").fetchone()
        assert row
        written = None
        if not row[0]:
            connection.execute(TABLE)
            written = connection.execute(INSERT, ("once",)).fetchone()
            found = connection.execute("SELECT count(*) FROM pooler_rows WHERE id = %s", written).fetchone()
            assert found == (1,)
        return {"standby": row[0], "server": row[1], "written": bool(written), "tls": connection.pgconn.ssl_in_use}


def login() -> dict[str, Any]:
    """The server's words when it refuses."""
    try:
        psycopg.connect("").close()
    except psycopg.OperationalError as error:
        return {"error": str(error)}
    return {"error": None}


def prepared() -> dict[str, Any]:
    """Two clients take turns at holding the server connection that the other one prepared its statement on."""
    backends = set()
    with psycopg.connect("") as first, psycopg.connect("") as second:
        for one in (first, second):
            one.prepare_threshold = 0
        for turn in range(20):
            holder, other = (first, second) if turn % 2 else (second, first)
            holder.execute("SELECT 1")
            for connection in (other, holder):
                row = connection.execute("SELECT pg_backend_pid(), %s::int + 1", (turn,)).fetchone()
                assert row and row[1] == turn + 1
                backends.add(row[0])
            other.commit()
            holder.commit()
    return {"backends": len(backends)}


def write(seconds: float) -> dict[str, Any]:
    """One connection from the first row to the last: an error would end it."""
    rows, longest = 0, 0.0
    with psycopg.connect("", autocommit=True) as connection:
        connection.prepare_threshold = THRESHOLD
        connection.execute(TABLE)
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            asked = time.monotonic()
            connection.execute(INSERT, ("write",))
            rows, longest = rows + 1, max(longest, time.monotonic() - asked)
            time.sleep(0.02)
    return {"rows": rows, "longest_s": longest}


def linger(seconds: float) -> dict[str, Any]:
    """Commits what it began before the pause was tried."""
    with psycopg.connect("", application_name="nightly") as connection:
        connection.execute("SELECT 1")
        time.sleep(seconds)
        written = connection.execute(INSERT, ("linger",)).fetchone()
    return {"written": bool(written)}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print(json.dumps(globals()[what](*map(float, arguments))))
