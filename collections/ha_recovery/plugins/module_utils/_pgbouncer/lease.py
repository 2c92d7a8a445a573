# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a pause: until when a pool may stay paused if nobody says otherwise.

A timer of systemd on the load balancer itself fires when the lease is over and resumes the pool, so that a control node
that dies leaves no pool paused. Each renewal starts a timer of its own and then moves the deadline in the lease's file;
a timer that fires before the deadline does nothing, so that none ever has to be replaced.

Pure. Times are those of CLOCK_MONOTONIC in seconds, which every process of a host shares, systemd among them.
Also installed on the load balancer: standard library only, no relative imports.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

#: How late systemd may fire the timer.
ACCURACY = "10ms"


@dataclass(frozen=True)
class Lease:
    """``deadline_s`` on the monotonic clock, the ``seconds`` it was given for, and ``by`` whom."""

    deadline_s: float
    seconds: float
    by: str = ""

    def remaining(self, now_s: float) -> float:
        """Seconds until the pool resumes by itself; 0 when that is due."""
        return max(0.0, self.deadline_s - now_s)

    def due(self, now_s: float) -> bool:
        """True when the pool has to be resumed."""
        return now_s >= self.deadline_s


def render(lease: Lease) -> str:
    """The lease's file."""
    return json.dumps(asdict(lease)) + "\n"


def parse(text: str) -> Lease | None:
    """The lease in a file's text; None when there is none. Text that is not a lease counts as one that is over."""
    if not text.strip():
        return None
    try:
        data = json.loads(text)
        return Lease(float(data["deadline_s"]), float(data["seconds"]), str(data.get("by", "")))
    except (ValueError, KeyError, TypeError):
        return Lease(0.0, 0.0, "unreadable lease")


def timer_pattern(pool: str) -> str:
    """The timers of one pool, as a pattern for systemctl."""
    return f"pgbouncer-lease-{pool}-*.timer"


def timer_command(pool: str, lease: Lease, program: str) -> list[str]:
    """Start the timer. It counts from now on, after ``deadline_s`` was worked out: it never fires early."""
    return [
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit=pgbouncer-lease-{pool}-{int(lease.deadline_s * 1000)}",
        f"--description=End of the lease of PgBouncer's pool {pool}",
        f"--on-active={lease.seconds:g}s",
        f"--timer-property=AccuracySec={ACCURACY}",
        # The pool must be resumed: a program that is killed, or finds PgBouncer too busy to answer, tries again.
        "--property=Restart=on-failure",
        "--property=RestartSec=200ms",
        "--property=StartLimitIntervalSec=0",
        "--setenv=LC_ALL=C",
        "/usr/bin/python3",
        "-B",
        "-E",
        "-s",
        program,
        pool,
    ]
