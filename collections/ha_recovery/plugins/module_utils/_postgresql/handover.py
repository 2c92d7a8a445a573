# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand the primary's role over between two healthy hosts: stop here, catch up and promote there.

Source: PostgreSQL manual, "Shutting Down the Server" (a fast shutdown sends all WAL, up to its checkpoint, to the
standbys that stream) and "Backup Control Functions" (pg_promote). pg_promote(wait => true) looks only every 100 ms,
so it is asked not to wait, and we look ourselves.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import (
    server_processes,
    stop_server,
    wait_gone,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, postmaster_pid
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.live import LiveError
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import read_control
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json

POLL_S = 0.005
CAUGHT_UP = """SELECT json_build_object('standby', pg_is_in_recovery(),
 'received', pg_last_wal_receive_lsn(), 'replayed', pg_last_wal_replay_lsn())"""
PROMOTED = """SELECT json_build_object('standby', pg_is_in_recovery(), 'timeline', CASE WHEN NOT pg_is_in_recovery()
 THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END)"""


class HandoverFailed(Exception):
    """A step did not end as it should; the message says what was seen."""


class Asks(Protocol):
    """A live psql."""

    def ask(self, sql: str, timeout: float = 2.0) -> Any:
        """One JSON value."""


def is_shut_down(directory: Path) -> bool:
    """The shutdown checkpoint is on disk: from here on this server writes nothing any more.

    Source: src/include/catalog/pg_control.h, DBState at byte 16 since version 8; 1 is DB_SHUTDOWNED. Read directly, for
    pg_controldata takes some milliseconds, and clients wait.
    """
    try:
        with (directory / "global/pg_control").open("rb") as stream:
            return int.from_bytes(stream.read(20)[16:20], sys.byteorder) == 1
    except OSError:
        return False


def _ended(directory: Path, timeout: float, gone: bool) -> bool:
    deadline = time.monotonic() + timeout
    while server_processes(directory):
        if not gone and is_shut_down(directory):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def stop_cleanly(runner: Runner, layout: Layout, timeout: float, *, gone: bool = True) -> dict[str, Any]:
    """Fast shutdown, until no process is left and the control file says so.

    Returns {shutdown_lsn, timeline, seconds}. The signal goes to the postmaster itself, for Debian's stop program costs
    0.2 s; systemd is told afterwards, so that it does not take the end for a failure. ``gone=False``: until the
    shutdown checkpoint is on disk. All that the server does then is to send its last WAL to standbys and to the
    archive, which can take seconds.
    """
    began = time.monotonic()
    directory = layout.data_directory().resolve()
    pid = postmaster_pid(directory)
    if pid is not None:
        os.kill(pid, signal.SIGINT)
        if not _ended(directory, timeout, gone):
            raise HandoverFailed(
                f"the server did not shut down within {timeout:g} s (it waits for standbys to take the last WAL)"
            )
    control = read_control(runner, layout)
    if control is None or control.state not in {"shut down", "shut down in recovery"}:
        state = control.state if control else "not readable"
        raise HandoverFailed(f"the server ended, but its control file is '{state}' instead of 'shut down'")
    return {
        "shutdown_lsn": control.checkpoint_lsn,
        "timeline": control.timeline,
        "seconds": round(time.monotonic() - began, 3),
    }


def let_it_end(layout: Layout, timeout: float) -> None:
    """Wait for the rest of a server that was shut down, which archives its last segment; then end it without asking.

    All that is lost then is that attempt to archive: the shutdown checkpoint is on disk.
    """
    directory = layout.data_directory().resolve()
    if not wait_gone(directory, timeout, POLL_S):
        stop_server(layout, 5)


def tell_systemd(runner: Runner, layout: Layout) -> None:
    """Bring systemd's view in line with a server that was stopped by a signal."""
    runner.run(["systemctl", "stop", layout.unit], timeout=20)
    runner.run(["systemctl", "reset-failed", layout.unit], timeout=5)


def wait_caught_up(psql: Asks, shutdown_lsn: str, timeout: float) -> dict[str, Any]:
    """Until the standby has replayed the primary's shutdown checkpoint, so that nothing of it can be missing.

    The record that begins at ``shutdown_lsn`` is the last one; having replayed past its beginning is having it all.
    """
    began = time.monotonic()
    wanted = parse_lsn(shutdown_lsn)
    while True:
        seen = psql.ask(CAUGHT_UP)
        if not seen["standby"]:
            raise HandoverFailed("it is no standby any more")
        replayed = seen["replayed"]
        if replayed is not None and parse_lsn(replayed) > wanted:
            return {"replayed_lsn": replayed, "seconds": round(time.monotonic() - began, 3)}
        if time.monotonic() - began > timeout:
            raise HandoverFailed(
                f"after {timeout:g} s it has replayed up to {replayed}; the old primary's last record begins at "
                f"{shutdown_lsn}"
            )
        time.sleep(POLL_S)


def promote_now(psql: Asks, timeout: float) -> dict[str, Any]:
    """Promote and wait until it is writable. Returns {timeline, seconds}."""
    began = time.monotonic()
    if psql.ask("SELECT to_json(pg_promote(wait => false))") is not True:
        raise HandoverFailed("pg_promote() answered false")
    while True:
        try:
            seen = psql.ask(PROMOTED)
        except LiveError as error:
            raise HandoverFailed(f"it was told to promote and then did not answer: {error}") from error
        if not seen["standby"]:
            return {"timeline": seen["timeline"], "seconds": round(time.monotonic() - began, 3)}
        if time.monotonic() - began > timeout:
            raise HandoverFailed(f"{timeout:g} s after pg_promote() it is still a standby")
        time.sleep(POLL_S)


HELD = """SELECT coalesce(json_agg(slot_name ORDER BY slot_name), '[]') FROM pg_replication_slots
 WHERE slot_type = 'physical' AND NOT active AND restart_lsn IS NOT NULL"""
RENEW = """SELECT to_json(pg_drop_replication_slot(slot_name) IS NULL) FROM pg_replication_slots
 WHERE slot_name = '{name}' AND NOT active;
SELECT pg_create_physical_replication_slot('{name}') WHERE NOT EXISTS
 (SELECT FROM pg_replication_slots WHERE slot_name = '{name}') \\g /dev/null"""


def release_slots(runner: Runner, layout: Layout) -> list[str]:
    """Make the slots of a former primary anew, so that those nobody uses any more hold no WAL. Returns their names."""
    found = query_json(runner, layout, HELD)
    if not found.ok:
        raise HandoverFailed(f"its slots are not known: {found.error}")
    for name in found.value:
        done = query_json(runner, layout, RENEW.format(name=name))
        if not done.ok:
            raise HandoverFailed(f"the slot {name} could not be made anew: {done.error}")
    return list(found.value)
