# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two things that a scratch instance is good for: a drill, and a table as it once was.

Each leaves a result and, while it runs, its progress, as JSON beside the figures for Prometheus.
"""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import drill
import info
import recovered
import scratch
import table
from instance import Instance, ScratchFailed

TABLES = r"""SELECT format('SELECT json_build_array(%L::text, %L::text, count(*)) FROM %I.%I',
  current_database(), n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname \gexec
"""
DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
WALK_S = 60.0


class Stopped(Exception):
    """Somebody stopped the unit, or its time is over."""


def stop_on_signal() -> None:
    """So that a stopped run, too, removes what it made. The next run removes what a killed one left."""

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise Stopped(f"it was stopped by signal {number}")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


class Trial:
    """One run with a scratch instance. ``settings``: the key `scratch` of the role's job.json."""

    name = ""
    # Whether the backup's own repository has to do for all of it.
    alone = True

    def __init__(
        self,
        settings: Mapping[str, Any],
        stanza: str,
        state: Path,
        run: Callable[..., Any],
        ask: Callable[[], str],
        say: Callable[[str], None],
        request: Mapping[str, Any],
    ) -> None:
        self.settings, self.stanza, self.state, self.run, self.tell = settings, stanza, state, run, say
        self.ask = ask
        self.request = request
        self.seconds: dict[str, float] = {}
        self.result: dict[str, Any] = {"good": False, "refused": True, "problems": [], "began_at": int(time.time())}
        self.phase, self.last = "wait", ""

    def say(self, message: str, percent: float | None = None) -> None:
        """To the journal when it is new, and into the file that a waiting person is shown."""
        if message != self.last:
            self.tell(message)
            self.last = message
        note = {"phase": self.phase, "message": message, "percent": percent, "at": time.time()}
        self.write(f"{self.name}_progress.json", note)

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """In one step."""
        path = self.state / name
        fresh = path.with_name(f".{name}.new")
        fresh.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
        fresh.chmod(0o644)
        fresh.replace(path)

    def read(self, name: str) -> dict[str, Any]:
        """The object in the file; nothing where there is none."""
        try:
            found = json.loads((self.state / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @contextmanager
    def timed(self, phase: str, message: str) -> Iterator[None]:
        """Measure one part."""
        self.phase = phase
        self.say(message)
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = round(time.monotonic() - begin, 2)

    def info(self) -> tuple[str, info.Stanza]:
        """What is in the repositories. Raises InfoError."""
        answer = self.ask()
        return answer, info.parse_info(answer, self.stanza)

    def instance(self, version: str) -> Instance:
        """The scratch instance of this kind of run."""
        place = scratch.Place(
            f"{self.settings['path']}/{self.name}", f"/run/pgbackrest/{self.name}", int(self.settings["port"])
        )
        return Instance(
            place, self.stanza, version,
            deadline=time.monotonic() + float(self.settings["timeout_s"]), say=self.say,
            settings=self.settings["settings"], processes=int(self.settings["processes"]),
        )  # fmt: skip

    def carry_out(self) -> int:
        """Everything, and the note about it. Status 1 when it did not work."""
        stop_on_signal()
        instance: Instance | None = None
        try:
            answer, stanza = self.info()
            instance = self.instance(scratch.server_version(answer, self.stanza))
            if instance.clear():
                self.say("what an earlier run left behind was removed")
            self.work(instance, answer, stanza)
        except (ScratchFailed, Stopped, info.InfoError, OSError, ValueError) as error:
            self.result["problems"].append(str(error))
            if instance is not None and self.phase in ("recover", "amcheck", "rows", "canaries", "find", "dump"):
                self.result["log"] = instance.log().splitlines()[-40:]
        if instance is not None:
            try:
                with self.timed("remove", "removing the instance"):
                    instance.clear()
            except (ScratchFailed, Stopped) as error:
                self.result["problems"].append(str(error))
        self.result["good"] = not self.result["problems"]
        self.result["at"] = int(time.time())
        self.result["seconds"] = self.seconds
        self.note()
        (self.state / f"{self.name}_progress.json").unlink(missing_ok=True)
        for problem in self.result["problems"]:
            self.tell(problem)
        return 0 if self.result["good"] else 1

    def work(self, instance: Instance, answer: str, stanza: info.Stanza) -> None:
        """What this kind of run does."""
        raise NotImplementedError

    def note(self) -> None:
        """Leave the result."""
        self.write(f"{self.name}.json", self.result)

    def bring_up(
        self, instance: Instance, aim: scratch.Aim, backup: info.Backup, answer: str, databases: tuple[str, ...] = ()
    ) -> recovered.Recovered:
        """Restore, recover, and see that recovery came to the target."""
        self.result.update(
            backup=aim.label, repository=aim.repository, target=aim.words, database_bytes=backup.database_bytes
        )
        instance.check_room(backup.database_bytes)
        self.result["refused"] = False
        newest = scratch.newest_segment(answer, self.stanza, aim.repository if self.alone else 0)
        with self.timed("restore", f"copying backup {aim.label}"):
            instance.restore(aim, databases)
        with self.timed("recover", f"replaying WAL to {aim.words}"):
            instance.configure(aim, alone=self.alone)
            instance.start()
        seen = instance.recovered()
        why = recovered.missed(aim, seen, newest.begins if newest else None, self.request.get("at"))
        self.result["reached"] = {
            "lsn": seen.lsn, "commit_at": seen.commit_at, "stopped": recovered.stopped(seen.log), "good": not why
        }  # fmt: skip
        if why:
            said = recovered.complaints(seen.log)
            raise ScratchFailed(f"{why}: {said[-1]}" if said else why)
        return seen


class Drill(Trial):
    """Restore the newest backup, or what was asked for, and look at every page of it."""

    name = "drill"

    def aim(self, answer: str, stanza: info.Stanza) -> tuple[scratch.Aim, info.Backup]:
        """Where to. Raises ScratchFailed."""
        if self.request.get("label"):
            aim = scratch.aim_from(self.request)
        elif stanza.newest is None:
            raise ScratchFailed("there is no backup; expected one")
        else:
            # Each repository has its turn: a copy that nobody ever restored is a hope.
            key = drill.turn([one.repository for one in stanza.backups if not one.faulty], self.read("drill.json"))
            last = stanza.newest_in(key) or stanza.newest
            aim = scratch.Aim(last.label, last.repository)
            newest = scratch.newest_segment(answer, self.stanza, aim.repository)
            if self.request.get("random") and newest:
                usable = [one for one in stanza.backups if not one.faulty and one.repository == aim.repository]
                found = drill.random_lsn(usable, newest.name, newest.begins, secrets.SystemRandom().random())
                aim = scratch.Aim(*found[:2], kind="lsn", value=found[2]) if found else aim
        backup = next((one for one in stanza.backups if one.label == aim.label), None)
        if backup is None:
            raise ScratchFailed(f"backup {aim.label} is not in the repository")
        return aim, backup

    def archived_at(self, answer: str, repository: int) -> int | None:
        """When the repository's newest segment was archived."""
        newest = scratch.newest_segment(answer, self.stanza, repository)
        if newest is None:
            return None
        folder = f"archive/{self.stanza}/{newest.folder}/{newest.name[:16]}"
        done = self.run(f"--repo={newest.repository}", "repo-ls", folder, "--output=json", timeout=WALK_S)
        return scratch.segment_time(done.stdout, newest.name) if done.returncode == 0 else None

    def work(self, instance: Instance, answer: str, stanza: info.Stanza) -> None:
        """All parts, in order; what the pages say comes after what people wait for."""
        aim, backup = self.aim(answer, stanza)
        archived_at, began = self.archived_at(answer, aim.repository), time.time()
        seen = self.bring_up(instance, aim, backup, answer)
        wal = recovered.position(seen.lsn) - recovered.position(backup.lsn_start) if backup.lsn_start else 0
        self.result["wal_bytes"] = max(0, wal)
        self.result.update(drill.figures(
            self.seconds, database_bytes=backup.database_bytes, wal_bytes=max(0, wal), commit_at=seen.commit_at,
            archived_at=archived_at, began=began, to_end=aim.kind == "latest",
        ))  # fmt: skip
        self.look(instance)
        instance.stop()
        if scratch.checksums_on(instance.controldata):
            with self.timed("checksums", "comparing the checksum of every page"):
                done = instance.run(str(instance.binaries / "pg_checksums"), "--check", "-D", instance.place.data)
                self.found(drill.checksum_problem(f"{done.stderr}\n{done.stdout}", done.returncode))

    def found(self, *problems: str) -> None:
        """Go on after a finding: a person wants all of them."""
        self.result["problems"] += [one for one in problems if one]

    def look(self, instance: Instance) -> None:
        """pg_amcheck, a count of every table, and the canaries."""
        with self.timed("amcheck", "looking at every page and index (pg_amcheck)"):
            done = instance.run(
                str(instance.binaries / "pg_amcheck"), *instance.connection(), "--all", "--install-missing",
                "--maintenance-db=template1", f"--jobs={instance.processes}",
            )  # fmt: skip
            self.found(*drill.amcheck_problems(f"{done.stdout}\n{done.stderr}", done.returncode))
        tables: list[list[Any]] = []
        with self.timed("rows", "counting rows"):
            for (database,) in instance.ask("template1", DATABASES):
                try:
                    tables += [json.loads(one[0]) for one in instance.ask(database, TABLES)]
                except ScratchFailed as error:
                    self.found(str(error))
        self.result.update(tables=tables[: drill.TABLES_SHOWN], databases=drill.table_sums(tables))
        with self.timed("canaries", "asking the canaries"):
            for one in self.settings["canaries"]:
                name = str(one.get("name") or one["query"])
                try:
                    rows = instance.ask(str(one["database"]), str(one["query"]))
                    self.found(drill.canary_problem(name, rows))
                except ScratchFailed as error:
                    self.found(f"canary {name}: {error}")
        self.result["canaries"] = len(self.settings["canaries"])

    def note(self) -> None:
        """With what is known of the last good one."""
        self.write("drill.json", drill.noted(self.result, self.read("drill.json"), time.time()))


class Table(Trial):
    """Bring tables, or a whole database, as of a target, into a dump."""

    name = "table"
    alone = False

    def work(self, instance: Instance, answer: str, stanza: info.Stanza) -> None:
        """Restore that database alone, find the tables, dump them."""
        aim = scratch.aim_from(self.request)
        backup = next((one for one in stanza.backups if one.label == aim.label), None)
        if backup is None:
            raise ScratchFailed(f"backup {aim.label} is not in the repository")
        database, output = str(self.request["database"]), Path(str(self.request["output"]))
        self.bring_up(instance, aim, backup, answer, (database,))
        with self.timed("find", f"looking for the tables in database {database}"):
            wanted = self.wanted(instance, database)
        names = [one["name"] for one in wanted]
        self.result["tables"] = wanted
        with self.timed("dump", f"dumping {', '.join(names) or f'database {database}'}"):
            output.unlink(missing_ok=True)
            argv = table.dump_argv(str(instance.binaries), instance.connection(), database, str(output), wanted)
            done = instance.run(*argv)
            if done.returncode != 0:
                output.unlink(missing_ok=True)
                said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
                raise ScratchFailed(f"pg_dump: {said[0] if said else done.returncode}")
            output.chmod(0o600)
        self.result.update(file=str(output), bytes=output.stat().st_size)

    def wanted(self, instance: Instance, database: str) -> list[dict[str, Any]]:
        """The tables with their parts and rows. Raises ScratchFailed with the names that come close."""
        there = [one[0] for one in instance.ask(database, table.ALL)]
        found: list[dict[str, Any]] = []
        for name in self.request["tables"]:
            try:
                rows = instance.ask(database, table.find_sql(str(name)))
            except ScratchFailed:
                rows = []
            if not rows:
                self.result["refused"] = True
                raise ScratchFailed(table.unknown(str(name), database, there))
            for one in rows:
                count = instance.ask(database, table.count_sql(one[1])) if one[2] in ("r", "m") else [["0"]]
                found.append({"name": one[0], "quoted": one[1], "kind": one[2], "rows": int(count[0][0])})
        return found
