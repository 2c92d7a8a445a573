# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seed an empty data directory with a copy of the primary: what to do, how to say it, how far it is.

Pure. Source: PostgreSQL manual, pg_basebackup; systemd-run(1).

The copy grows in ``<data directory>.seeding`` and is renamed in one step when it is complete and marked as a standby's.
So a data directory is either empty or whole, a half copy is told by its name, and a host that reboots at any moment
cannot come up as a second primary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PROGRESS = re.compile(r"^\s*(\d+)/(\d+) kB \((\d+)%\)")


class SeedRefused(Exception):
    """The data directory must not be written. The message says what was seen, what was expected and what to do."""


@dataclass(frozen=True)
class Target:
    """The host to be seeded. ``unit_state`` is systemd's ActiveState of the copy's own unit."""

    host: str
    data_directory: str
    data_state: str
    system_identifier: str | None
    is_mount: bool
    unit_state: str


@dataclass(frozen=True)
class Progress:
    """How far a copy is; sizes in bytes. ``total`` is the server's estimate and may grow."""

    copied: int = 0
    total: int = 0
    percent: int = 0


def plan_seed(target: Target, source_host: str, source_identifier: str) -> str:
    """What to do: ``done`` (is a copy already), ``wait`` (a copy is under way) or ``start``."""
    where = f"{target.host}:{target.data_directory}"
    if target.data_state == "initialized":
        if target.system_identifier == source_identifier:
            return "done"
        raise SeedRefused(
            f"{where} holds another cluster (system identifier {target.system_identifier}); expected an empty "
            f"directory or a copy of {source_host} (system identifier {source_identifier}). It is never overwritten. "
            f"Next: move it away yourself on {target.host}, or take {target.host} out of the inventory."
        )
    if target.data_state != "absent":
        raise SeedRefused(
            f"{where} holds files that are not a complete cluster; expected an empty directory. They are never "
            f"overwritten. Next: look at them and move them away yourself on {target.host}."
        )
    if target.is_mount:
        raise SeedRefused(
            f"{where} is a mount point; expected a directory below one, so that a complete copy can be renamed into "
            f'place (PostgreSQL manual, "Use of Secondary File Systems"). Next: mount the file system one level higher.'
        )
    return "wait" if target.unit_state in ("active", "activating", "deactivating") else "start"


def parse_progress(text: str) -> Progress:
    """The last progress line that ``pg_basebackup --progress`` wrote."""
    for line in reversed(text.replace("\r", "\n").splitlines()):
        found = _PROGRESS.match(line)
        if found:
            copied, total, percent = (int(value) for value in found.groups())
            return Progress(copied * 1024, total * 1024, min(percent, 100))
    return Progress()


def last_words(text: str) -> str:
    """Why the copy failed: the last lines that are not progress."""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    return " ".join([line for line in lines if line and not _PROGRESS.match(line)][-3:])


def describe(progress: Progress, seconds: float) -> str:
    """One line for a person who waits."""
    if not progress.total:
        return f"the primary prepares the copy (checkpoint), {seconds:.0f} s so far"
    return f"{progress.percent} % copied ({size(progress.copied)} of {size(progress.total)})"


def size(count: int) -> str:
    """Bytes as people read them."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB" if value < 1024 else f"{value / 1024:.1f} TiB"


def copy_argv(
    *, unit: str, log: str, program: str, conninfo: str, slot: str, data_directory: str, max_rate: str
) -> Sequence[str]:
    """The copy as a systemd unit of its own: it goes on when the connection to the host breaks.

    The steps after the copy run only when it succeeded. ``mv -T`` renames over an empty directory, over nothing else.
    """
    staging = f"{data_directory}.seeding"
    copy = [
        program,
        f"--dbname={conninfo}",
        f"--pgdata={staging}",
        "--wal-method=stream",
        f"--slot={slot}",
        "--checkpoint=fast",
        "--progress",
        "--no-password",
    ]
    if max_rate:
        copy.append(f"--max-rate={max_rate}")
    return [
        "systemd-run",
        "--quiet",
        "--no-block",
        f"--unit={unit}",
        "--service-type=oneshot",
        "--description=Copy of the primary into an empty data directory",
        "--property=User=postgres",
        "--property=Group=postgres",
        "--property=TimeoutStartSec=infinity",
        "--property=UMask=0077",
        "--property=Nice=5",
        "--setenv=LC_ALL=C",
        f"--property=StandardOutput=append:{log}",
        "--property=StandardError=inherit",
        f"--property=ExecStartPost=/usr/bin/install -m 600 /dev/null {staging}/standby.signal",
        f"--property=ExecStartPost=/usr/bin/mv -T {staging} {data_directory}",
        *copy,
    ]
