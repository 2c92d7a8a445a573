"""A client of the load balancers, for the Molecule scenarios: does one thing for some seconds, prints JSON, ends.

hammer HOST PORT SECONDS   new connections, one after the other: what did each meet, a primary or a standby?
hold HOST PORT SECONDS     one connection, one query after the other: how did it end?
knock HOST PORT SECONDS    a question that Postgres answers before any session: the longest time without an answer.

Reads PGUSER, PGPASSFILE, PGDATABASE and PGSSLMODE as libpq does.
"""

import json
import socket
import struct
import sys
import time

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def connect(host, port):
    import psycopg2

    connection = psycopg2.connect(host=host, port=port, connect_timeout=2)
    connection.autocommit = True
    return connection


def query(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery(), pg_backend_pid(), inet_server_addr()")
        return cursor.fetchone()


def hammer(host, port, end):
    met = {"primary": 0, "standby": 0, "errors": 0, "servers": [], "last_error": ""}
    while time.monotonic() < end:
        try:
            connection = connect(host, port)
            standby, _, server = query(connection)
            connection.close()
            met["standby" if standby else "primary"] += 1
            met["servers"] = sorted({*met["servers"], server})
        except Exception as error:  # whatever a client may meet
            met["errors"] += 1
            met["last_error"] = str(error).strip()
        time.sleep(0.01)
    return met


def hold(host, port, end):
    answers, pids, begin = 0, set(), time.monotonic()
    connection = connect(host, port)
    print("connected", file=sys.stderr, flush=True)
    try:
        while time.monotonic() < end:
            pids.add(query(connection)[1])
            answers += 1
            time.sleep(0.02)
    except Exception as error:
        ended = {"error": str(error).strip(), "ended_after_s": round(time.monotonic() - begin, 2)}
    else:
        ended = {"error": "", "ended_after_s": None}
    return {"answers": answers, "sessions": len(pids), **ended}


def knock(host, port, end):
    answers, longest, last = 0, 0.0, time.monotonic()
    while time.monotonic() < end:
        try:
            with socket.create_connection((host, port), timeout=0.1) as connection:
                connection.settimeout(0.2)
                connection.sendall(SSL_REQUEST)
                answered = connection.recv(1) in (b"S", b"N")
        except OSError:
            answered = False
        if answered:
            now = time.monotonic()
            longest = max(longest, now - last)
            last = now
            answers += 1
        time.sleep(0.01)
    quiet = time.monotonic() - last
    return {"answers": answers, "longest_gap_s": round(longest, 2), "quiet_at_the_end_s": round(quiet, 2)}


if __name__ == "__main__":
    what, host, port, seconds = sys.argv[1:]
    print(
        json.dumps(
            {"hammer": hammer, "hold": hold, "knock": knock}[what](host, int(port), time.monotonic() + float(seconds))
        )
    )
