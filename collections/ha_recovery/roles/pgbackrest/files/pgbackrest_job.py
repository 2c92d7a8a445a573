# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the repository host does by the clock: backups, the check of every file, and the age of the newest backup.

backup full|diff|incr [--label TEXT] [--max-age SECONDS]
                                       one backup into each repository, without those whose newest is younger;
                                       waits while another one runs
verify                                 every file is read, and its checksum compared
freshness                              how old the newest backup is; status 1 when it is too old
drill [--random] [--request FILE]      a backup is restored into a scratch instance, looked at, and removed again
table --request FILE                   a table as it once was is dumped out of such an instance

Each leaves its figures for Prometheus. It lies beside the modules that it shares with the collection's modules, as one
folder that Python runs. systemd runs it as the user postgres, whose the repository is.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import drill
import info
import metrics
import trial
import verify

PGBACKREST = "/usr/bin/pgbackrest"
LOCK_WAIT_S = 6 * 3600.0
LOOK_S = 60.0


class Job:
    """One run. ``settings``: stanza, max_age_s, metrics, prefer_standby (see the role's job.json)."""

    def __init__(self, settings: dict[str, object], lock: str, say: Callable[[str], None]) -> None:
        self.stanza = str(settings["stanza"])
        self.max_age_s = float(str(settings["max_age_s"]))
        self.metrics_file = Path(str(settings["metrics"]))
        self.prefer_standby = bool(settings["prefer_standby"])
        self.scratch = dict(settings["scratch"])  # type: ignore[call-overload]
        self.repositories = [int(key) for key in settings.get("repositories", [1])]  # type: ignore[attr-defined]
        self.lock = lock
        self.say = say

    def run(self, *words: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """pgBackRest; its warnings and errors go to the journal by way of us."""
        argv = [PGBACKREST, f"--stanza={self.stanza}", "--log-level-console=off", "--log-level-stderr=warn", *words]
        return subprocess.run(argv, check=False, capture_output=True, text=True, errors="replace", timeout=timeout)

    def ask(self) -> str:
        """What pgbackrest info says, of each repository by itself: one that is away hides none of the others.

        Raises InfoError when none of them answers.
        """
        alone = len(self.repositories) == 1
        asked = [[] if alone else [f"--repo={key}"] for key in self.repositories]
        with ThreadPoolExecutor(max_workers=len(asked)) as pool:
            said = list(pool.map(self._info, asked))
        silent = {key: why for key, (_text, why) in zip(self.repositories, said, strict=True) if why}
        if len(silent) == len(said):
            raise info.InfoError("; ".join(dict.fromkeys(silent.values())))
        texts = {key: text for key, (text, why) in zip(self.repositories, said, strict=True) if not why}
        return said[0][0] if alone else info.merged(self.stanza, texts, silent)

    def _info(self, options: Sequence[str]) -> tuple[str, str]:
        """(answer, why there is none)."""
        try:
            done = self.run("info", "--output=json", *options, timeout=LOOK_S)
        except subprocess.TimeoutExpired:
            return "", f"pgbackrest: no answer within {LOOK_S:g} s"
        return (done.stdout, "") if done.returncode == 0 else ("", last_line(done))

    def look(self) -> info.Stanza:
        """What is in the repositories. Raises InfoError."""
        return info.parse_info(self.ask(), self.stanza)

    def alone(self) -> int:
        """Wait until no other job runs; the lock goes with the process."""
        handle = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o640)
        deadline = time.monotonic() + LOCK_WAIT_S
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            except BlockingIOError:
                if not told:
                    self.say("another job runs; waiting for its end")
                    told = True
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"another job still runs after {LOCK_WAIT_S / 3600:g} h") from None
                time.sleep(1)

    def backup(self, kind: str, label: str, max_age_s: float | None = None) -> int:
        """One backup into each repository. One that is away keeps none of the others from theirs."""
        self.alone()
        wanted, failed, done = self.repositories, [], []
        if max_age_s is not None:
            seen = self.look()
            unread = [one.key for one in seen.repositories if not one.there]
            wanted = sorted({*seen.lacking(time.time() - max_age_s), *unread})
        for key in wanted:
            why = self.copy(key, kind, label)
            (failed if why else done).append(key)
            if why:
                self.say(f"{kind} backup failed{self.named(key)}: {why}")
        self.freshness()
        if done:
            seen = self.look()
            newest = [(key, seen.newest_in(key)) for key in done]
            told = [f"{one.label if one else 'none is shown'}{self.named(key)}" for key, one in newest]
            self.say(f"{kind} backup done: {', '.join(told)}")
        if failed and done:
            self.say(f"{kind} backup failed{''.join(self.named(key) for key in failed)}, done in the others")
        return 1 if failed else 0

    def named(self, key: int) -> str:
        """Which repository, where there are several."""
        return f" in repository {key}" if len(self.repositories) > 1 else ""

    def copy(self, key: int, kind: str, label: str) -> str:
        """One backup, from a standby where there is one. Why it failed, or empty."""
        words = [f"--repo={key}", f"--type={kind}", *([f"--annotation=label={label}"] if label else []), "backup"]
        done = self.run(*words)
        if done.returncode != 0 and self.prefer_standby and "standby" in done.stderr + done.stdout:
            # Before 2.54, a standby is either wanted or not: without one, the primary has to do.
            self.say(f"no standby could be used ({last_line(done)}); copying from the primary")
            done = self.run("--no-backup-standby", *words)
        return last_line(done) if done.returncode != 0 else ""

    def verify(self) -> int:
        """Every repository, one after the other."""
        self.alone()
        good = True
        for one in self.look().repositories:
            if one.code == info.OTHER:
                self.say(f"repository {one.key}: {one.message}")
                good = False
                continue
            done = self.run(f"--repo={one.key}", "--output=text", "--verbose", "verify")
            try:
                found = verify.parse_verify(f"{done.stdout}\n{done.stderr}")
            except verify.VerifyError as error:
                self.say(f"repository {one.key}: {error}: {last_line(done)}")
                good = False
                continue
            for each in [*found.damaged, *(found.errors if not found.good else ())]:
                self.say(f"repository {one.key}: {each}")
            good = good and found.good
        path = self.metrics_file.with_name("verify.json")
        write(path, json.dumps({"good": good, "at": int(time.time())}))
        self.freshness()
        self.say("every file is as it was written" if good else "the repository is damaged; take a full backup")
        return 0 if good else 1

    def freshness(self) -> int:
        """Figures of the newest backup; status 1 when it is too old."""
        labels = {"stanza": self.stanza}
        now = time.time()
        try:
            stanza = self.look()
        except (info.InfoError, subprocess.TimeoutExpired, OSError) as error:
            write(self.metrics_file, metrics.render([("pgbackrest_up", labels, 0), *self.proven(labels)]))
            self.say(f"the repository cannot be read: {error}")
            return 1
        age, ages = stanza.age_s(now), stanza.ages(now)
        # A repository without a fresh backup is a copy fewer than people believe that they have.
        late = {key: one for key, one in ages.items() if one is None or one > self.max_age_s}
        stale = age is None or bool(late)
        rows: list[metrics.Row] = [
            ("pgbackrest_up", labels, 1),
            ("pgbackrest_backup_stale", labels, int(stale)),
            ("pgbackrest_backups", labels, len(stanza.backups)),
        ]
        for one in stanza.repositories:
            each, old = {**labels, "repository": str(one.key)}, ages[one.key]
            rows.append(("pgbackrest_repository_up", each, int(one.there)))
            if old is not None:
                rows.append(("pgbackrest_repository_backup_age_seconds", each, round(old)))
        if age is not None and stanza.newest is not None:
            rows.append(("pgbackrest_backup_age_seconds", labels, round(age)))
            if stanza.newest.repository_bytes is not None:
                rows.append(("pgbackrest_last_backup_bytes", labels, stanza.newest.repository_bytes))
        write(self.metrics_file, metrics.render([*rows, *self.proven(labels)]))
        if stale:
            told = [f"{self.newest_ended(one)}{self.named(key)}" for key, one in late.items()]
            told = told or [self.newest_ended(age)]
            self.say(f"no successful backup within {self.max_age_s / 3600:g} h: {'; '.join(told)}")
        return 1 if stale else 0

    @staticmethod
    def newest_ended(age: float | None) -> str:
        """How long ago, for people."""
        return "there is none" if age is None else f"the newest ended {age / 3600:.1f} h ago"

    def drill(self, request: dict[str, object]) -> int:
        """Never while another job runs: it would be measured, too."""
        state = self.metrics_file.parent
        one = trial.Drill(self.scratch, self.stanza, state, self.run, self.ask, self.say, request)
        one.say("waiting for its turn")
        self.alone()
        done = one.carry_out()
        self.freshness()
        self.say(drill.summary(one.result))
        return done

    def table(self, request: dict[str, object]) -> int:
        """Somebody waits for it, so it does not wait for backups; two of its kind have one place, and wait."""
        state = self.metrics_file.parent
        one = trial.Table(self.scratch, self.stanza, state, self.run, self.ask, self.say, request)
        self.lock = self.lock.replace("job.lock", "table.lock")
        self.alone()
        return one.carry_out()

    def proven(self, labels: dict[str, str]) -> list[metrics.Row]:
        """What the last check of every file and the last drill came to."""
        limit, now = float(self.scratch["max_age_s"]) or None, time.time()
        path = self.metrics_file.with_name("drill.json")
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # From now on it is known since when there has been none.
            note = {"since": int(now)}
            write(path, json.dumps(note))
        return [*self.verified(labels), *drill.rows_of(note, labels, limit, now)]

    def verified(self, labels: dict[str, str]) -> list[metrics.Row]:
        """What the last check of every file came to."""
        try:
            found = json.loads(self.metrics_file.with_name("verify.json").read_text())
        except (OSError, ValueError):
            return []
        return [
            ("pgbackrest_verify_good", labels, int(found["good"])),
            ("pgbackrest_verify_time_seconds", labels, found["at"]),
        ]


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """pgBackRest's own reason: from its first error on, in one line."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if "ERROR:" in line), max(0, len(lines) - 1))
    return " ".join(lines[first:]) or f"exit status {done.returncode}"


def write(path: Path, text: str) -> None:
    """In one step, so that nobody reads half a file."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o644)
    fresh.replace(path)


def main(arguments: Sequence[str], settings: str = "/etc/pgbackrest/job.json", run: str = "/run/pgbackrest") -> int:
    """A message for the journal and status 1 when it cannot be done."""
    parser = argparse.ArgumentParser(prog="pgbackrest_job", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("backup")
    one.add_argument("type", choices=info.TYPES)
    one.add_argument("--label", default="")
    one.add_argument("--max-age", type=float)
    commands.add_parser("verify")
    commands.add_parser("freshness")
    rehearsal = commands.add_parser("drill")
    rehearsal.add_argument("--random", action="store_true")
    for named in (rehearsal, commands.add_parser("table")):
        named.add_argument("--request", default="")
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(f"pgbackrest_job {options.command}: {text}", file=sys.stderr, flush=True)

    try:
        job = Job(json.loads(Path(settings).read_text(encoding="utf-8")), f"{run}/job.lock", say)
        if options.command == "backup":
            return job.backup(options.type, options.label, options.max_age)
        if options.command in ("drill", "table"):
            asked = json.loads(Path(options.request).read_text(encoding="utf-8")) if options.request else {}
            if options.command == "drill":
                return job.drill({"random": options.random, **asked})
            return job.table(asked)
        return job.verify() if options.command == "verify" else job.freshness()
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
