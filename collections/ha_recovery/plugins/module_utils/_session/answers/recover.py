# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of a whole-cluster restore from the files on. Each looks first and does what is missing, as its siblings do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import restore, restore_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_note import (
    ENDS,
    read_note,
    update_note,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import target_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import rewind
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import is_masked, server_processes
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import slot_name_for
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_apply import (
    FollowFailed,
    start_server,
    wait_streaming,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_run import DEFAULTS, upstream_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, data_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote import DEGRADED_CONF
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote_apply import (
    WRITABLE_QUERY,
    reload_server,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.maintenance import layout_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.rejoin import MISSING, lift
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

OVERRIDE = Path("/run/ha_recovery/boot_guard_override")
RECOVERY = """SELECT json_build_object('recovering', pg_is_in_recovery(),
 'paused', CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() = 'paused' ELSE false END,
 'lsn', coalesce(pg_last_wal_replay_lsn()::text, ''),
 'commit_at', coalesce(to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00',
  ''))"""
PROMOTE = "SELECT to_json(pg_promote(true, 120))"
LOG_BYTES = 1 << 18


def _conf(layout: Layout) -> Path:
    return layout.config_dir / "conf.d" / "96-restore.conf"


def _unmask(runner: HostRunner, layout: Layout) -> None:
    if is_masked(layout):
        done = runner.run(["systemctl", "unmask", layout.unit], timeout=10)
        if not done.ok:
            raise CallFailed(f"systemctl unmask {layout.unit}: {done.reason}")
    runner.run(["systemctl", "reset-failed", layout.unit], timeout=5)


def _server_log(layout: Layout) -> str:
    path = Path(layout.root, f"var/log/postgresql/postgresql-{layout.version}-{layout.cluster}.log")
    return restore.since_start(restore_files.tail(path, LOG_BYTES))


def recover(args: Mapping[str, Any]) -> dict[str, Any]:
    """Start the restored server as a standby of nobody, or look how far it is; wait at most ``wait`` s for its target.

    {state: reached, going on or missed; words, stopped, lsn, commit_at}.
    """
    layout, runner, target = layout_of(args), HostRunner(), target_from(args["target"])
    known = read_note(layout)
    proof = known.get("proof") or {}
    if known.get("phase") in ("proven", "promoted", *ENDS) and proof:
        return {**proof, "changed": False}
    changed = False
    if not server_processes(layout.data_directory().resolve()):
        if not args.get("begin"):
            why = restore.fatal_words(_server_log(layout)) or f"see journalctl -u {layout.unit}"
            raise CallFailed(f"the server ended while it recovered: {why}")
        _begin_recovery(runner, layout, args)
        changed = True
    end, moved, last = time.monotonic() + float(args.get("wait") or 15), time.monotonic(), ""
    while True:
        answer = query_json(runner, layout, RECOVERY, timeout=5)
        value = answer.value if answer.ok else {}
        if answer.ok and not value["recovering"]:
            raise CallFailed("the restored server is writable before its target was proven; expected a standby")
        if value.get("lsn", "") != last:
            last, moved = value.get("lsn", ""), time.monotonic()
        seen = restore.Recovery(
            bool(value.get("paused")), last, value.get("commit_at", ""), time.monotonic() - moved, _server_log(layout)
        )
        judged = restore.judge(target, seen, end_lsn=str(args.get("end_lsn") or "0/0"))
        result = {"state": judged.state, "words": judged.words, "stopped": judged.stopped, "lsn": seen.lsn,
                  "commit_at": seen.commit_at}  # fmt: skip
        if judged.state == "reached":
            update_note(layout, phase="proven", proof=result)
        if judged.state != "going on" or time.monotonic() >= end:
            return {**result, "changed": changed or judged.state == "reached"}
        if not answer.ok and not server_processes(layout.data_directory().resolve()):
            why = restore.fatal_words(_server_log(layout)) or answer.error
            raise CallFailed(f"the server ended while it recovered: {why}")
        time.sleep(0.3)


def _begin_recovery(runner: HostRunner, layout: Layout, args: Mapping[str, Any]) -> None:
    directory = layout.data_directory()
    if data_state(directory, layout.version) != "initialized":
        raise CallFailed(f"{directory} holds no complete cluster; expected the restored one")
    target = target_from(args["target"])
    text = restore.recovery_conf(str(args["stanza"]), target, int(args["timeline"]))
    remove_file(directory / "postmaster.pid")
    remove_file(directory / "recovery.signal")
    replace_file(directory / "standby.signal", "", mode=0o600, owner="postgres")
    replace_file(_conf(layout), text, mode=0o640, owner="postgres")
    update_note(layout, phase="recovering")
    lift(args)
    _unmask(runner, layout)
    done = runner.run(["systemctl", "start", "--no-block", layout.unit], timeout=10)
    if not done.ok:
        raise CallFailed(f"{layout.unit} did not start: {done.reason}")
    end = time.monotonic() + 20
    while not server_processes(directory.resolve()):
        state = runner.run(["systemctl", "is-active", layout.unit], timeout=5).stdout.strip()
        if state == "failed" or time.monotonic() > end:
            raise CallFailed(
                f"{layout.unit} did not start (it is {state or 'silent'}); see journalctl -u {layout.unit}"
            )
        time.sleep(0.1)


def promote(args: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was proven is promoted; then it runs with its usual settings, and a slot for every peer.

    ``alone``: no standby is there yet, so that commits do not wait for one.
    """
    layout, runner = layout_of(args), HostRunner()
    known = read_note(layout)
    if known.get("phase") not in ("proven", "promoted", *ENDS):
        raise CallFailed(f"that it came to its target is not proven (phase {known.get('phase')}); it was not promoted")
    changed = False
    asked = query_json(runner, layout, RECOVERY, timeout=5)
    if not asked.ok and not server_processes(layout.data_directory().resolve()):
        _restart(runner, layout, str(args["by"]))
        asked = query_json(runner, layout, RECOVERY, timeout=5)
    if not asked.ok:
        raise CallFailed(f"Postgres does not answer: {asked.error}")
    if args.get("alone") and known.get("phase") == "proven" and not layout.degraded_conf.exists():
        replace_file(layout.degraded_conf, DEGRADED_CONF, mode=0o640, owner="postgres")
        reload_server(layout)
        changed = True
    if asked.value["recovering"]:
        done = query_json(runner, layout, PROMOTE, timeout=125)
        if not done.ok or done.value is not True:
            raise CallFailed(f"pg_promote() did not finish within 120 s: {done.error or 'it answered false'}")
        changed = True
    # What it recovered to can only be changed by a restart. Nobody but us is connected.
    if _conf(layout).exists():
        remove_file(_conf(layout))
        query_json(runner, layout, "CHECKPOINT; SELECT to_json(true)", timeout=120)
        runner.run(["systemctl", "stop", layout.unit], timeout=120)
        _restart(runner, layout, str(args["by"]))
        changed = True
    seen = query_json(runner, layout, WRITABLE_QUERY, timeout=10)
    if not seen.ok:
        raise CallFailed(f"it does not accept writes: {seen.error}")
    values = ", ".join(f"('{slot_name_for(str(peer))}')" for peer in args.get("peers") or ())
    made = query_json(runner, layout, MISSING.format(names=values), timeout=10) if values else None
    if made is not None and not made.ok:
        raise CallFailed(f"the slots for its peers could not be made: {made.error}")
    timeline = int(seen.value["timeline"])
    _history_archived(layout, timeline)
    if known.get("phase") == "proven":
        update_note(layout, phase="promoted", new_timeline=timeline)
    return {"changed": changed, "timeline": timeline, "lsn": seen.value["lsn"]}


def _restart(runner: HostRunner, layout: Layout, by: str) -> None:
    """Load balancers keep this host away and its peers are held, which the boot guard would rightly refuse."""
    OVERRIDE.parent.mkdir(mode=0o755, exist_ok=True)
    replace_file(OVERRIDE, f"{by}\n", mode=0o644, owner="root")
    runner.run(["systemctl", "reset-failed", layout.unit], timeout=5)
    try:
        start_server(runner, layout, timeout=120)
    except FollowFailed as error:
        raise CallFailed(str(error)) from error
    finally:
        OVERRIDE.unlink(missing_ok=True)


def _history_archived(layout: Layout, timeline: int, within: float = 60.0) -> None:
    """The others learn of the new timeline from the archive."""
    status = layout.data_directory() / "pg_wal" / "archive_status"
    end = time.monotonic() + within
    while (status / f"{timeline:08X}.history.ready").exists():
        if time.monotonic() > end:
            raise CallFailed(
                f"the history of timeline {timeline} is not archived after {within:g} s; see the log of pgbackrest"
            )
        time.sleep(0.2)


def follow(args: Mapping[str, Any]) -> dict[str, Any]:
    """Start a rebuilt host as a standby; what streaming cannot give it comes out of the archive; wait until it does."""
    layout, runner = layout_of(args), HostRunner()
    upstream, limit = upstream_of({**DEFAULTS, **args}, layout), float(args.get("timeout") or 600)
    running = bool(server_processes(layout.data_directory().resolve()))
    try:
        changed = rewind.as_standby(layout, upstream) or not running
        if not running:
            replace_file(
                _conf(layout),
                restore.recovery_conf(str(args["stanza"]), None, 0),
                mode=0o640,
                owner="postgres",
            )
            changed = lift(args)["changed"] or changed
            _unmask(runner, layout)
            start_server(runner, layout, timeout=limit)
        seen = wait_streaming(runner, layout, upstream, port=5432, timeout=limit)
        if _conf(layout).exists():
            remove_file(_conf(layout))
            reload_server(layout)
            changed = True
        values = ", ".join(f"('{slot_name_for(str(peer))}')" for peer in args.get("peers") or ())
        made = query_json(runner, layout, MISSING.format(names=values), timeout=10) if values else None
    except FollowFailed as error:
        raise CallFailed(str(error)) from error
    if made is not None and not made.ok:
        raise CallFailed(f"it streams, but the slots for its peers could not be made: {made.error}")
    return {**seen, "changed": changed}
