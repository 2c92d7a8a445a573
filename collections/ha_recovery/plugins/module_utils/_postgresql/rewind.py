# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a diverged server's data that of the primary, and look at what the decision to do so needs.

Source: PostgreSQL manual, pg_rewind and pg_waldump. Debian keeps postgresql.conf in /etc, so pg_rewind has to be told
where it is, for it starts a crashed server in single-user mode to recover it first.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.controldata import parse_controldata
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import is_masked, server_processes
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import (
    Upstream,
    conninfo,
    replication_conf,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, data_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import parse_history
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import (
    format_lsn,
    newest_lsn,
    segment_number,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import restored_label

REWIND = "a rewind of it was interrupted"
SEGMENT = re.compile(r"[0-9A-F]{24}")
_END = re.compile(r"(?:at|after) ([0-9A-F]+/[0-9A-F]+)")


class RewindFailed(Exception):
    """It did not work; the message says why, and what state things are in."""


def marker_path(layout: Layout) -> Path:
    """Present from before pg_rewind touches anything until the data is whole again."""
    directory = layout.data_directory()
    return directory.with_name(f"{directory.name}.rewinding.json")


def _marked(layout: Layout) -> dict[str, Any] | None:
    """The note that says why this data is of no use; {} when it cannot be read, None when there is none."""
    try:
        note = json.loads(marker_path(layout).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        note = {}
    return dict(note)


def interrupted(layout: Layout) -> str:
    """Why this data is of no use: a rewind of it that did not end, or WAL that nobody has any more; '' when it is."""
    note = _marked(layout)
    return "" if note is None else str(note.get("why") or REWIND)


def mark(layout: Layout, note: Mapping[str, Any]) -> None:
    """Write down that this data is of no use until the note is taken away."""
    replace_file(marker_path(layout), json.dumps(dict(note), indent=2) + "\n", mode=0o644, owner="root")


def newest_timeline(directory: Path, known: int) -> int:
    """The newest timeline of which there are segments; the control file learns of it only at a checkpoint."""
    names = [path.name for path in (directory / "pg_wal").iterdir() if SEGMENT.fullmatch(path.name)]
    return max([known, *(int(name[:8], 16) for name in names)])


def end_of_wal(runner: Runner, layout: Layout, timeline: int, start: str, timeout: float = 3) -> str | None:
    """Where valid WAL ends, from ``start`` on; None when pg_waldump does not tell."""
    argv = [str(layout.bin_dir / "pg_waldump"), "--quiet", "--timeline", str(timeline), "--start", start]
    done = runner.run([*argv, "--path", str(layout.data_directory() / "pg_wal")], timeout=timeout)
    if done.timed_out:
        return None
    return newest_lsn(start, *_END.findall(done.stderr))


def oldest_wal(directory: Path, segment_bytes: int) -> str | None:
    """Where the WAL that is still there begins, of whatever timeline; recycled segments lie beyond its end."""
    names = [path.name for path in (directory / "pg_wal").iterdir() if SEGMENT.fullmatch(path.name)]
    return format_lsn(min(segment_number(name, segment_bytes) for name in names) * segment_bytes) if names else None


def used_bytes(directory: Path, within: float = 2.0) -> int | None:
    """Size of what lies below a directory; None when there are too many files to count within that many seconds."""
    total, end = 0, time.monotonic() + within
    for folder, _folders, names in os.walk(directory):
        if time.monotonic() > end:
            return None
        for name in names:
            try:
                total += Path(folder, name).lstat().st_size
            except OSError:
                continue  # it went away while we looked
    return total


def look(runner: Runner, layout: Layout) -> dict[str, Any]:
    """What the decision how to bring this host back is made from; see Files in _recovery/rejoin.py."""
    directory = layout.data_directory()
    place = directory if directory.exists() else directory.parent
    while not place.exists():
        place = place.parent
    stat = os.statvfs(place)
    result: dict[str, Any] = {
        "interrupted": interrupted(layout),
        "useless": marker_path(layout).exists(),
        "tried": str((_marked(layout) or {}).get("backup") or ""),
        "restored": restored_label(layout, catching_up=True),
        "free_bytes": stat.f_bavail * stat.f_frsize,
    }
    if data_state(directory, layout.version) != "initialized":
        return result
    done = runner.run([str(layout.bin_dir / "pg_controldata"), "-D", str(directory)], timeout=5)
    control = parse_controldata(done.stdout) if done.ok else None
    result.update(standby=(directory / "standby.signal").exists(), data_bytes=used_bytes(directory))
    if control is None:
        return {**result, "interrupted": result["interrupted"] or "its control file cannot be read"}
    timeline = newest_timeline(directory, control.timeline)
    history = directory / "pg_wal" / f"{timeline:08X}.history"
    hints = re.search(r"^wal_log_hints setting:\s+on$", done.stdout, re.MULTILINE) is not None
    segment = re.search(r"^Bytes per WAL segment:\s+(\d+)$", done.stdout, re.MULTILINE)
    result.update(
        oldest_lsn=oldest_wal(directory, int(segment.group(1)) if segment else 16 << 20),
        state=control.state,
        timeline=timeline,
        checkpoint_lsn=control.checkpoint_lsn,
        rewindable=control.data_checksums or hints,
        left=parse_history(history.read_text(encoding="ascii", errors="replace")) if history.exists() else [],
    )
    if result["standby"] and not server_processes(directory.resolve()):
        start = newest_lsn(control.checkpoint_lsn, control.min_recovery_lsn)
        if start and timeline == control.timeline:
            result["end_lsn"] = end_of_wal(runner, layout, timeline, start)
    return result


def running_rewinds(directory: Path, proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Every pg_rewind that writes to this data directory: one goes on when the run that began it is killed."""
    found = []
    for entry in proc.iterdir():
        try:
            argv = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue  # it ended while we looked
        if argv and argv[0].endswith(b"/pg_rewind") and f"--target-pgdata={directory}".encode() in argv:
            found.append(int(entry.name))
    return tuple(sorted(found))


def end_rewinds(layout: Layout, within: float = 5.0) -> None:
    """End the pg_rewind of an earlier run. Its data is of no use in any case, but it must not write into a new copy."""
    end, number = time.monotonic() + within, signal.SIGTERM
    while pids := running_rewinds(layout.data_directory()):
        if time.monotonic() > end:
            raise RewindFailed(f"pg_rewind of an earlier run (process {pids[0]}) does not end; expected none")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        number = signal.SIGKILL
        time.sleep(0.2)


def must_be_down(layout: Layout) -> None:
    """Nothing runs on the data, and nothing will start it."""
    end_rewinds(layout)
    pids = server_processes(layout.data_directory().resolve())
    if pids or not is_masked(layout):
        seen = f"processes {', '.join(map(str, pids))}" if pids else f"{layout.unit} may start"
        raise RewindFailed(f"{seen}; expected a stopped server that is kept from starting")


def as_standby(layout: Layout, upstream: Upstream) -> bool:
    """Whatever starts the server now, it is a standby of that primary. True when that was not so before."""
    signal, wanted = layout.data_directory() / "standby.signal", replication_conf(upstream)
    conf = layout.replication_conf
    fresh = not signal.exists() or not conf.exists() or conf.read_text(encoding="utf-8") != wanted
    if fresh:
        replace_file(signal, "", mode=0o600, owner="postgres")
        replace_file(conf, wanted, mode=0o640, owner="postgres")
    return fresh


def untouched(said: str) -> bool:
    """Whether pg_rewind gave up because it could not reach the primary, before it changed anything.

    It connects first, and names the checkpoint from which it rewinds before it writes. Any other failure would come
    again at the next try, so it leads to a copy.
    """
    lost = "connection to server" in said or "could not connect" in said
    return lost and "rewinding from" not in said


def rewind(runner: Runner, layout: Layout, upstream: Upstream, note: Mapping[str, Any], timeout: float) -> str:
    """Run pg_rewind, and mark the result as a standby's. Returns its last words."""
    must_be_down(layout)
    directory = layout.data_directory()
    mark(layout, note)
    # A crash's pid file may name a process of this boot; single-user mode knows no standby.
    remove_file(directory / "postmaster.pid")
    standby = directory / "standby.signal"
    was_standby = standby.exists()
    remove_file(standby)
    argv = [
        str(layout.bin_dir / "pg_rewind"),
        f"--target-pgdata={directory}",
        f"--source-server={conninfo(upstream)} dbname=postgres",
        f"--config-file={layout.config_dir / 'postgresql.conf'}",
    ]
    done = runner.run(as_user("postgres", argv), timeout=timeout, env={"HOME": "/var/lib/postgresql"})
    if not done.ok:
        words = [line for line in done.stderr.splitlines() if "error:" in line or "FATAL" in line or "fatal:" in line]
        why = f"pg_rewind: {(words or [done.reason])[-1]}"
        if untouched(f"{done.stdout}\n{done.stderr}"):
            if was_standby:
                replace_file(standby, "", mode=0o600, owner="postgres")
            remove_file(marker_path(layout))
            raise RewindFailed(f"{why}; it has changed nothing")
        mark(layout, {**note, "why": f"a rewind of it failed ({(words or [done.reason])[-1]})"})
        raise RewindFailed(f"{why}; its data is of no use any more, the next run takes a copy")
    as_standby(layout, upstream)
    remove_file(marker_path(layout))
    return done.reason
