# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pgbouncer_lease POOL: resume the pool if the lease of its pause is over.

Timers of systemd run it (see the module pgbouncer_pool). It does nothing while the lease lasts: each renewal has
started a timer of its own, and one of an earlier deadline still fires. It lies beside the modules that it shares with
the collection's modules, as one folder that Python runs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import console
import lease
import state
from state_store import Busy, lock, read

LOCK_WAIT_S = 5.0


def main(arguments: list[str], run: str = "/run") -> int:
    """Status 1, and another try by systemd, when the pool could not be resumed though that is due."""
    pool = arguments[0]
    path = f"{run}/ha_recovery/pgbouncer_{pool}.lease"
    try:
        with lock(path, LOCK_WAIT_S):
            found = lease.parse(read(path))
            if found is None or not found.due(time.monotonic()):
                return 0
            given = resume(f"{run}/pgbouncer/{pool}")
            Path(path).unlink(missing_ok=True)
    except console.NotRunning as error:
        # A PgBouncer that starts again has forgotten the pause.
        Path(path).unlink(missing_ok=True)
        print(f"pgbouncer_lease {pool}: the lease of {found.seconds:g} s is over; {error}", file=sys.stderr)
        return 0
    except (OSError, Busy, console.ConsoleError) as error:
        print(f"pgbouncer_lease {pool}: cannot resume the pool: {error}", file=sys.stderr)
        return 1
    print(
        f"pgbouncer_lease {pool}: the lease of {found.seconds:g} s ({found.by or 'nobody named'}) was not renewed; "
        f"{', '.join(given) or 'nothing was paused'}",
        file=sys.stderr,
    )
    return 0


def resume(directory: str) -> list[str]:
    """End every pause of the pool; returns the commands that did. Raises ConsoleError."""
    given = []
    with console.connect(directory) as session:
        pooler = state.pooler_of(session.query("SHOW DATABASES"), [], None)
        for command in state.to_resume(pooler, pooler.databases, everything=False):
            session.query(command)
            given.append(command)
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
