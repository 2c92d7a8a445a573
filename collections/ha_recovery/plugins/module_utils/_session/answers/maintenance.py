# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that take a database host out of service and bring it back, and the note that lies on any host meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import note_path, note_text, read_note
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import handover
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import is_masked, server_processes
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, detect_version
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import parse_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

POSITION = "SELECT to_json(pg_current_wal_lsn())"
REPLAYED = "SELECT to_json(pg_last_wal_replay_lsn())"
FLUSHED = """SELECT coalesce(json_agg(application_name), '[]') FROM pg_stat_replication
 WHERE state = 'streaming' AND flush_lsn >= '{lsn}'"""
EVERY_S = 0.05


def layout_of(args: Mapping[str, Any]) -> Layout:
    """The cluster that the arguments name, or the one that is there."""
    cluster = str(args.get("cluster") or "main")
    return Layout(str(args.get("version") or detect_version(cluster) or "0"), cluster)


def note(args: Mapping[str, Any]) -> dict[str, Any]:
    """Write the note down. What an earlier one says of who, when and why stays; ``update``: what changes in it."""
    before = read_note()
    after = {**args["note"], **(before or {}), **(args.get("update") or {})}
    if after != before:
        note_path().parent.mkdir(mode=0o755, exist_ok=True)
        replace_file(note_path(), note_text(after), mode=0o644, owner="root")
    return {"changed": after != before, "note": after}


def unnote(_args: Mapping[str, Any]) -> dict[str, Any]:
    """Take the note away: the host is in service."""
    there = read_note() is not None
    if there:
        remove_file(note_path())
    return {"changed": there}


def _systemctl(verb: str, unit: str, timeout: float = 10) -> None:
    done = HostRunner().run(["systemctl", verb, unit], timeout=timeout)
    if not done.ok:
        raise CallFailed(f"systemctl {verb} {unit}: {done.reason}")


def stop(args: Mapping[str, Any]) -> dict[str, Any]:
    """Keep Postgres from starting, then stop it cleanly. Refuses a primary."""
    layout = layout_of(args)
    running = bool(server_processes(layout.data_directory().resolve()))
    if running and not (layout.data_directory() / "standby.signal").exists():
        raise CallFailed("it is not a standby; a primary is switched over first")
    masked = is_masked(layout)
    if not masked:
        _systemctl("mask", layout.unit)
    try:
        answer = handover.stop_cleanly(HostRunner(), layout, float(args.get("timeout") or 60))
    except handover.HandoverFailed as error:
        raise CallFailed(str(error)) from error
    handover.tell_systemd(HostRunner(), layout)
    return {**answer, "changed": running or not masked}


def allow(args: Mapping[str, Any]) -> dict[str, Any]:
    """Let Postgres start again, now and at boot."""
    layout = layout_of(args)
    masked = is_masked(layout)
    if masked:
        _systemctl("unmask", layout.unit)
    return {"changed": masked}


def position(args: Mapping[str, Any]) -> dict[str, Any]:
    """How far the primary has written: ``lsn``."""
    return {"changed": False, "lsn": _ask(args, POSITION)}


def caught_up(args: Mapping[str, Any]) -> dict[str, Any]:
    """Wait until this standby has replayed up to ``lsn``."""
    wanted = parse_lsn(args["lsn"])
    limit = float(args.get("timeout") or 60)
    replayed, seconds = _until(lambda: _ask(args, REPLAYED), lambda lsn: lsn and parse_lsn(lsn) >= wanted, limit)
    if not replayed or parse_lsn(replayed) < wanted:
        raise CallFailed(f"after {limit:g} s it has replayed up to {replayed}, and {args['lsn']} was wanted")
    return {"changed": False, "replayed_lsn": replayed, "seconds": seconds}


def covered(args: Mapping[str, Any]) -> dict[str, Any]:
    """On the primary: wait until a standby other than ``host`` has all that was written until now. ``by``: which."""
    sql = FLUSHED.format(lsn=_ask(args, POSITION))
    names, seconds = _until(
        lambda: [name for name in _ask(args, sql) if name != args["host"]], bool, float(args.get("timeout") or 10)
    )
    return {"changed": False, "covered": bool(names), "by": names, "seconds": seconds}


def _ask(args: Mapping[str, Any], sql: str) -> Any:
    answer = query_json(HostRunner(), layout_of(args), sql)
    if not answer.ok:
        raise CallFailed(f"Postgres does not answer: {answer.error}")
    return answer.value


def _until(look: Callable[[], Any], good: Callable[[Any], Any], limit: float) -> tuple[Any, float]:
    """Look until it is good or the time is over; the last look, and the seconds it took."""
    began = time.monotonic()
    while True:
        seen = look()
        seconds = round(time.monotonic() - began, 3)
        if good(seen) or seconds >= limit:
            return seen, seconds
        time.sleep(EVERY_S)
