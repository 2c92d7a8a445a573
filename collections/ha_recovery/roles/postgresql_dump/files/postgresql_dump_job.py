# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backup host does by the clock about logical dumps of Postgres.

dump [DATABASE ...]   dump each database and the roles, see that each can be read back, remove what is too old
freshness             how old the newest dump of each is; status 1 when one is too old

A dump is written under a name that begins with a dot. Only when pg_restore has listed it, and read all of it, does it
get its own name: a half dump never counts. Each command leaves its figures for Prometheus. The program lies beside the
modules that it shares with the collection, as one folder that Python runs, and runs as the user postgresql_dump.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dumps
import textfile

LOCK_WAIT_S = 6 * 3600.0
ASK_S = 20.0
LIST_S = 600.0

HELP = {
    "postgresql_dump_last_run_good": "1 when the last dump of the database succeeded.",
    "postgresql_dump_last_run_seconds": "How long it took.",
    "postgresql_dump_last_run_bytes": "Size of the last good dump.",
    "postgresql_dump_tables": "Tables in the last good dump.",
    "postgresql_dump_from_standby": "1 when it was taken from a standby.",
    "postgresql_dump_dumps": "Dumps that are kept.",
    "postgresql_dump_age_seconds": "Seconds since the newest dump was begun.",
    "postgresql_dump_stale": "1 when there is no dump within the allowed time.",
}


class DumpFailed(Exception):
    """A step did not work; the message has the program's own reason."""


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """In one line, what the program complained of."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if "error:" in line or "FATAL" in line), 0)
    return " ".join(lines[first : first + 3]) or f"exit status {done.returncode}"


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size


def sync(path: Path) -> None:
    """The folder's entries survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Job:
    """One run. ``settings``: the role's job.json."""

    def __init__(self, settings: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self.settings = settings
        self.place = Path(settings["directory"])
        self.state = Path(settings["state"])
        self.say = say
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"), key=lambda one: int(one.parts[-3]))
        self.programs = found[-1].parent if found else Path("/usr/bin")

    def run(self, name: str, *words: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """A program of Postgres. The password comes from a file that only this user can read."""
        environment = {**os.environ, "LC_ALL": "C", "PGPASSFILE": str(self.settings["passfile"])}
        argv = [str(self.programs / name), *words]
        try:
            return subprocess.run(
                argv, check=False, capture_output=True, text=True, errors="replace", timeout=timeout, env=environment
            )
        except subprocess.TimeoutExpired:
            raise DumpFailed(f"{name}: no answer within {timeout:g} s") from None

    def connection(self, host: str, database: str) -> str:
        """Over TLS, and only to a server whose certificate the cluster's authority has signed for this address."""
        return dumps.conninfo({
            "host": self.settings["hosts"][host], "port": str(self.settings["port"]), "dbname": database,
            "user": str(self.settings["user"]), "sslmode": "verify-full", "sslrootcert": str(self.settings["ca"]),
            "connect_timeout": "5", "application_name": "postgresql_dump", "options": "-c statement_timeout=0",
        })  # fmt: skip

    def ask(self, host: str, query: str, database: str = "postgres") -> list[list[str]]:
        """Rows of words. Raises DumpFailed."""
        words = ["--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--field-separator=\t"]
        done = self.run("psql", *words, "--dbname", self.connection(host, database), "--command", query, timeout=ASK_S)
        if done.returncode != 0:
            raise DumpFailed(reason(done))
        return [line.split("\t") for line in done.stdout.splitlines() if line]

    def answer(self, host: str) -> dumps.Answer:
        """Which part the host has, as it says itself."""
        query = "SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_wal_receiver)"
        try:
            rows = self.ask(host, query)
            return dumps.Answer(host, rows[0][0] == "t", rows[0][1] == "t")
        except (DumpFailed, IndexError) as problem:
            return dumps.Answer(host, None, False, str(problem))

    def alone(self) -> int:
        """Wait until no other job runs; the lock goes with the process. Raises TimeoutError."""
        handle = os.open(self.state / "job.lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"another job still runs after {LOCK_WAIT_S / 3600:g} h") from None
                time.sleep(1)

    def databases(self, hosts: Sequence[str]) -> list[str]:
        """Those that the role was told, or all that can be connected to. Raises DumpFailed."""
        told = [str(one) for one in self.settings["databases"]]
        query = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname"
        return told or [row[0] for row in self.ask(hosts[-1], query)]

    def dump(self, wanted: Sequence[str]) -> int:
        """Everything that is asked for; one that fails does not keep the others from their turn."""
        self.alone()
        answers = [self.answer(host) for host in self.settings["hosts"]]
        hosts = dumps.sources(answers, bool(self.settings["from_standby"]))
        standbys = {one.host for one in answers if one.standby}
        failed = []
        todo = list(wanted) or [*self.databases(hosts), dumps.GLOBALS]
        if not wanted:
            self.forget_others(todo)
        for database in todo:
            began = time.time()
            try:
                noted = self.one(database, hosts, standbys, began)
            except (DumpFailed, OSError) as problem:
                failed.append(database)
                self.say(f"{database}: {problem}")
                self.note(database, {"problem": str(problem)})
            else:
                self.note(database, {**noted, "problem": ""})
                self.say(f"{database}: {noted['name']}, {noted['tables']} tables, {noted['bytes']} bytes, "
                         f"{noted['seconds']:.1f} s, from {noted['host']}")  # fmt: skip
        self.freshness()
        return 1 if failed else 0

    def one(self, database: str, hosts: Sequence[str], standbys: set[str], began: float) -> dict[str, Any]:
        """One database, or the roles, from the first host that lets it be done. Raises DumpFailed, OSError."""
        folder = self.place / dumps.folder_of(database)
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob(".*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        name = dumps.name_of(began) + (".sql" if database == dumps.GLOBALS else "")
        half = folder / f".{name}.half"
        problem = ""
        for host in hosts:
            done = self.take(database, host, half)
            if done.returncode == 0:
                break
            problem = f"{host}: {reason(done)}"
            why = "replay on the standby had to go on" if dumps.cancelled(done.stderr) else reason(done)
            self.say(f"{database}: not from {host}: {why}")
            shutil.rmtree(half) if half.is_dir() else half.unlink(missing_ok=True)
        else:
            raise DumpFailed(problem)
        listed = self.read_back(database, half)
        noted = {"name": name, "host": host, "standby": host in standbys, "tables": listed.tables, "data": listed.data,
                 "bytes": size_of(half), "seconds": round(time.time() - began, 3)}  # fmt: skip
        half.rename(folder / name)
        sync(folder)
        keep = self.settings["keep_count"], self.settings["keep_days"]
        for old in dumps.removable([each.name for each in folder.iterdir()], time.time(), *keep):
            # Out of the count first: a removal that is cut off leaves no half dump that counts.
            gone = (folder / old).rename(folder / f".{old}.old")
            shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        return noted

    def take(self, database: str, host: str, half: Path) -> subprocess.CompletedProcess[str]:
        """pg_dump writes and syncs the files itself; it waits for a lock that somebody holds only so long."""
        limit = float(self.settings["timeout_s"])
        if database == dumps.GLOBALS:
            words = [
                "--globals-only",
                "--no-password",
                "--dbname",
                self.connection(host, "postgres"),
                "--file",
                str(half),
            ]
            return self.run("pg_dumpall", *words, timeout=limit)
        compress = self.settings["compress"]
        return self.run(
            "pg_dump", "--format=directory", f"--jobs={self.settings['jobs']}", f"--compress={compress}",
            f"--lock-wait-timeout={int(self.settings['lock_wait_s']) * 1000}", "--no-password", "--file", str(half),
            "--dbname", self.connection(host, database), timeout=limit,
        )  # fmt: skip

    def read_back(self, database: str, half: Path) -> dumps.Listed:
        """Its table of contents, and then every byte of it. Raises DumpFailed."""
        if database == dumps.GLOBALS:
            half.chmod(0o600)
            end = half.read_text(encoding="utf-8", errors="replace")[-400:]
            if "PostgreSQL database cluster dump complete" not in end:
                raise DumpFailed("the dump of the roles has no end")
            return dumps.Listed(0, 0)
        done = self.run("pg_restore", "--list", str(half), timeout=LIST_S)
        if done.returncode == 0:
            listed = dumps.parse_list(done.stdout)
            done = self.run("pg_restore", "--file=/dev/null", str(half), timeout=float(self.settings["timeout_s"]))
        if done.returncode != 0:
            raise DumpFailed(f"the dump cannot be read back: {reason(done)}")
        return listed

    def note(self, database: str, found: Mapping[str, Any]) -> None:
        """How the last run ended, beside what is known of the last good one."""
        notes = self.notes()
        notes[database] = {**notes.get(database, {}), **found}
        textfile.replace_text(self.state / "dumps.json", json.dumps(notes, indent=2, sort_keys=True) + "\n")

    def forget_others(self, todo: Sequence[str]) -> None:
        """A database that is not there any more is not missed; what was dumped of it stays."""
        notes = {name: one for name, one in self.notes().items() if name in todo}
        textfile.replace_text(self.state / "dumps.json", json.dumps(notes, indent=2, sort_keys=True) + "\n")

    def notes(self) -> dict[str, dict[str, Any]]:
        """Database to how its last run ended."""
        try:
            found = json.loads((self.state / "dumps.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def freshness(self) -> int:
        """The figures; status 1 when a dump is too old, or there is none."""
        limit, now = float(self.settings["max_age_s"]), time.time()
        notes = self.notes()
        rows: list[textfile.Row] = []
        stale = []
        for database in sorted({*notes, dumps.GLOBALS, *(str(one) for one in self.settings["databases"])}):
            folder = self.place / dumps.folder_of(database)
            names = [one.name for one in folder.iterdir()] if folder.exists() else []
            age, noted, labels = dumps.age_s(names, now), notes.get(database, {}), {"database": database}
            old = age is None or age > limit
            stale += [database] if old else []
            rows.append(("postgresql_dump_dumps", labels, len(dumps.whole(names))))
            rows.append(("postgresql_dump_stale", labels, int(old)))
            rows += [("postgresql_dump_age_seconds", labels, round(age))] if age is not None else []
            if noted:
                rows.append(("postgresql_dump_last_run_good", labels, int(not noted["problem"])))
            if "name" in noted:
                rows.append(("postgresql_dump_last_run_seconds", labels, noted["seconds"]))
                rows.append(("postgresql_dump_last_run_bytes", labels, noted["bytes"]))
                rows.append(("postgresql_dump_tables", labels, noted["tables"]))
                rows.append(("postgresql_dump_from_standby", labels, int(noted["standby"])))
        textfile.replace_text(Path(self.settings["metrics"]), textfile.render(HELP, rows))
        if stale:
            self.say(f"no good dump within {limit / 3600:g} h: {', '.join(stale)}")
        return 1 if stale else 0


def main(arguments: Sequence[str], settings: str = "/etc/postgresql_dump/job.json") -> int:
    """A message for the journal and status 1 when it cannot be done."""
    parser = argparse.ArgumentParser(prog="postgresql_dump_job", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=["dump", "freshness"])
    parser.add_argument("databases", nargs="*", help="these only, and not the roles")
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(f"postgresql_dump_job {options.command}: {text}", file=sys.stderr, flush=True)

    try:
        job = Job(json.loads(Path(settings).read_text(encoding="utf-8")), say)
        return job.dump(options.databases) if options.command == "dump" else job.freshness()
    except (OSError, ValueError, DumpFailed) as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
