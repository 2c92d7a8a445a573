# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch instance on this host: restored, recovered, asked, stopped, and removed without a trace.

It runs as the user postgres, below a folder of its own. What an earlier run left behind is removed first.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import recovered
import scratch

MAIN_CONFIG = "/etc/pgbackrest/pgbackrest.conf"
ASK_S = 30.0
# Database names and rows come back with a separator that no name has.
FIELD = "\x1f"


class ScratchFailed(Exception):
    """It did not work. The message names what failed, in the words of what failed."""


class Instance:
    """One scratch instance. ``deadline``: time.monotonic() at which everything ends."""

    def __init__(
        self,
        place: scratch.Place,
        stanza: str,
        version: str,
        *,
        deadline: float,
        say: Callable[[str, float | None], None],
        settings: Mapping[str, Any] | None = None,
        processes: int = 1,
    ) -> None:
        wrong = scratch.mistakes(place.root, place.socket)
        if wrong:
            raise ScratchFailed("; ".join(wrong))
        self.place, self.stanza, self.deadline, self.say = place, stanza, deadline, say
        self.binaries = Path(f"/usr/lib/postgresql/{version}/bin")
        self.settings, self.processes = dict(settings or {}), processes
        self.server: subprocess.Popen[bytes] | None = None
        self.controldata = ""

    def left(self, most: float | None = None) -> float:
        """Seconds that a command may take. Raises ScratchFailed when time is up."""
        rest = self.deadline - time.monotonic()
        if rest <= 0:
            raise ScratchFailed("the time limit is over")
        return rest if most is None else min(rest, most)

    def run(self, *argv: str, timeout: float | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
        """One command, with an end."""
        try:
            return subprocess.run(
                argv, check=False, capture_output=True, text=True, errors="replace", timeout=self.left(timeout),
                input=text,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ScratchFailed(f"{Path(argv[0]).name} did not end in time") from None
        except OSError as error:
            raise ScratchFailed(f"{argv[0]}: {error.strerror}") from None

    def check_room(self, database_bytes: int) -> None:
        """Raises ScratchFailed when the file system is too full, before anything is touched."""
        there = Path(self.place.root)
        while not there.exists():
            there = there.parent
        why = scratch.no_room(database_bytes, shutil.disk_usage(there).free, str(there))
        if why:
            raise ScratchFailed(why)
        if not (self.binaries / "postgres").exists():
            raise ScratchFailed(
                f"{self.binaries} is not there; expected the package postgresql of the cluster's version"
            )

    def clear(self) -> bool:
        """Stop and remove what is there, of this run or an earlier one. True when there was something."""
        root, socket = Path(self.place.root), Path(self.place.socket)
        there = root.exists() or socket.exists()
        self._end_server()
        for path in (root, socket):
            for _try in range(3):
                shutil.rmtree(path, ignore_errors=True)
        if root.exists() or socket.exists():
            raise ScratchFailed(f"{root} or {socket} cannot be removed")
        return there

    def _owner(self) -> int | None:
        """The server's process id, if it is one of this instance."""
        try:
            pid = int(Path(self.place.data, "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            return None
        ours = f"config_file={self.place.file('postgresql.conf')}".encode()
        return pid if ours in words else None

    def _end_server(self) -> None:
        """Not kindly: nothing of it is kept."""
        for kind in (signal.SIGQUIT, signal.SIGKILL):
            pid = self._owner() or (self.server.pid if self.server and self.server.poll() is None else None)
            if pid is None:
                break
            with suppress(ProcessLookupError):
                os.kill(pid, kind)
            end = time.monotonic() + 10
            while time.monotonic() < end and Path(f"/proc/{pid}").exists():
                if self.server:
                    self.server.poll()
                time.sleep(0.05)
        self.server = None

    def restore(self, aim: scratch.Aim, databases: Sequence[str] = ()) -> None:
        """Copy the backup into place, showing how far it is."""
        place = self.place
        Path(place.root).parent.mkdir(parents=True, exist_ok=True)
        for path in (place.root, place.data, place.file("tablespaces"), place.file("lock"), place.socket):
            Path(path).mkdir(mode=0o700, exist_ok=True)
        original = Path(MAIN_CONFIG).read_text(encoding="utf-8")
        config = scratch.repository_config(original, place, self.stanza, self.processes)
        self._write("pgbackrest.conf", config)
        argv = scratch.restore_argv(place, self.stanza, aim, databases)
        with Path(place.file("restore.log")).open("w+", encoding="utf-8", errors="replace") as log:
            with subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as process:
                try:
                    self._follow(process, Path(place.file("restore.log")))
                finally:
                    if process.poll() is None:
                        process.kill()
            log.seek(0)
            text = log.read()
        if process.returncode != 0:
            said = [line.partition("ERROR:")[2].strip() for line in text.splitlines() if "ERROR:" in line]
            raise ScratchFailed(f"the restore failed: {'; '.join(said) or f'status {process.returncode}'}")

    def _follow(self, process: subprocess.Popen[bytes], log: Path) -> None:
        told = -1.0
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(1.0, self.left()))
            with log.open("rb") as tail:
                tail.seek(max(0, log.stat().st_size - 4096))
                lines = tail.read().decode(errors="replace").splitlines()
            found = [one for one in map(scratch.percent, lines) if one is not None]
            if found and found[-1] != told:
                told = found[-1]
                self.say("copying the backup", told)
            if process.poll() is not None:
                return

    def _write(self, name: str, text: str) -> None:
        path = Path(self.place.file(name))
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)

    def configure(self, aim: scratch.Aim, *, alone: bool = True) -> None:
        """Its own settings instead of the original's, and where recovery ends. ``alone``: out of one repository."""
        done = self.run(str(self.binaries / "pg_controldata"), "-D", self.place.data, timeout=ASK_S)
        try:
            required = scratch.learned(done.stdout)
        except ValueError as error:
            raise ScratchFailed(str(error)) from None
        self.controldata = done.stdout
        data = Path(self.place.data)
        self._write("postgresql.conf", scratch.server_config(self.place, required, self.settings))
        self._write("pg_hba.conf", scratch.access_config())
        self._write("pg_ident.conf", "")
        for name in ("standby.signal", "postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
            (data / name).unlink(missing_ok=True)
        self._write("data/postgresql.auto.conf", scratch.recovery_config(self.place, self.stanza, aim, alone=alone))
        self._write("data/recovery.signal", "")

    def start(self) -> None:
        """Return when recovery is over and it takes queries. Raises ScratchFailed in the server's words."""
        config = f"config_file={self.place.file('postgresql.conf')}"
        with Path(self.place.log).open("ab") as log:
            self.server = subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", self.place.data, "-c", config],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.place.root,
            )  # fmt: skip
        pause = 0.05
        while True:
            if self.server.poll() is not None:
                said = recovered.complaints(self.log())
                raise ScratchFailed(f"recovery failed: {said[-1] if said else 'see the log'}")
            done = self.run(*self.psql("template1"), text="SELECT pg_is_in_recovery()", timeout=ASK_S)
            if done.returncode == 0 and done.stdout.strip() == "f":
                return
            self.say(f"replaying WAL{self._at()}", None)
            time.sleep(min(pause, self.left()))
            pause = min(1.0, pause * 1.3)

    def _at(self) -> str:
        """What the startup process says that it is at: `` 000000010000000000000005``."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                about = path.with_name("stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                if self.server and words.startswith("postgres: startup") and int(about[1]) == self.server.pid:
                    return f" {words.rpartition(' ')[2]}" if "recovering" in words else ""
        return ""

    def log(self) -> str:
        """What the server said."""
        try:
            return Path(self.place.log).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def connection(self) -> list[str]:
        """Options of the client programs."""
        return ["-h", self.place.socket, "-p", str(self.place.port)]

    def psql(self, database: str) -> list[str]:
        """psql for statements on its standard input."""
        name = database.replace("\\", "\\\\").replace("'", "\\'")
        return [
            str(self.binaries / "psql"), "-XAtq", "-F", FIELD, "-v", "ON_ERROR_STOP=1", *self.connection(),
            "-d", f"dbname='{name}'", "-f", "-",
        ]  # fmt: skip

    def ask(self, database: str, sql: str, timeout: float | None = None) -> list[list[str]]:
        """Rows of text. Raises ScratchFailed in the server's words."""
        done = self.run(*self.psql(database), text=sql, timeout=timeout)
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line]
            raise ScratchFailed(f"database {database}: {(said or done.stderr.splitlines() or ['no answer'])[0]}")
        return [line.split(FIELD) for line in done.stdout.splitlines() if line]

    def recovered(self) -> recovered.Recovered:
        """Where recovery ended, in the server's own figures."""
        sql = "SELECT pg_last_wal_replay_lsn(), extract(epoch FROM pg_last_xact_replay_timestamp())"
        lsn, commit = self.ask("template1", sql, ASK_S)[0]
        return recovered.Recovered(lsn, float(commit) if commit else None, self.log())

    def stop(self) -> None:
        """Cleanly, so that its pages can be checked offline."""
        argv = (str(self.binaries / "pg_ctl"), "stop", "-D", self.place.data, "-m", "fast", "-w", "-t", "600")
        done = self.run(*argv, timeout=610)
        if done.returncode != 0:
            raise ScratchFailed(f"the instance did not stop: {done.stderr.strip() or done.stdout.strip()}")
        if self.server:
            self.server.wait(self.left(30))
        self.server = None
