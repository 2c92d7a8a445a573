# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that bring a database host back as a standby. Until it is one on disk, its unit stays masked."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import (
    basebackup,
    basebackup_apply,
    diverged,
    rewind,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import is_masked, server_processes
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_run import run_fence
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, sync_directory
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import Upstream, slot_name_for
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_apply import (
    FollowFailed,
    begin_server,
    catch_up,
    start_server,
    wait_streaming,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_run import DEFAULTS, upstream_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.handover import RENEW
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, data_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote_apply import reload_server
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import restored_label, streams
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.maintenance import layout_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

GIB = 1 << 30
UNDER_WAY = ("active", "activating", "deactivating")
MISSING = """SELECT coalesce(json_agg(pg_create_physical_replication_slot(name)), '[]')
 FROM (VALUES {names}) AS wanted(name)
 WHERE name NOT IN (SELECT slot_name FROM pg_replication_slots)"""
# A primary that was promoted a moment ago has the old timeline in its control file, which pg_rewind goes by.
BEHIND = """SELECT to_json((SELECT timeline_id FROM pg_control_checkpoint())
 < ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int)"""
GONE = "the primary has no WAL for it any more"
SLOT = "SELECT to_json((SELECT coalesce(wal_status, 'new') FROM pg_replication_slots WHERE slot_name = '{name}'))"


def _upstream(args: Mapping[str, Any], layout: Layout) -> Upstream:
    return upstream_of({**DEFAULTS, **args}, layout)


def look(args: Mapping[str, Any]) -> dict[str, Any]:
    """What lies on the disk, as the decision wants it."""
    return rewind.look(HostRunner(), layout_of(args))


def hold(args: Mapping[str, Any]) -> dict[str, Any]:
    """Stop Postgres and keep it from starting, with a fence: an interrupted run leaves no server that could start."""
    try:
        return run_fence(HostRunner(), args)
    except Failed as error:
        raise CallFailed(str(error), error.result) from error


def save(args: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the WAL that only this host has, from ``lsn`` of ``timeline`` on, and list what committed in it."""
    layout = layout_of(args)
    shown = HostRunner().run([str(layout.bin_dir / "pg_controldata"), "-D", str(layout.data_directory())], timeout=5)
    found = re.search(r"^Bytes per WAL segment:\s+(\d+)$", shown.stdout, re.MULTILINE)
    try:
        return diverged.save(
            HostRunner(),
            layout,
            timeline=int(args["timeline"]),
            start=str(args["lsn"]),
            stamp=f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}",
            segment_bytes=int(found.group(1)) if found else 16 << 20,
            max_bytes=int(args.get("max_bytes") or GIB),
        )
    except OSError as error:
        raise CallFailed(f"the WAL that only this host has could not be saved: {error}") from error


def rewind_data(args: Mapping[str, Any]) -> dict[str, Any]:
    """pg_rewind; then it is a standby on disk."""
    layout = layout_of(args)
    began = time.monotonic()
    note = {"host": args["host"], "primary": args["primary_host"], "since": utc_now()}
    try:
        words = rewind.rewind(
            HostRunner(), layout, _upstream(args, layout), note, timeout=float(args.get("timeout") or 600)
        )
    except rewind.RewindFailed as error:
        raise CallFailed(str(error)) from error
    return {"changed": True, "said": words, "seconds": round(time.monotonic() - began, 3)}


def slot(args: Mapping[str, Any]) -> dict[str, Any]:
    """On the primary: the slot of ``host`` is there and has not lost its WAL, and its control file is of today."""
    layout, name = layout_of(args), slot_name_for(str(args["host"]))
    behind = query_json(HostRunner(), layout, BEHIND, timeout=5)
    if behind.ok and behind.value:
        query_json(HostRunner(), layout, "CHECKPOINT; SELECT to_json(true)", timeout=120)
    seen = query_json(HostRunner(), layout, SLOT.format(name=name), timeout=5)
    if not seen.ok:
        raise CallFailed(f"Postgres does not answer: {seen.error}")
    if seen.value is not None and seen.value != "lost":
        return {"changed": False}
    done = query_json(HostRunner(), layout, RENEW.format(name=name), timeout=5)
    if not done.ok:
        raise CallFailed(f"the slot {name} could not be made anew: {done.error}")
    return {"changed": True}


def discard(args: Mapping[str, Any]) -> dict[str, Any]:
    """Remove the data directory, for there is no room to keep it. A copy that is under way is left alone."""
    layout = layout_of(args)
    directory = layout.data_directory()
    try:
        if basebackup_apply.unit_state(HostRunner(), layout) in UNDER_WAY:
            return {"changed": False}
        rewind.must_be_down(layout)
        there = directory.exists()
        if there:
            shutil.rmtree(directory)
            sync_directory(directory.parent)
    except rewind.RewindFailed as error:
        raise CallFailed(str(error)) from error
    except OSError as error:
        raise CallFailed(f"{directory}: {error}") from error
    return {"changed": there}


def seed(args: Mapping[str, Any]) -> dict[str, Any]:
    """Begin a copy of the primary, or go on with one; wait for it at most ``wait`` s. ``finished`` says how that ended.

    Data that is there is moved aside first; its fence stays where it is, outside the data directory.
    """
    layout, runner = layout_of(args), HostRunner()
    upstream = _upstream(args, layout)
    directory = layout.data_directory()
    log = Path(f"/run/ha_recovery/seed-{layout.version}-{layout.cluster}.log")
    aside = ""
    try:
        under_way = basebackup_apply.unit_state(runner, layout) in UNDER_WAY
        if not under_way and args.get("begin"):
            rewind.must_be_down(layout)
            if data_state(directory, layout.version) != "absent":
                stamp = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
                aside = str(directory.with_name(f"{directory.name}.before-{stamp}"))
                directory.rename(aside)
                sync_directory(directory.parent)
            remove_file(rewind.marker_path(layout))
            basebackup_apply.start(runner, layout, upstream, log, str(args.get("max_rate") or ""))
        finished, progress = basebackup_apply.wait(runner, layout, log, float(args.get("wait") or 20))
    except (rewind.RewindFailed, basebackup_apply.SeedFailed) as error:
        raise CallFailed(str(error)) from error
    except OSError as error:
        raise CallFailed(f"{directory}: {error}") from error
    told = basebackup.describe(progress, 0.0)
    return {"changed": True, "finished": finished, "aside": aside, "progress": told, "copied_bytes": progress.copied}


def start(args: Mapping[str, Any]) -> dict[str, Any]:
    """Make it a standby on disk, let it start, and wait until it streams. {finished, wal_receiver}.

    A restored backup may have hours of WAL to replay first: with ``wait``, it is waited for at most that many s, and
    ``since`` is what the answer before said of its ``position`` and ``still_s``. ``timeout`` is without progress then.
    """
    layout, runner = layout_of(args), HostRunner()
    upstream, limit = _upstream(args, layout), float(args.get("timeout") or 60)
    began = time.monotonic()
    running = bool(server_processes(layout.data_directory().resolve()))
    if running and not (layout.data_directory() / "standby.signal").exists():
        raise CallFailed("it runs and is not a standby; expected a stopped server")
    changed = rewind.as_standby(layout, upstream)
    # The boot guard lets no fenced server start. From here on traffic stays away by the load balancers' maintenance.
    changed = lift(args)["changed"] or changed
    if is_masked(layout):
        changed = True
        done = runner.run(["systemctl", "unmask", layout.unit], timeout=10)
        if not done.ok:
            raise CallFailed(f"systemctl unmask {layout.unit}: {done.reason}")
    try:
        if running:
            if "position" not in args:
                reload_server(layout)
        else:
            runner.run(["systemctl", "reset-failed", layout.unit], timeout=5)
            if args.get("wait"):
                begin_server(runner, layout)
            else:
                start_server(runner, layout, timeout=limit)
        if args.get("wait"):
            since = (str(args.get("position") or ""), float(args.get("still_s") or 0.0))
            wait = float(args["wait"])
            seen = catch_up(runner, layout, upstream, port=5432, wait=wait, timeout=limit, since=since)
            if not seen["finished"]:
                return {**seen, "changed": True, "seconds": round(time.monotonic() - began, 3)}
        else:
            seen = wait_streaming(runner, layout, upstream, port=5432, timeout=limit)
        streams(layout)
        # A rewind and a copy leave none; whoever follows this host after a later promotion needs its own.
        values = ", ".join(f"('{slot_name_for(str(peer))}')" for peer in args.get("peers") or ())
        made = query_json(runner, layout, MISSING.format(names=values), timeout=5) if values else None
        if made is not None and not made.ok:
            raise CallFailed(f"it streams, but the slots for its peers could not be made: {made.error}")
    except FollowFailed as error:
        if _wal_is_gone(layout):
            tried = restored_label(layout, catching_up=True)
            rewind.mark(layout, {"host": args["host"], "why": GONE, "since": utc_now(), "backup": tried})
            where = f" (it was restored from backup {tried}, and the archive has none either)" if tried else ""
            raise CallFailed(f"{GONE}{where}; the next run takes a copy") from error
        raise CallFailed(str(error)) from error
    return {
        "finished": True,
        **seen,
        "changed": changed or not running,
        "seconds": round(time.monotonic() - began, 3),
    }


def _wal_is_gone(layout: Layout) -> bool:
    """Whether the end of the server's log says so: no wait will help then."""
    log = Path(layout.root, f"var/log/postgresql/postgresql-{layout.version}-{layout.cluster}.log")
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4096))
            return b"has already been removed" in stream.read()
    except OSError:
        return False


def synchronous(args: Mapping[str, Any]) -> dict[str, Any]:
    """On the primary: commits wait for a standby again, now that ``host`` streams."""
    layout = layout_of(args)
    there = layout.degraded_conf.exists()
    if there:
        remove_file(layout.degraded_conf)
        reload_server(layout)
    return {"changed": there}


def lift(args: Mapping[str, Any]) -> dict[str, Any]:
    """The fence goes; what it leaves is a standby on disk."""
    try:
        return run_fence(HostRunner(), {"host": args["host"], "state": "lifted"})
    except Failed as error:
        raise CallFailed(str(error), error.result) from error
