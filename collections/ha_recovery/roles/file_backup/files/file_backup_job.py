# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done by the clock about backups of files.

On each host, as root:
  backup      list what the files are, back them up with that list, and note that it went well

On the repository host, as the user file_backup:
  init        make the repositories that are missing
  forget      remove snapshots that nobody wants any more, and what only they needed
  check       read every repository and compare it with its own checksums
  drill       restore each host's newest snapshot into an empty folder, and compare every file with the host's list
  freshness   how old each host's newest snapshot is; status 1 when one is too old

Each leaves its figures for Prometheus. It lies beside the modules that it shares with the collection's modules, as one
folder that Python runs.
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

import manifest
import snapshots
import textfile

LOCK_WAIT_S = 6 * 3600.0
# Backing up and pruning exclude each other; either is over within minutes for files of this kind.
BUSY_WAIT_S = 1800.0
LOOK_S = 120.0

HELP = {
    "file_backup_last_run_good": "1 when this host's last backup of files succeeded.",
    "file_backup_last_success_time_seconds": "When this host's last successful backup of files ended.",
    "file_backup_last_run_seconds": "How long it took.",
    "file_backup_last_run_bytes": "Size of the files in it.",
    "file_backup_last_run_added_bytes": "What it added to the repository.",
    "file_backup_up": "1 when the host's repository could be read.",
    "file_backup_snapshots": "Snapshots in the host's repository.",
    "file_backup_age_seconds": "Seconds since the host's newest snapshot was begun.",
    "file_backup_stale": "1 when the host has no snapshot within the allowed time.",
    "file_backup_check_good": "1 when the last check found every byte of the host's repository as it was written.",
    "file_backup_check_time_seconds": "When that check ended.",
    "file_backup_drill_good": "1 when every file of the host's newest snapshot came back as it was.",
    "file_backup_drill_time_seconds": "When that drill ended.",
    "file_backup_drill_seconds": "How long the restore took.",
    "file_backup_drill_files": "Files that came back as they were.",
}


class Restic:
    """restic on one repository. ``settings``: repository, password_file and, on a host, rclone_program."""

    def __init__(self, settings: Mapping[str, Any], cache: str) -> None:
        self.options = ["--repo", str(settings["repository"]), "--password-file", str(settings["password_file"])]
        if settings.get("rclone_program"):
            self.options += ["-o", f"rclone.program={settings['rclone_program']}"]
        self.options += ["--cache-dir", cache] if cache else ["--no-cache"]

    def run(self, *words: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """One command. Raises subprocess.TimeoutExpired, OSError."""
        argv = ["restic", *self.options, *words]
        return subprocess.run(argv, check=False, capture_output=True, text=True, errors="replace", timeout=timeout)

    def patient(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command, again and again while somebody else has the lock; one whose owner is gone is removed."""
        deadline = time.monotonic() + BUSY_WAIT_S
        while True:
            done = self.run(*words)
            if done.returncode == 0 or not snapshots.busy(done.stderr) or time.monotonic() >= deadline:
                return done
            self.run("unlock", timeout=LOOK_S)
            time.sleep(5)

    def listed(self) -> list[snapshots.Snapshot]:
        """Oldest first. Raises SnapshotError with restic's reason."""
        done = self.run("snapshots", "--json", "--no-lock", timeout=LOOK_S)
        if done.returncode != 0:
            raise snapshots.SnapshotError(snapshots.reason(done.stderr, done.returncode))
        return snapshots.parse_snapshots(done.stdout)


class Job:
    """What both sides have: settings (the role's job.json), notes that outlive a run, and one run at a time."""

    def __init__(self, settings: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self.settings = settings
        self.state = Path(settings["state"])
        self.metrics = Path(settings["metrics"])
        self.say = say

    def alone(self) -> int:
        """Wait until no other job of this host runs; the lock goes with the process. Raises TimeoutError."""
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

    def notes(self, name: str) -> dict[str, Any]:
        """What an earlier run noted; empty where there is none."""
        try:
            found = json.loads((self.state / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, name: str, found: Mapping[str, Any]) -> None:
        """For the next run, and for people."""
        textfile.replace_text(self.state / f"{name}.json", json.dumps(found, indent=2) + "\n")


class Host(Job):
    """A host whose files are backed up."""

    def backup(self) -> int:
        """One snapshot, with the list of what the files are."""
        self.alone()
        name, wanted = str(self.settings["host"]), [str(one) for one in self.settings["paths"]]
        paths = [one for one in wanted if os.path.lexists(one)]
        began = time.time()
        if not paths:
            return self.ended(began, f"none of {', '.join(wanted)} exists", {})
        patterns = [str(one) for one in self.settings["exclude"]]
        listed = self.state / "manifest.jsonl"
        textfile.replace_text(listed, manifest.dump(manifest.take(paths, patterns)), mode=0o600)
        restic = Restic(self.settings, str(self.settings["cache"]))
        words = [word for one in patterns for word in ("--exclude", one)]
        done = restic.patient("backup", "--json", "--host", name, *words, "--", *paths, str(listed))
        # Status 3: a snapshot was made, but something could not be read. That is no backup.
        problem = "" if done.returncode == 0 else snapshots.reason(done.stderr, done.returncode)
        return self.ended(began, problem, snapshots.summary_of(done.stdout) if done.returncode == 0 else {})

    def ended(self, began: float, problem: str, summary: Mapping[str, Any]) -> int:
        """Write figures and notes."""
        labels = {"host": str(self.settings["host"])}
        found = self.notes("backup")
        found["problem"] = problem
        if not problem:
            found.update(at=time.time(), seconds=round(time.time() - began, 3), snapshot=summary.get("snapshot_id", ""))
            found.update(bytes=summary.get("total_bytes_processed", 0), added=summary.get("data_added", 0))
        self.note("backup", found)
        rows: list[textfile.Row] = [("file_backup_last_run_good", labels, int(not problem))]
        if "at" in found:
            rows += [
                ("file_backup_last_success_time_seconds", labels, found["at"]),
                ("file_backup_last_run_seconds", labels, found["seconds"]),
                ("file_backup_last_run_bytes", labels, found["bytes"]),
                ("file_backup_last_run_added_bytes", labels, found["added"]),
            ]
        textfile.replace_text(self.metrics, textfile.render(HELP, rows))
        self.say(problem or f"snapshot {found['snapshot'][:8]}, {found['bytes']} bytes, {found['seconds']:.1f} s")
        return 1 if problem else 0


class Repository(Job):
    """The host with the repositories, one for each host."""

    def each(self, work: Callable[[str, Restic], str], hosts: Sequence[str]) -> dict[str, str]:
        """Host to what is wrong with it, empty when nothing is. One that fails keeps no other from its turn."""
        found = {}
        for name in hosts or sorted(self.settings["repositories"]):
            try:
                restic = Restic(self.settings["repositories"][name], "")
                found[name] = work(name, restic)
            except (OSError, ValueError, subprocess.TimeoutExpired) as error:
                found[name] = str(error)
            if found[name]:
                self.say(f"{name}: {found[name]}")
        return found

    def init(self, hosts: Sequence[str]) -> int:
        """Beside its place, and moved there when whole: a killed run leaves nothing that looks like a repository."""
        self.alone()

        def work(name: str, restic: Restic) -> str:
            settings = self.settings["repositories"][name]
            place = Path(settings["repository"])
            if (place / "config").exists():
                return ""
            fresh = place.with_name(f".{name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            done = Restic({**settings, "repository": fresh}, "").run("init", timeout=LOOK_S)
            if done.returncode != 0:
                return snapshots.reason(done.stderr, done.returncode)
            fresh.rename(place)
            return ""

        return 1 if any(self.each(work, hosts).values()) else 0

    def forget(self, hosts: Sequence[str]) -> int:
        """Retention."""
        self.alone()

        def work(name: str, restic: Restic) -> str:
            if not restic.listed():
                return ""
            keep = [word for rule, count in self.settings["keep"].items() for word in (f"--keep-{rule}", str(count))]
            done = restic.patient("forget", "--group-by", "host", "--prune", *keep)
            return "" if done.returncode == 0 else snapshots.reason(done.stderr, done.returncode)

        failed = [name for name, problem in self.each(work, hosts).items() if problem]
        self.freshness([])
        return 1 if failed else 0

    def check(self, hosts: Sequence[str]) -> int:
        """Every byte, or the share of them that the role was told."""
        self.alone()

        def work(name: str, restic: Restic) -> str:
            done = restic.patient("check", f"--read-data-subset={self.settings['check_subset']}")
            return "" if done.returncode == 0 else snapshots.reason(done.stderr, done.returncode)

        return self.noted("check", {name: {"problem": one} for name, one in self.each(work, hosts).items()})

    def drill(self, hosts: Sequence[str]) -> int:
        """Restore and compare; the folder is removed whatever comes of it."""
        self.alone()
        came: dict[str, dict[str, Any]] = {}

        def work(name: str, restic: Restic) -> str:
            scratch = Path(self.settings["scratch"]) / name
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True, mode=0o700)
            try:
                newest = snapshots.choose(restic.listed(), snapshots.LATEST)
                began = time.monotonic()
                done = restic.patient("restore", newest.id, "--verify", "--target", str(scratch))
                seconds = time.monotonic() - began
                if done.returncode != 0:
                    return f"snapshot {newest.short}: {snapshots.reason(done.stderr, done.returncode)}"
                listed = scratch / str(self.settings["manifest"]).lstrip("/")
                if not listed.exists():
                    return f"snapshot {newest.short}: it carries no list of its files"
                compared = manifest.compare(manifest.load(listed.read_text(encoding="utf-8")), scratch)
                came[name] = {"snapshot": newest.id, "seconds": round(seconds, 3), "files": compared.same,
                              "changed_meanwhile": compared.changed_meanwhile}  # fmt: skip
                wrong = [f"missing: {one}" for one in compared.missing] + [
                    f"different: {one}" for one in compared.different
                ]
                return "; ".join(wrong[:10]) or (
                    "" if compared.good else f"snapshot {newest.short}: no file to compare"
                )
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

        problems = self.each(work, hosts)
        return self.noted("drill", {name: {**came.get(name, {}), "problem": one} for name, one in problems.items()})

    def noted(self, name: str, found: Mapping[str, Mapping[str, Any]]) -> int:
        """Note how it ended for each host, beside what is known of the others."""
        known = {host: one for host, one in self.notes(name).items() if host in self.settings["repositories"]}
        self.note(name, {**known, **{host: {**one, "at": time.time()} for host, one in found.items()}})
        self.freshness([])
        failed = sorted(host for host, one in found.items() if one["problem"])
        told = {"check": "every byte is as it was written", "drill": "every file came back as it was"}[name]
        self.say(f"failed: {', '.join(failed)}" if failed else f"{told}: {', '.join(sorted(found))}")
        return 1 if failed else 0

    def freshness(self, hosts: Sequence[str]) -> int:
        """The figures; status 1 when a host's newest snapshot is too old, or cannot be seen."""
        rows: list[textfile.Row] = []
        limit = float(self.settings["max_age_s"])

        def work(name: str, restic: Restic) -> str:
            labels = {"host": name}
            try:
                found = restic.listed()
            except (OSError, ValueError, subprocess.TimeoutExpired):
                rows.extend([("file_backup_up", labels, 0), ("file_backup_stale", labels, 1)])
                raise
            age = snapshots.age_s(found, time.time())
            stale = age is None or age > limit
            rows.extend([("file_backup_up", labels, 1), ("file_backup_snapshots", labels, len(found))])
            rows.append(("file_backup_stale", labels, int(stale)))
            if age is not None:
                rows.append(("file_backup_age_seconds", labels, round(age)))
            told = "there is none" if age is None else f"the newest is {age / 3600:.1f} h old"
            return f"no successful backup within {limit / 3600:g} h: {told}" if stale else ""

        problems = self.each(work, hosts)
        for name in sorted(self.settings["repositories"]):
            labels, check, drill = {"host": name}, self.notes("check").get(name), self.notes("drill").get(name)
            if check:
                rows.append(("file_backup_check_good", labels, int(not check["problem"])))
                rows.append(("file_backup_check_time_seconds", labels, check["at"]))
            if drill:
                rows.append(("file_backup_drill_good", labels, int(not drill["problem"])))
                rows.append(("file_backup_drill_time_seconds", labels, drill["at"]))
                rows.append(("file_backup_drill_seconds", labels, drill.get("seconds", 0)))
                rows.append(("file_backup_drill_files", labels, drill.get("files", 0)))
        textfile.replace_text(self.metrics, textfile.render(HELP, rows))
        return 1 if any(problems.values()) else 0


def main(arguments: Sequence[str], settings: str = "/etc/file_backup") -> int:
    """A message for the journal and status 1 when it cannot be done."""
    parser = argparse.ArgumentParser(prog="file_backup_job", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=["backup", "init", "forget", "check", "drill", "freshness"])
    parser.add_argument("hosts", nargs="*", help="on the repository host: these only")
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(f"file_backup_job {options.command}: {text}", file=sys.stderr, flush=True)

    try:
        kind = "host" if options.command == "backup" else "repository"
        read = json.loads(Path(settings, f"{kind}.json").read_text(encoding="utf-8"))
        if kind == "host":
            return Host(read, say).backup()
        job = Repository(read, say)
        unknown = sorted(set(options.hosts) - set(read["repositories"]))
        if unknown:
            say(f"no repository of {', '.join(unknown)}; there are: {', '.join(sorted(read['repositories']))}")
            return 1
        return int(getattr(job, options.command)(options.hosts))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
