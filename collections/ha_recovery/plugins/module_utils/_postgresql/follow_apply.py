# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a follow plan on this host and wait until WAL streams."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import (
    FollowPlan,
    Upstream,
    streams_from,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, postmaster_pid
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json

# Small enough to be asked often: only what tells whether WAL streams, and from whom.
STREAM_QUERY = """
SELECT json_build_object('standby', pg_is_in_recovery(),
  'received_lsn', greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()),
  'wal_receiver', (SELECT json_build_object('status', status, 'sender_host', sender_host,
    'sender_port', sender_port, 'slot_name', slot_name) FROM pg_stat_wal_receiver WHERE pid IS NOT NULL))
"""


_RECOVERING = re.compile(r"\bstartup\s+(?:recovering|waiting for) ([0-9A-F]{24})")


class FollowFailed(Exception):
    """The node did not come to stream. The message says what the server or systemd answered."""


def apply_follow(runner: Runner, layout: Layout, plan: FollowPlan, *, timeout: float) -> None:
    """Write what the plan says, then reload or start the server."""
    if plan.write_conf:
        replace_file(layout.replication_conf, plan.after, mode=0o640, owner="postgres")
    if plan.write_signal:
        replace_file(layout.data_directory() / "standby.signal", "", mode=0o600, owner="postgres")
    if plan.reload:
        # A signal rather than pg_reload_conf(): it also reaches a standby that does not accept connections yet.
        pid = postmaster_pid(layout.data_directory())
        if pid is None:
            raise FollowFailed(
                "the server stopped while its configuration was being written; run the same command again"
            )
        os.kill(pid, signal.SIGHUP)
    if plan.start:
        start_server(runner, layout, timeout=timeout)


def begin_server(runner: Runner, layout: Layout) -> None:
    """Have it started. A restored one accepts connections when it has replayed what was written during the backup."""
    done = runner.run(["systemctl", "start", "--no-block", layout.unit], timeout=10)
    if not done.ok:
        raise FollowFailed(f"{layout.unit} did not start: {done.reason}; see journalctl -u {layout.unit}")


def start_server(runner: Runner, layout: Layout, *, port: int = 5432, timeout: float, every: float = 0.05) -> None:
    """Start it, and wait until it answers. systemd's own wait is 2 s longer: Debian's program naps."""
    begin_server(runner, layout)
    deadline = time.monotonic() + timeout
    while True:
        answer = query_json(runner, layout, "SELECT to_json(true)", port=port, timeout=2.0)
        if answer.ok:
            return
        # "activating" while the start program runs, "inactive" only before it or when it was stopped again.
        state = runner.run(["systemctl", "is-active", layout.unit], timeout=5).stdout.strip()
        if state == "failed" or time.monotonic() >= deadline:
            raise FollowFailed(
                f"{layout.unit} did not start (it is {state or 'silent'}): {answer.error}; "
                f"see journalctl -u {layout.unit} and the log below /var/log/postgresql"
            )
        time.sleep(every)


def recovering(directory: Path, proc: Path = Path("/proc")) -> str:
    """The segment that a server which accepts no connections yet replays, out of its process's title; '' for none."""
    leader = postmaster_pid(directory)
    for entry in proc.iterdir() if leader is not None else ():
        try:
            argv = (entry / "cmdline").read_bytes().decode("utf-8", "replace") if entry.name.isdigit() else ""
            found = _RECOVERING.search(argv)
            if found and f"\nPPid:\t{leader}\n" in (entry / "status").read_text(encoding="utf-8"):
                return found.group(1)
        except OSError:
            continue  # it ended while we looked
    return ""


def catch_up(
    runner: Runner,
    layout: Layout,
    upstream: Upstream,
    *,
    port: int,
    wait: float,
    timeout: float,
    since: tuple[str, float] = ("", 0.0),
    every: float = 0.2,
) -> dict[str, Any]:
    """Wait until WAL streams, at most ``wait`` s; fail when nothing was replayed for ``timeout`` s.

    A server that was restored may need hours of WAL first. ``since``: (position, still_s) of the answer before.
    {finished, position, still_s, wal_receiver, waited_s}.
    """
    began = moved = time.monotonic()
    position, still = since
    while True:
        answer = query_json(runner, layout, STREAM_QUERY, port=port, timeout=2.0)
        value = answer.value if answer.ok else {"standby": True, "wal_receiver": None, "received_lsn": None}
        node = {"role": "standby" if value["standby"] else "primary", "wal_receiver": value["wal_receiver"]}
        now = time.monotonic()
        if answer.ok and streams_from(node, upstream):
            seen = {"finished": True, "position": position, "still_s": 0.0, "wal_receiver": value["wal_receiver"]}
            return {**seen, "waited_s": round(now - began, 3)}
        here = str(value["received_lsn"] or "") or recovering(layout.data_directory())
        if here and here != position:
            position, still, moved = here, 0.0, now
        elif still + now - moved >= timeout or _ended(runner, layout):
            raise FollowFailed(
                f"no WAL streams from {upstream.host} ({upstream.address}:{upstream.port}), and nothing was replayed "
                f"for {still + now - moved:.0f} s (it is at {position or 'its beginning'}): "
                f"{answer.error or 'no WAL receiver'}; "
                f"the server's log below {Path('/var/log/postgresql')} names the reason"
            )
        if now - began >= wait:
            seen = {"finished": False, "position": position, "still_s": round(still + now - moved, 3)}
            return {**seen, "wal_receiver": None, "waited_s": round(now - began, 3)}
        time.sleep(every)


def _ended(runner: Runner, layout: Layout) -> bool:
    """Whether there is no server any more, and none about to be."""
    if postmaster_pid(layout.data_directory()) is not None:
        return False
    return runner.run(["systemctl", "is-active", layout.unit], timeout=5).stdout.strip() in ("failed", "inactive")


def wait_streaming(
    runner: Runner, layout: Layout, upstream: Upstream, *, port: int, timeout: float, every: float = 0.1
) -> dict[str, Any]:
    """Ask until WAL streams from that upstream; returns the WAL receiver's row and the seconds it took."""
    began = time.monotonic()
    last = "no WAL receiver"
    while True:
        answer = query_json(runner, layout, STREAM_QUERY, port=port, timeout=2.0)
        if answer.ok:
            value = answer.value
            node = {"role": "standby" if value["standby"] else "primary", "wal_receiver": value["wal_receiver"]}
            if streams_from(node, upstream):
                return {"wal_receiver": value["wal_receiver"], "waited_s": round(time.monotonic() - began, 3)}
            receiver = value["wal_receiver"]
            last = (
                f"WAL receiver is {receiver['status']} from {receiver['sender_host']}"
                if receiver
                else "no WAL receiver"
            )
        else:
            last = answer.error
        if time.monotonic() - began >= timeout:
            raise FollowFailed(
                f"no WAL streams from {upstream.host} ({upstream.address}:{upstream.port}) after {timeout:g} s: "
                f"{last}; the server's log below {Path('/var/log/postgresql')} names the reason"
            )
        time.sleep(every)
