# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of a whole-cluster restore. Each looks first and does what is missing, so a rerun goes on from anywhere."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import (
    archive,
    backup,
    command,
    restore,
    restore_files,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_note import (
    read_note,
    update_note,
    write_note,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import rewind
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, sync_directory
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.host import RELEASE_VERSIONS, release
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, data_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import parse_history
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.reseed_note import forget
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.maintenance import layout_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.rejoin import UNDER_WAY
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

# A transaction after the last one of anybody: recovery to a time needs one to see that it came there.
MARK = """SET synchronous_commit = local;
SELECT json_build_object('xid', pg_current_xact_id()::text)"""
POINT = """SELECT json_build_object('lsn', pg_create_restore_point('{name}'),
 'segment', pg_walfile_name(pg_current_wal_lsn()))"""
SWITCH = "SELECT to_json(pg_switch_wal())"
ARCHIVED = "SELECT json_build_object('last', last_archived_wal, 'failed', last_failed_wal) FROM pg_stat_archiver"


def repository(args: Mapping[str, Any]) -> dict[str, Any]:
    """On the repository host: what ``pgbackrest info`` says, runs of archived segments, and every history.

    {info: its JSON, runs: [{timeline, first, last, last_at}], histories: {timeline: [[timeline, lsn]]}}.
    """
    runner, stanza = HostRunner(), str(args["stanza"])
    limit, size = float(args.get("timeout") or 60), int(args.get("segment_bytes") or 16 << 20)
    done = command.run(runner, "info", stanza=stanza, options=["--output=json"], timeout=limit)
    if not done.ok:
        raise CallFailed(f"pgbackrest info: {command.reason(done)}")
    found: dict[str, Any] = next(
        (one for one in json.loads(done.stdout, strict=False) if one.get("name") == stanza), {}
    )
    runs: list[dict[str, int]] = []
    histories: dict[str, Any] = {}
    for one in found.get("archive") or ():
        key = int((one.get("database") or {}).get("repo-key") or 1)
        path, options = f"archive/{stanza}/{one['id']}", [f"--repo={key}"]
        listed = command.run(runner, f"repo-ls {path}", options=[*options, "--output=json", "--recurse"], timeout=limit)
        if not listed.ok:
            raise CallFailed(f"pgbackrest repo-ls {path}: {command.reason(listed)}")
        listing = json.loads(listed.stdout)
        runs += archive.archive_dict(archive.runs_of(listing, size))
        for timeline in archive.histories_in(listing):
            name = f"{path}/{timeline:08X}.history"
            got = command.run(runner, f"repo-get {name}", options=options, timeout=limit)
            if not got.ok:
                raise CallFailed(f"pgbackrest repo-get {name}: {command.reason(got)}")
            histories[str(timeline)] = parse_history(got.stdout)
    return {"info": done.stdout, "runs": runs, "histories": histories}


def look(args: Mapping[str, Any]) -> dict[str, Any]:
    """On a database host: room, the note of a restore, what is kept aside, and whether pgBackRest is there."""
    layout, runner = layout_of(args), HostRunner()
    directory = layout.data_directory()
    seen = rewind.look(runner, layout)
    return {
        "free_bytes": seen["free_bytes"],
        "data_bytes": seen.get("data_bytes"),
        "is_mount": os.path.ismount(directory),
        "data_directory": str(directory),
        "note": read_note(layout),
        "aside": sorted(str(one) for one in directory.parent.glob(f"{directory.name}.before-restore-*")),
        "installed": Path(restore.PROGRAM).exists(),
        "version": layout.version if layout.version != "0" else RELEASE_VERSIONS.get(release(), ""),
    }


def note(args: Mapping[str, Any]) -> dict[str, Any]:
    """Write down what is to be done, unless this very restore has written it already."""
    layout, there = layout_of(args), read_note(layout_of(args))
    wanted = dict(args["note"])
    if there.get("id") == wanted["id"] and there.get("undo") == wanted.get("undo"):
        return {"changed": False, "note": there}
    return {"changed": write_note(layout, wanted), "note": wanted}


def archive_all(args: Mapping[str, Any]) -> dict[str, Any]:
    """On the primary, after clients were cut off: everything it has is archived. {lsn: behind the last transaction}.

    A restore point named ``point`` is the way back to this moment.
    """
    layout, runner, limit = layout_of(args), HostRunner(), float(args.get("timeout") or 120)
    known = read_note(layout)
    if known.get("archived_lsn"):
        return {"changed": False, "lsn": known["archived_lsn"]}
    values = {}
    for name, sql in (("mark", MARK), ("point", POINT.format(name=str(args["point"]))), ("switch", SWITCH)):
        answer = query_json(runner, layout, sql, timeout=10)
        if not answer.ok:
            raise CallFailed(f"Postgres does not answer: {answer.error}")
        values[name] = answer.value
    segment, end = str(values["point"]["segment"]), time.monotonic() + limit
    while True:
        answer = query_json(runner, layout, ARCHIVED, timeout=5)
        last = str((answer.value or {}).get("last") or "") if answer.ok else ""
        if last[:24] >= segment:
            break
        if time.monotonic() > end:
            raise CallFailed(
                f"{segment} is not archived {limit:g} s after it was complete (the last one is {last or 'none'}); "
                "see pg_stat_archiver and the log of pgbackrest on this host"
            )
        time.sleep(0.2)
    update_note(layout, archived_lsn=values["point"]["lsn"], point=str(args["point"]))
    return {"changed": True, "lsn": values["point"]["lsn"], "segment": segment}


def _stamp(layout: Layout, name: str) -> Path:
    directory = layout.data_directory()
    return directory.with_name(f"{directory.name}.restored-{name}")


def aside(args: Mapping[str, Any]) -> dict[str, Any]:
    """Move the data directory out of the way, once; ``back``: put that path in its place."""
    layout = layout_of(args)
    directory, kept = layout.data_directory(), Path(str(args["aside"]))
    back = str(args.get("back") or "")
    try:
        changed = False
        # With nothing to put back, what is there is what was to come back: an undo of a restore that had not begun.
        if not kept.exists() and directory.exists() and (not back or Path(back).exists()):
            rewind.must_be_down(layout)
            directory.rename(kept)
            changed = True
        if back and Path(back).exists() and not directory.exists():
            rewind.must_be_down(layout)
            Path(back).rename(directory)
            changed = True
        sync_directory(directory.parent)
    except rewind.RewindFailed as error:
        raise CallFailed(str(error)) from error
    except OSError as error:
        raise CallFailed(f"{directory}: {error}") from error
    if back and data_state(directory, layout.version) != "initialized":
        raise CallFailed(f"{directory} is not the data that was kept in {back}; nothing more was done")
    if read_note(layout).get("phase") == "begun":
        update_note(layout, phase="aside")
    return {"changed": changed, "aside": str(kept) if kept.exists() else ""}


def files(args: Mapping[str, Any]) -> dict[str, Any]:
    """Restore the files of a backup, or go on with that; wait for it at most ``wait`` s. {finished, percent}."""
    layout, runner = layout_of(args), HostRunner()
    directory, stamp = layout.data_directory(), _stamp(layout, str(args["id"]))
    wait, wanted = float(args.get("wait") or 15), restore_files.wanted_from(args)
    try:
        if stamp.exists():
            return {"changed": False, "finished": True, "percent": 100.0}
        if not restore_files.under_way(runner):
            if not args.get("begin"):
                raise restore_files.failed()
            rewind.must_be_down(layout)
            # On a new host there is not even the directory that the marker of a rewind would be in.
            restore_files.own(directory)
            remove_file(rewind.marker_path(layout))
            forget(layout)
            restore_files.start(runner, wanted, directory, [["/usr/bin/touch", str(stamp)]])
        percent = restore_files.wait(runner, wanted, wait)
        if percent is None and not stamp.exists():
            raise restore_files.failed()
    except (restore_files.RestoreFailed, rewind.RewindFailed, OSError) as error:
        raise CallFailed(str(error)) from error
    return {"changed": True, "finished": percent is None, "percent": 100.0 if percent is None else percent}


def take_backup(args: Mapping[str, Any]) -> dict[str, Any]:
    """On the repository host: the full backup with that label, once; wait for it at most ``wait`` s."""
    runner, stanza, label = HostRunner(), str(args["stanza"]), str(args["label"])
    end, began = time.monotonic() + float(args.get("wait") or 15), time.monotonic()
    try:
        while True:
            running = backup.unit_state(runner) in UNDER_WAY
            now = command.info(runner, stanza)
            made = next((one for one in now.backups if one.annotations.get("label") == label), None)
            told = backup.told(now, made, time.monotonic() - began)
            if made is not None or time.monotonic() >= end:
                return {"changed": True, "finished": made is not None, "label": made.label if made else "",
                        "message": told}  # fmt: skip
            if not running and not args.get("begin"):
                raise CallFailed(f"the backup failed: {backup.last_words(runner)}")
            if not running:
                backup.start(runner, "full", label)
                args = {**args, "begin": False}
            time.sleep(0.5)
    except (backup.BackupRefused, backup.BackupFailed, command.PgbackrestFailed) as error:
        raise CallFailed(str(error)) from error


def finish(args: Mapping[str, Any]) -> dict[str, Any]:
    """The end is written down: a rerun with the same target changes nothing."""
    layout = layout_of(args)
    directory = layout.data_directory()
    for stamp in directory.parent.glob(f"{directory.name}.restored-*"):
        stamp.unlink()
    more = {key: args[key] for key in ("new_timeline", "backup", "proof") if key in args}
    return {"changed": update_note(layout, phase=str(args["phase"]), ended_at=_now(), **more)}


def _now() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
