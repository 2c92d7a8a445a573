# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of a switchover on the database hosts. What takes time is prepared beforehand and kept in this process.

Until ``hand_over_demote`` has been answered, the end of the session starts a stopped primary again: a control node that
dies before the point of no return leaves everything as it was.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import handover
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import FenceFailed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import (
    FollowRefused,
    replication_conf,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_apply import FollowFailed, start_server
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_run import (
    DEFAULTS,
    run_follow,
    upstream_of,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import (
    Layout,
    detect_version,
    postmaster_pid,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.live import (
    LiveError,
    LivePsql,
    psql_command,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.peers import ask_peer
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import at_end
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

READY = "SELECT json_build_object('standby', pg_is_in_recovery(), 'lsn', pg_last_wal_receive_lsn())"
UNDO = "start the old primary again"
# How long a stopped primary may take to send its last segment to the archive before it comes back as a standby.
ARCHIVE_S = 20.0


@dataclass
class _Prepared:
    layout: Layout
    psql: LivePsql
    probe_pid: int
    probe_address: str


_prepared: dict[str, _Prepared] = {}


def _here() -> _Prepared:
    if "here" not in _prepared:
        raise CallFailed("hand_over_prepare was not called in this session")
    return _prepared["here"]


def _layout(args: Mapping[str, Any]) -> Layout:
    cluster = str(args.get("cluster") or "main")
    return Layout(str(args.get("version") or detect_version(cluster) or "0"), cluster)


def prepare(args: Mapping[str, Any]) -> dict[str, Any]:
    """Open what the next calls need. ``role``: primary or standby, as the plan has it; ``address``: of the probe."""
    layout = _layout(args)
    runner = HostRunner()
    psql = LivePsql(psql_command(layout, int(args.get("port") or 5432)))
    try:
        seen = psql.ask(READY, timeout=5)
    except LiveError as error:
        raise CallFailed(f"Postgres does not answer: {error}") from error
    role = "standby" if seen["standby"] else "primary"
    if role != args["role"]:
        raise CallFailed(f"it is a {role} now, the plan was made with a {args['role']}")
    shown = runner.run(["systemctl", "show", "--property=MainPID", "--value", "role_probe.service"], timeout=3)
    text = shown.stdout.strip()
    _prepared["here"] = _Prepared(layout, psql, int(text) if text.isdigit() else 0, str(args["address"]))
    return {"role": role, "received_lsn": seen["lsn"]}


def checkpoint(args: Mapping[str, Any]) -> dict[str, Any]:
    """CHECKPOINT, so that the one of the shutdown has little to write."""
    began = time.monotonic()
    try:
        _here().psql.ask("CHECKPOINT; SELECT to_json(true)", timeout=float(args.get("timeout") or 60))
    except LiveError as error:
        raise CallFailed(f"CHECKPOINT: {error}") from error
    return {"seconds": round(time.monotonic() - began, 3)}


def _start(layout: Layout) -> None:
    HostRunner().run(["systemctl", "reset-failed", layout.unit], timeout=5)
    done = HostRunner().run(["systemctl", "start", layout.unit], timeout=60)
    if not done.ok:
        raise CallFailed(f"{layout.unit} did not start: {done.reason}; see journalctl -u {layout.unit}")


def stop(args: Mapping[str, Any]) -> dict[str, Any]:
    """Stop this primary cleanly. From here on the end of the session starts it again."""
    here = _here()
    here.psql.close()
    at_end(UNDO, lambda: _undo_stop(here.layout))
    try:
        result = handover.stop_cleanly(HostRunner(), here.layout, float(args.get("timeout") or 15), gone=False)
    except handover.HandoverFailed as error:
        raise CallFailed(str(error)) from error
    result["probe_s"] = _probe_says(here, primary=False)
    return result


def _probe_says(here: _Prepared, *, primary: bool, timeout: float = 0.5) -> float | None:
    """Have the role probe look again; seconds until it says so, None when it did not in time.

    A load balancer's check that gets an old answer would undo the turning for half a second.
    """
    began = time.monotonic()
    if not here.probe_pid:
        return None
    os.kill(here.probe_pid, signal.SIGUSR1)
    while time.monotonic() - began < timeout:
        if (ask_peer(here.probe_address, timeout=0.2)["primary_status"] == 200) is primary:
            return round(time.monotonic() - began, 3)
        time.sleep(0.005)
    return None


def _undo_stop(layout: Layout) -> None:
    """As it was: no standby.signal, running. A shutdown under way is waited for."""
    end = time.monotonic() + 60
    while postmaster_pid(layout.data_directory()) is not None and time.monotonic() < end:
        if (layout.data_directory() / "postmaster.pid").read_text().split()[-1:] == ["ready"]:
            return  # it was never told to stop
        time.sleep(0.1)
    remove_file(layout.data_directory() / "standby.signal")
    _start(layout)


def undo(_args: Mapping[str, Any]) -> dict[str, Any]:
    """Give up before the point of no return: the old primary serves again."""
    here = _here()
    at_end(UNDO, None)
    _undo_stop(here.layout)
    return {"started": True}


def start(args: Mapping[str, Any]) -> dict[str, Any]:
    """Start the stopped primary again, and wait until it answers and its role probe says so."""
    here = _here()
    try:
        handover.let_it_end(here.layout, ARCHIVE_S)
        HostRunner().run(["systemctl", "reset-failed", here.layout.unit], timeout=5)
        start_server(HostRunner(), here.layout, timeout=float(args.get("timeout") or 60))
    except (FollowFailed, FenceFailed) as error:
        raise CallFailed(str(error)) from error
    at_end(UNDO, None)
    return {"started": True, "probe_s": _probe_says(here, primary=True)}


def demote(args: Mapping[str, Any]) -> dict[str, Any]:
    """Make the stopped server a standby of the new primary, on disk: whatever starts it now, it is not writable."""
    layout = _prepared["here"].layout if "here" in _prepared else _layout(args)
    upstream = upstream_of({**DEFAULTS, **args}, layout)
    replace_file(layout.data_directory() / "standby.signal", "", mode=0o600, owner="postgres")
    replace_file(layout.replication_conf, replication_conf(upstream), mode=0o640, owner="postgres")
    at_end(UNDO, None)
    return {"standby": True}


def caught_up(args: Mapping[str, Any]) -> dict[str, Any]:
    """Wait until everything of the old primary, its shutdown included, has been replayed here."""
    try:
        return handover.wait_caught_up(_here().psql, args["shutdown_lsn"], float(args.get("timeout") or 5))
    except (handover.HandoverFailed, LiveError) as error:
        raise CallFailed(str(error)) from error


def promote(args: Mapping[str, Any]) -> dict[str, Any]:
    """Promote this host, and wait until its role probe says so too (``probe_s`` null: it did not within 0.5 s)."""
    here = _here()
    try:
        result = handover.promote_now(here.psql, float(args.get("timeout") or 15))
    except (handover.HandoverFailed, LiveError) as error:
        raise CallFailed(str(error)) from error
    result["probe_s"] = _probe_says(here, primary=True)
    return result


def follow(args: Mapping[str, Any]) -> dict[str, Any]:
    """As M(sre.ha_recovery.postgresql_follow) does it; a server that a signal stopped is made known to systemd."""
    given = dict(args)
    release = given.pop("release_slots", False)
    layout = _layout(given)
    if given.pop("stopped_by_signal", False):
        try:
            handover.let_it_end(layout, ARCHIVE_S)
        except FenceFailed as error:
            raise CallFailed(str(error)) from error
        handover.tell_systemd(HostRunner(), layout)
    try:
        result = run_follow(HostRunner(), given)
        if release:
            result["released_slots"] = handover.release_slots(HostRunner(), layout)
    except (FollowRefused, FollowFailed, handover.HandoverFailed) as error:
        raise CallFailed(str(error)) from error
    return result
