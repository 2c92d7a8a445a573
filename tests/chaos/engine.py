"""Does any experiment to the lab, watches, judges, and leaves the lab whole."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.chaos.control_node import ROOT, Playbook
from tests.chaos.experiment import DONE, FAILED, REFUSED, Await, Break, Calm, Experiment, Mend, Step, Type
from tests.chaos.judge import Evidence, Loss, Run, judge, served_by_two
from tests.chaos.results import figures, keep
from tests.chaos.roles import Roles
from tests.chaos.sampler import Sampler, overlaps
from tests.chaos.wal import bytes_beyond_fork
from tests.chaos.whole import (
    ARTIFACTS,
    ask,
    asynchronous,
    make_whole,
    status,
    status_when_green,
    synchronous,
)
from tests.lab.estate import ADDRESSES, DATABASE_HOSTS, Lab
from tests.lab.faults import ALL, break_host, heal
from tests.lab.shell import LabError, pid_of, state_of
from tests.storm.history import read_journal
from tests.storm.process import StormFailed, StormProcess, wait_for_writes

FOLDER = ARTIFACTS / "chaos"
RECORDS = ARTIFACTS / "orders"
PORT = 5432
COMMAND_S = 180.0
# A readmission that copies all the data takes long on a busy machine.
REJOIN_S = 500.0
LIMIT_S = 1200.0
# Longer than the storm's status file, which is written four times a second, is old.
FLOW_S = 0.4
REFUSAL = re.compile(r"^\s*refused\b", re.MULTILINE)


class BrokeOff(RuntimeError):
    """A step could not be done, or what it waited for never came."""


class Engine:
    """One experiment, once."""

    def __init__(self, experiment: Experiment, seed: int, say: Callable[[str], None]) -> None:
        self.experiment, self.seed = experiment, seed
        self.lab = Lab()
        self.folder = FOLDER / experiment.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._chance = random.Random(f"{seed}/{experiment.name}")
        self._began = time.monotonic()
        self._narration = self.folder / "narration.log"
        self._out = say
        self._mode = ("-e", "ha_replication_mode=async") if experiment.mode == "async" else ()
        self._runs: list[tuple[Type, Run]] = []
        self._under_way: tuple[Type, Playbook, float] | None = None
        self._loss: Loss | None = None
        self._rival: StormProcess | None = None
        self.roles: Roles
        self.storm: StormProcess
        self.sampler: Sampler
        self._since = 0.0

    def say(self, text: str) -> None:
        """Onto the screen and into the folder."""
        line = f"[{time.monotonic() - self._began:6.1f} s] {self.experiment.name}: {text}"
        with self._narration.open("a") as log:
            log.write(line + "\n")
        self._out(line)

    # Steps

    def _break(self, step: Break) -> None:
        time.sleep(step.after + step.spread * self._chance.random())
        host = self.roles[step.host]
        argument = ",".join(self.roles.get(word, word) for word in step.argument.split(",")) if step.argument else ""
        self.say(f"{step.fault} {host} {argument}".rstrip())
        break_host(self.lab, step.fault, host, argument)

    def _mend(self, step: Mend) -> None:
        host = self.roles[step.host]
        if step.host in ("primary", "all"):
            self._measure_loss()
        self.say(f"heal {host}: {', '.join(heal(self.lab, host))}")

    def _type(self, step: Type) -> None:
        filled = {"quoted": str(self._last_record("failover").get("possible_loss_bytes", 0))}
        options = [option.format_map({**dict(self.roles), **filled}) for option in step.options]
        number = len(self._runs) + 1
        name = f"{step.runbook}.yml"
        if step.runbook == "rejoin":
            options = ["-e", f"rejoin_host={self.roles['primary']}"]
        self.say(f"types {step.runbook} {' '.join(options)}".rstrip())
        log = self.folder / f"{number:02d}-{step.runbook}.log"
        self._under_way = (step, Playbook(name, [*options, *self._mode], log), time.time())
        if step.wait:
            self._ended(REJOIN_S if step.runbook == "rejoin" else COMMAND_S)

    def _ended(self, within: float) -> None:
        """The command under way ended: note what it came to."""
        if self._under_way is None:
            raise BrokeOff("no command is under way")
        step, playbook, began = self._under_way
        self._under_way = None
        try:
            rc = playbook.wait(within)
        except subprocess.TimeoutExpired:
            playbook.kill()
            rc = 124
        words = playbook.log.read_text(errors="replace")
        ended = DONE if rc == 0 else REFUSED if REFUSAL.search(words) else FAILED
        record = self._last_record(step.runbook, began)
        self._runs.append((step, Run(step.runbook, ended, round(time.time() - began, 2), words, record)))
        self.say(f"{step.runbook}: {ended} after {time.time() - began:.1f} s {record.get('headline', '')}")

    def _await(self, step: Await) -> None:
        end = time.monotonic() + step.within
        if step.what == "ended":
            self._ended(step.within)
        elif step.what == "writes":
            began = time.monotonic()
            self._flowing(step.within)
            self.say(f"writes flow {time.monotonic() - began:.1f} s later")
        elif step.what == "promoted":
            while (host := self.sampler.promoted(self.roles["primary"], self._since)) is None:
                if time.monotonic() > end:
                    raise BrokeOff(f"no other host was promoted within {step.within:g} s")
                time.sleep(0.01)
            self.roles["promoted"] = host
            self.say(f"{host} is writable")
        elif step.what in ("archived", "archiving_fails"):
            self._archive(step)
        else:
            raise BrokeOff(f"nobody knows what {step.what!r} is")

    def _archive(self, step: Await) -> None:
        """Fill a segment on the present primary, and wait for what becomes of it."""
        began, host = time.monotonic(), str(status(self.folder)["primary"])
        segment = ask(self.lab, host, "SELECT pg_walfile_name(pg_switch_wal())")
        sql = {
            "archived": f"last_archived_wal >= '{segment}'",
            "archiving_fails": "last_failed_time > coalesce(last_archived_time, '-infinity')",
        }[step.what]
        while ask(self.lab, host, f"SELECT coalesce({sql}, false) FROM pg_stat_archiver") != "t":  # noqa: S608 own words
            if time.monotonic() - began > step.within:
                raise BrokeOff(f"{segment}: not {step.what} on {host} within {step.within:g} s")
            time.sleep(0.5)
        self.say(f"{segment} {step.what}, {time.monotonic() - began:.1f} s later")

    def _flowing(self, within: float) -> None:
        """Orders are acknowledged three times in a row: the first may have been under way when the fault came."""
        end = time.monotonic() + within
        for _look in range(3):
            wait_for_writes(self.storm, self.storm.acknowledged(), max(0.1, end - time.monotonic()))
            time.sleep(FLOW_S)

    def _do(self, step: Step) -> None:
        if isinstance(step, Break):
            self._break(step)
        elif isinstance(step, Mend):
            self._mend(step)
        elif isinstance(step, Type):
            self._type(step)
        elif isinstance(step, Await):
            self._await(step)
        elif isinstance(step, Calm):
            time.sleep(step.seconds)

    # What is looked at

    def _last_record(self, runbook: str, since: float = 0.0) -> dict[str, Any]:
        found = [p for p in RECORDS.glob(f"*-{runbook}.json") if p.stat().st_mtime >= max(since, self._since)]
        return dict(json.loads(max(found, key=lambda path: path.stat().st_mtime).read_text())) if found else {}

    def _measure_loss(self) -> None:
        """Once, as soon as a failover is done and before the old primary gets its power back."""
        old = self.roles["primary"]
        record = self._last_record("failover")
        if self.experiment.mode == "sync" or self._loss is not None or record.get("status") != "done":
            return
        if state_of(self.lab, old) == "running":
            return
        major = next(path.name for path in (self.lab.state / "hosts" / old / "data").iterdir() if path.name.isdigit())
        lost = bytes_beyond_fork(self.lab, old, str(record["new_primary"]), major)
        quoted = record.get("possible_loss_bytes")
        since = ((record.get("evidence") or {}).get("possible_loss") or {}).get("last_commit_at")
        moment = datetime.fromisoformat(str(since)).timestamp() if since else None
        self._loss = Loss(quoted, lost, moment, None)
        self.say(f"{lost} bytes of WAL lost, {quoted} quoted, commits lost since {since}")

    def _start(self) -> None:
        seen = status(self.folder)
        if seen["verdict"] != "green":
            self.say(
                f"the lab is {seen['verdict']} before the experiment: {make_whole(self.lab, self.folder, self.say)}"
            )
            seen = status_when_green(self.folder)
        self._since = time.time()
        self.roles = Roles(self.lab, seen)
        self.storm = StormProcess(self.lab.dsn(PORT), self.folder, LIMIT_S, more=self.experiment.storm)
        wait_for_writes(self.storm, 0, 30)
        if self.experiment.mode == "async":
            asynchronous(self.lab)
        if self.experiment.rival:
            self._start_rival()
        self.say(f"{self.roles['primary']} is primary, orders flow, load {os.getloadavg()[0]:.1f}")
        time.sleep(2 + self._chance.random())

    def _start_rival(self) -> None:
        """Clients that know the primary's own address: they run where the experiment lets them through."""
        old = self.lab.address(self.roles["primary"])
        dsn = self.lab.dsn(PORT).replace(f"host={self.lab.vip}", f"host={old}")
        through = ["nsenter", "--target", pid_of(self.lab, self.roles[self.experiment.rival]), "--net"]
        more = self.experiment.storm
        self._rival = StormProcess(dsn, self.folder / "rival", LIMIT_S, through=through, audit=False, more=more)
        wait_for_writes(self._rival, 0, 30)

    def _restore(self) -> dict[str, Any]:
        """What an operator does at the end of any night: everything mended, old primaries readmitted."""
        self._measure_loss()
        self.say(f"heal all: {', '.join(heal(self.lab, ALL)) or 'nothing to undo'}")
        if self.experiment.mode == "async":
            synchronous(self.lab)
            self._mode = ()
        seen = status_when_green(self.folder, within=15)
        if seen["verdict"] != "green":
            self._type(Type("rejoin"))
            seen = status_when_green(self.folder, within=30)
        wait_for_writes(self.storm, self.storm.acknowledged(), 60)
        self.say(f"the estate is {seen['verdict']}")
        return seen

    def _watched(self) -> tuple[dict[str, Any], str]:
        """The steps under sampler and storm; the last status, and why it broke off, if it did."""
        seen: dict[str, Any] = {"verdict": "unknown"}
        broke_off = ""
        try:
            for step in self.experiment.steps:
                self._do(step)
            if self._under_way is not None:
                self._ended(COMMAND_S)
            seen = self._restore()
            time.sleep(1)
        except (StormFailed, LabError, BrokeOff, subprocess.SubprocessError, OSError, KeyError) as error:
            broke_off = f"{type(error).__name__}: {error}"[:500]
            self.say(f"broke off: {broke_off}")
            self._keep_journals()
            if self._under_way is not None:
                self._under_way[1].kill()
        return seen, broke_off

    def run(self) -> dict[str, Any]:
        """Does it, judges it, keeps the result, makes the lab whole."""
        whole, ended_well = "the experiment", False
        try:
            self._start()
            with Sampler({host: self.lab.container(host) for host in DATABASE_HOSTS}) as self.sampler:
                seen, broke_off = self._watched()
            result = self._judged(seen, broke_off)
            ended_well = bool(result["ok"])
        finally:
            if getattr(self, "storm", None) is not None and self.storm.running():
                self.storm.stop()
            if self._rival is not None and self._rival.running():
                self._rival.stop()
            if not ended_well:
                whole = make_whole(self.lab, self.folder, self.say)
        result["whole_by"] = whole
        (self.folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
        keep(ARTIFACTS / "chaos.json", result)
        self.say("holds" if result["ok"] else "; ".join(result["wrong"]))
        return result

    def _judged(self, seen: dict[str, Any], broke_off: str) -> dict[str, Any]:
        rival = self._rival.stop() if self._rival is not None else None
        report = self.storm.stop()
        if self._rival is not None:
            rival = self._rival.audit(self.lab.dsn(PORT))
        history = read_journal(self.storm.journal)
        names = {self.lab.address(host): host for host in ADDRESSES}
        if self._loss is not None:
            lost = [history.acked_at[order] for order in (report["audit"] or {}).get("lost_ids", [])]
            first = history.wall + min(lost) if lost else None
            self._loss = Loss(self._loss.quoted_bytes, self._loss.wal_bytes, self._loss.quoted_since, first)
        evidence = Evidence(
            roles={role: self.roles[role] for role in self.roles},
            runs=self._runs,
            storm=report,
            acked_by={names.get(server, server): acks for server, acks in history.acked_by.items()},
            samples=list(self.sampler.samples.values()),
            status=seen,
            rival=rival,
            rival_acked_late=self._rival_acked_late(),
            loss=self._loss,
            broke_off=broke_off,
        )
        wrong = judge(self.experiment, evidence)
        if wrong:
            self._keep_journals()
        samples = {one.host: one.answers for one in evidence.samples}
        (self.folder / "samples.json").write_text(json.dumps(samples))
        both = overlaps(evidence.samples), served_by_two(evidence.acked_by)
        return figures(self.experiment, self.seed, evidence, wrong, both, time.monotonic() - self._began)

    def _rival_acked_late(self) -> int:
        """Orders that the old primary acknowledged to the rival after another host was seen writable."""
        if self._rival is None:
            return 0
        old = self.roles["primary"]
        others = [one.writable() for host, one in self.sampler.samples.items() if host != old]
        promoted = min((spans[0][0] for spans in others if spans), default=None)
        history = read_journal(self._rival.journal)
        acks = history.acked_by.get(self.lab.address(old), [])
        return sum(promoted is not None and history.wall + at > promoted for at in acks)

    def _keep_journals(self) -> None:
        """What each host's journal says of this experiment."""
        since = datetime.fromtimestamp(self._since, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        for host in ADDRESSES:
            path = self.folder / f"journal-{host}.log"
            if path.exists() or state_of(self.lab, host) != "running":
                continue
            argv = ["podman", "exec", self.lab.container(host), "journalctl", "--utc", "--no-pager", "--since", since]
            with path.open("w") as sink:
                subprocess.run(argv, stdout=sink, stderr=subprocess.STDOUT, timeout=30, check=False)


def run_experiment(experiment: Experiment, seed: int, say: Callable[[str], None] = print) -> dict[str, Any]:
    """One experiment, once; the lab (``make lab``) must run."""
    os.chdir(ROOT)
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    return Engine(experiment, seed, say).run()
