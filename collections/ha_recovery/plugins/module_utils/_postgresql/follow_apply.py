# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a follow plan on this host and wait until WAL streams."""

from __future__ import annotations

import os
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


def start_server(runner: Runner, layout: Layout, *, port: int = 5432, timeout: float, every: float = 0.05) -> None:
    """Start it, and wait until it answers. systemd's own wait is 2 s longer: Debian's program naps."""
    done = runner.run(["systemctl", "start", "--no-block", layout.unit], timeout=10)
    if not done.ok:
        raise FollowFailed(f"{layout.unit} did not start: {done.reason}; see journalctl -u {layout.unit}")
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
