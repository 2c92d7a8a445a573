# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at this host's Postgres: files, service, server and peers, all at once, within a time limit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.maintenance import read_note
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_note import noted
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.controldata import (
    ControlData,
    parse_controldata,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import (
    Layout,
    data_state,
    detect_version,
    postmaster_pid,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.node import (
    NODE_QUERY,
    blank_node,
    describe,
    parse_boot_guard,
    parse_marker,
    parse_service,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.peers import ask_peer, ask_peers
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import Answer, query_json

BOOT_GUARD_STATE = "run/ha_recovery/boot_guard.json"


def read_text(path: Path) -> str | None:
    """A file's text, None when it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_control(runner: Runner, layout: Layout, timeout: float = 2.0) -> ControlData | None:
    """pg_controldata of this cluster, None when it cannot be read."""
    done = runner.run([str(layout.bin_dir / "pg_controldata"), "-D", str(layout.data_directory())], timeout=timeout)
    return parse_controldata(done.stdout) if done.ok else None


def free_bytes(directory: Path) -> int | None:
    """What Postgres may still write there, in bytes; None when there is no such directory."""
    try:
        stat = os.statvfs(directory)
    except OSError:
        return None
    return stat.f_bavail * stat.f_frsize


def read_service(runner: Runner, layout: Layout, timeout: float = 2.0) -> dict[str, Any]:
    """State of the cluster's systemd unit."""
    done = runner.run(
        ["systemctl", "show", layout.unit, "--property=ActiveState,UnitFileState,LoadState"], timeout=timeout
    )
    return parse_service(done.stdout if done.ok else "")


def observe_node(
    runner: Runner,
    *,
    host: str,
    address: str,
    version: str | None = None,
    cluster: str = "main",
    port: int = 5432,
    peers: Mapping[str, str] | None = None,
    peer_timeout: float = 0.7,
    timeout: float = 2.0,
    root: str = "/",
) -> dict[str, Any]:
    """The node dictionary of this host. Changes nothing; absent software is an answer, not an error."""
    others = {name: peer for name, peer in (peers or {}).items() if name != host}
    with ThreadPoolExecutor(max_workers=4) as pool:
        asked = pool.submit(ask_peers, others, 8008, peer_timeout)
        version = version or detect_version(cluster, root)
        said = parse_boot_guard(read_text(Path(root, BOOT_GUARD_STATE)))
        notes = {"maintenance": read_note(root), "restore": noted(root)}
        node = {**blank_node(host, address), **notes, "boot_guard": said}
        if version is None:
            return {**node, "peers": asked.result()}
        layout = Layout(version, cluster, root)
        directory = layout.data_directory()
        service = pool.submit(read_service, runner, layout, timeout)
        pid = postmaster_pid(directory)
        answer: Answer | None = None
        own = None
        if pid is not None:
            # What only reads goes on succeeding on a stuck disk; this host's own probe watches whether WAL is written.
            own = pool.submit(ask_peer, address, 8008, "/primary", peer_timeout)
            answer = query_json(runner, layout, NODE_QUERY, port=port, timeout=timeout)
        state = data_state(directory, version)
        control = None
        if state == "initialized" and layout.installed() and (answer is None or not answer.ok):
            control = read_control(runner, layout, timeout)
        node.update(
            installed=layout.installed(),
            version=version,
            data_directory=str(directory),
            data_state=state,
            wal_free_bytes=free_bytes(directory / "pg_wal"),
            fenced=parse_marker(read_text(layout.fence_marker)),
            service=service.result(),
        )
        return describe(
            node,
            postmaster=pid is not None,
            answer=answer,
            control=control,
            replication_conf=read_text(layout.replication_conf),
            degraded=layout.degraded_conf.exists(),
            peers=asked.result(),
            stalled=own.result()["stalled"] if own is not None else "",
            heard=own.result()["heard"] if own is not None else {},
        )
