"""Figures of backups: what one costs the load, how fast its files come back, how long a drill takes by size.

The database is filled with rows that compress about as well as text does, up to BENCH_MB of the environment (1000) and
for `drill` up to 4000. A size is that of the data directory. Larger ones want larger disks: HA_LAB_DISK_MIB.
"""

from __future__ import annotations

import json
import os
import statistics
import time

from tests.bench.commands import ARTIFACTS, FOLDER, BenchFailed, Figures, primary, timed
from tests.lab.estate import DATABASE_HOSTS, Lab
from tests.lab.shell import on_host
from tests.storm.process import StormProcess, wait_for_writes

MB = 1 << 20
RESTORE_MB = int(os.environ.get("BENCH_MB", "1000"))
DRILL_MB = (100, 1000, 4000)
SCRATCH = "/var/lib/postgresql/bench"
DIRECTORY = "/var/lib/postgresql/17/main"
STANZA = "orders"
SECONDS = 20.0


def ask(host: str, *sql: str) -> str:
    """What the server of a host answers in the application's database, asked by its superuser."""
    statements = [word for one in sql for word in ("-c", one)]
    argv = ("runuser", "-u", "postgres", "--", "psql", "-XAtq", *statements, "app")
    return on_host(Lab(), host, *argv, timeout=900)


def size(host: str, directory: str = DIRECTORY) -> int:
    """Bytes of a data directory without its WAL."""
    out = on_host(Lab(), host, "du", "-sb", "--exclude=pg_wal", directory, timeout=60)
    return int(out.split()[0])


def fill(megabytes: int) -> None:
    """Add rows until the data directory of the primary has that many MiB; does nothing when it has."""
    host = primary()
    ask(host, "CREATE TABLE IF NOT EXISTS bench_fill (id bigint GENERATED ALWAYS AS IDENTITY, words text)")
    while (missing := megabytes * MB - size(host)) > 2 * MB:
        rows = max(1000, min(missing, 250 * MB) // 1130)
        ask(
            host,
            "SET synchronous_commit = local",
            "INSERT INTO bench_fill (words) SELECT string_agg(md5(n::text || m), ' ') || repeat(' order', 70) "  # noqa: S608
            f"FROM generate_series(1, {rows}) n, generate_series(1, 20) m GROUP BY n",
            "CHECKPOINT",
        )
    caught_up(host)


def caught_up(host: str) -> None:
    """Wait until every standby has replayed all and the archive has all: what follows must not pay for the filling."""
    # Without a write there would be no switch.
    segment = ask(host, "SELECT pg_walfile_name(pg_logical_emit_message(true, 'bench', 'a write'))")
    ask(host, "SELECT pg_switch_wal()")
    for _second in range(300):
        lag = ask(host, "SELECT coalesce(max(pg_current_wal_lsn() - replay_lsn), 0) < 65536 FROM pg_stat_replication")
        archived = ask(host, f"SELECT coalesce(last_archived_wal >= '{segment}', false) FROM pg_stat_archiver")  # noqa: S608 own numbers
        if (lag, archived) == ("t", "t"):
            return
        time.sleep(1)
    raise BenchFailed(f"{host}: standbys or archive have not caught up after 300 s")


def backup() -> Figures:
    """Orders a second before and while a full backup is taken, in the same storm."""
    fill(RESTORE_MB)
    storm = StormProcess(Lab().dsn(5000), FOLDER, 600)
    try:
        wait_for_writes(storm, 0, 30)
        time.sleep(3)
        before = pace(storm, SECONDS)
        began, orders = time.monotonic(), storm.acknowledged()
        timed("backup", "-e", "backup_type=full")
        seconds = time.monotonic() - began
        during = (storm.acknowledged() - orders) / seconds
        after = pace(storm, SECONDS)
    finally:
        report = storm.stop()
    # The machine is not the same from one minute to the next: the pace without a backup is that of both sides.
    usual = statistics.mean((before, after))
    return {
        "command (s)": [seconds],
        "orders a second without (1/s)": [usual],
        "orders a second meanwhile (1/s)": [during],
        "cost (%)": [100 * (1 - during / usual)],
        "client errors": [report["client_errors"]],
    }


def pace(storm: StormProcess, seconds: float) -> float:
    """Orders a second over some seconds."""
    began, orders = time.monotonic(), storm.acknowledged()
    time.sleep(seconds)
    return (storm.acknowledged() - orders) / (time.monotonic() - began)


def seconds_of(host: str, *argv: str) -> float:
    """Seconds that a command of the server's user takes on a host, until what it wrote is on the disk."""
    began = time.monotonic()
    on_host(Lab(), host, "runuser", "-u", "postgres", "--", *argv, timeout=900)
    on_host(Lab(), host, "sync", "-f", "/var/lib/postgresql", timeout=300)
    return time.monotonic() - began


def restored(host: str, *options: str) -> float:
    """Seconds of `pgbackrest restore` into the scratch directory."""
    return seconds_of(
        host, "pgbackrest", f"--stanza={STANZA}", f"--pg1-path={SCRATCH}", "--archive-mode=off", *options, "restore"
    )


def emptied(host: str, *directories: str) -> None:
    """Take scratch directories away and make the first one again."""
    on_host(Lab(), host, "rm", "-rf", *directories, timeout=120)
    on_host(Lab(), host, "install", "-d", "-o", "postgres", "-g", "postgres", "-m", "0700", directories[0])


def restore() -> Figures:
    """Onto a standby's disk, beside its server: a full backup, and the same files by `cp`; then an incremental one,
    onto the files of the full one and onto an empty disk."""
    fill(RESTORE_MB)
    source = primary()
    host = next(name for name in DATABASE_HOSTS if name != source)
    copy = f"{SCRATCH}-copy"
    try:
        timed("backup", "-e", "backup_type=full")
        emptied(host, SCRATCH, copy)
        full = restored(host)
        megabytes = size(host, SCRATCH) / MB
        copied = seconds_of(host, "cp", "-a", SCRATCH, copy)
        emptied(host, copy)
        rows = int(ask(source, "SELECT count(*) / 100 FROM bench_fill"))
        ask(
            source,
            f"UPDATE bench_fill SET words = reverse(words) WHERE id <= (SELECT min(id) + {rows} FROM bench_fill)",  # noqa: S608 own numbers
        )
        caught_up(source)
        timed("backup", "-e", "backup_type=incr")
        delta = restored(host, "--delta")
        emptied(host, SCRATCH)
        anew = restored(host)
    finally:
        on_host(Lab(), host, "rm", "-rf", SCRATCH, copy, timeout=120)
    return {
        "size (MiB)": [megabytes],
        "all files (MiB/s)": [megabytes / full],
        "cp (MiB/s)": [megabytes / copied],
        "of cp's pace (%)": [100 * copied / full],
        "all files (s)": [full],
        "all files of the increment (s)": [anew],
        "what has changed (s)": [delta],
        "how many times faster": [anew / delta],
    }


def drill() -> Figures:
    """The whole command for each size, smallest first, and the seconds that each further GiB costs."""
    figures: Figures = {}
    points: list[tuple[float, float]] = []
    ask(primary(), "DROP TABLE IF EXISTS bench_fill")
    for megabytes in DRILL_MB:
        fill(megabytes)
        timed("backup", "-e", "backup_type=full")
        seconds = timed("restore_drill", limit=1800)
        newest = max((ARTIFACTS / STANZA).glob("*-restore_drill.json"), key=os.path.getmtime)
        record = json.loads(newest.read_text())
        points.append((size(primary()) / MB / 1024, seconds))
        figures[f"{megabytes} MiB: command (s)"] = [seconds]
        figures[f"{megabytes} MiB: until queries (s)"] = [float(record["evidence"]["drill"]["rto_s"])]
    slope = statistics.linear_regression([at for at, _ in points], [seconds for _, seconds in points]).slope
    return {**figures, "each further GiB (s)": [slope]}
