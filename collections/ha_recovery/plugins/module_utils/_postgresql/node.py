# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One database host as every decision sees it: the question asked of Postgres, and the answer put together.

Pure: what the commands and files said comes in, a plain dictionary goes out. Sources: PostgreSQL manual, "System
Administration Functions" (recovery information and backup control), pg_stat_wal_receiver, pg_stat_replication,
pg_replication_slots, pg_control_system().
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.controldata import ControlData
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import lsn_distance, newest_lsn
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import Answer

# One statement, one round trip. CASE keeps functions that a standby (or a primary) must not call from being called.
# The received position is the higher of received and replayed: after a restart without a primary nothing was
# received yet, though everything replayed was once received.
# A standby whose WAL receiver is gone: the control file knows its timeline only since the last restart point, but the
# names of the segments that it received carry it (manual, "WAL Internals"). Ranking by an old one could lose commits.
NODE_QUERY = """
WITH r AS MATERIALIZED (SELECT pg_is_in_recovery() AS standby),
w AS MATERIALIZED (SELECT * FROM pg_stat_wal_receiver WHERE pid IS NOT NULL),
p AS MATERIALIZED (
  SELECT r.standby,
    CASE WHEN NOT r.standby THEN pg_current_wal_lsn() END AS current,
    CASE WHEN r.standby THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) END AS received,
    CASE WHEN r.standby THEN pg_last_wal_replay_lsn() END AS replayed
  FROM r)
SELECT json_build_object(
  'standby', p.standby,
  'server_version_num', current_setting('server_version_num')::int,
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'timeline', CASE WHEN p.standby THEN greatest(
      (SELECT received_tli FROM w),
      (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
      (SELECT timeline_id FROM pg_control_checkpoint()),
      (SELECT max(('x' || substr(name, 1, 8))::bit(32)::int) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}'))
    ELSE ('x' || substr(pg_walfile_name(p.current), 1, 8))::bit(32)::int END,
  'current_lsn', p.current, 'received_lsn', p.received, 'replayed_lsn', p.replayed,
  'lag_seconds', CASE WHEN NOT p.standby THEN NULL WHEN p.received = p.replayed THEN 0
    ELSE round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::numeric, 3) END,
  'replay_paused', CASE WHEN p.standby THEN pg_is_wal_replay_paused() ELSE false END,
  'wal_receiver', (SELECT json_build_object('status', w.status, 'sender_host', w.sender_host,
      'sender_port', w.sender_port, 'slot_name', w.slot_name, 'latest_end_lsn', w.latest_end_lsn,
      'last_msg_receipt_age_s',
      round(extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time)::numeric, 3)) FROM w),
  'primary_conninfo', current_setting('primary_conninfo'),
  'replication', (SELECT coalesce(json_agg(json_build_object('application_name', s.application_name,
      'client_addr', host(s.client_addr), 'state', s.state, 'sync_state', s.sync_state, 'sent_lsn', s.sent_lsn,
      'flush_lsn', s.flush_lsn, 'replay_lsn', s.replay_lsn,
      'lag_bytes', pg_wal_lsn_diff(coalesce(p.current, p.received), s.replay_lsn)::bigint)
      ORDER BY s.application_name), '[]') FROM pg_stat_replication s),
  'slots', (SELECT coalesce(json_agg(json_build_object('name', l.slot_name, 'type', l.slot_type,
      'active', l.active, 'restart_lsn', l.restart_lsn, 'wal_status', l.wal_status, 'safe_bytes', l.safe_wal_size,
      'retained_bytes', pg_wal_lsn_diff(coalesce(p.current, p.received), l.restart_lsn)::bigint)
      ORDER BY l.slot_name), '[]') FROM pg_replication_slots l),
  'synchronous_standby_names', current_setting('synchronous_standby_names'),
  'last_commit_at', CASE WHEN p.standby THEN pg_last_xact_replay_timestamp()
    WHEN current_setting('track_commit_timestamp') = 'on'
      THEN (SELECT "timestamp" FROM pg_last_committed_xact()) END,
  'pending_restart', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart)
) FROM p
"""

_CONNINFO_PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))")


def parse_conninfo(text: str) -> dict[str, str]:
    """Keywords and values of a libpq connection string of the 'key=value' form (libpq manual, "Connection Strings")."""
    pairs = {}
    for name, quoted, plain in _CONNINFO_PAIR.findall(text):
        pairs[name] = re.sub(r"\\(.)", r"\1", quoted or plain)
    return pairs


def parse_marker(text: str | None) -> dict[str, Any] | None:
    """The fence marker's content. A marker nobody can read still fences: better down than two primaries."""
    if text is None:
        return None
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"reason": "the fence marker is there but cannot be read"}


def parse_boot_guard(text: str | None) -> dict[str, Any] | None:
    """What the boot guard said last on this host: verdict, row, reason, next, waits, at; None when it said nothing."""
    try:
        content = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(content, dict) or "verdict" not in content:
        return None
    return {key: content.get(key) for key in ("verdict", "row", "reason", "next", "waits", "at")}


def parse_service(text: str) -> dict[str, Any]:
    """active, enabled and masked out of ``systemctl show`` for ActiveState, UnitFileState and LoadState."""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {
        "active": fields.get("ActiveState") in {"active", "activating", "reloading", "deactivating"},
        "enabled": fields.get("UnitFileState", ""),
        "masked": fields.get("LoadState") == "masked" or fields.get("UnitFileState", "").startswith("masked"),
    }


def blank_node(host: str, address: str) -> dict[str, Any]:
    """A reachable host about which nothing is known yet: every key is there, none claims anything."""
    return {
        "host": host,
        "address": address,
        "reachable": True,
        "installed": False,
        "version": None,
        "data_directory": None,
        "data_state": "absent",
        "fenced": None,
        "maintenance": None,
        "restore": None,
        "boot_guard": None,
        "service": {"active": False, "enabled": "", "masked": False},
        "running": False,
        "error": None,
        "role": "absent",
        "system_identifier": None,
        "server_version_num": None,
        "timeline": None,
        "current_lsn": None,
        "received_lsn": None,
        "replayed_lsn": None,
        "lag_bytes": None,
        "lag_seconds": None,
        "replay_paused": False,
        "wal_receiver": None,
        "upstream": None,
        "replication": [],
        "slots": [],
        "wal_free_bytes": None,
        "synchronous_standby_names": "",
        "sync_degraded": False,
        "last_commit_at": None,
        "pending_restart": [],
        "control": None,
        "peers": {},
        "heard": {},
    }


def _from_answer(value: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the node that a running, answering server knows of itself."""
    standby = bool(value["standby"])
    receiver = value["wal_receiver"]
    heard = newest_lsn(receiver["latest_end_lsn"] if receiver else None, value["received_lsn"])
    conninfo = parse_conninfo(value["primary_conninfo"] or "")
    return {
        "role": "standby" if standby else "primary",
        "system_identifier": value["system_identifier"],
        "server_version_num": value["server_version_num"],
        "timeline": value["timeline"],
        "current_lsn": value["current_lsn"],
        "received_lsn": value["received_lsn"],
        "replayed_lsn": value["replayed_lsn"],
        "lag_bytes": lsn_distance(heard, value["replayed_lsn"]) if standby else None,
        "lag_seconds": None if value["lag_seconds"] is None else float(value["lag_seconds"]),
        "replay_paused": bool(value["replay_paused"]),
        "wal_receiver": receiver,
        "upstream": (conninfo.get("host") or conninfo.get("hostaddr")) if standby else None,
        "replication": value["replication"],
        "slots": value["slots"],
        "synchronous_standby_names": value["synchronous_standby_names"],
        "last_commit_at": value["last_commit_at"],
        "pending_restart": value["pending_restart"],
    }


def _from_control(control: ControlData | None, conf: str | None) -> dict[str, Any]:
    """The part of the node that its files know while no server answers."""
    if control is None:
        return {}
    setting = re.search(r"^\s*primary_conninfo\s*=\s*'((?:[^']|'')*)'", conf or "", re.MULTILINE)
    conninfo = parse_conninfo(setting.group(1).replace("''", "'")) if setting else {}
    return {
        "system_identifier": control.system_identifier,
        "timeline": control.timeline,
        "received_lsn": newest_lsn(control.checkpoint_lsn, control.min_recovery_lsn),
        "upstream": conninfo.get("host") or conninfo.get("hostaddr"),
        "control": control.as_dict(),
    }


def describe(
    node: Mapping[str, Any],
    *,
    postmaster: bool,
    answer: Answer | None,
    control: ControlData | None,
    replication_conf: str | None,
    degraded: bool,
    peers: Mapping[str, Any],
    stalled: str = "",
    heard: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put a node together. ``node`` carries what the file system said (see :func:`blank_node`).

    Role: an answering server is what it says it is; a server that runs without answering is 'hung' (its ``error`` says
    whether it is starting up or silent), and so is a primary whose commits do not reach the disk any more
    (``stalled``: why), for nobody can write to it; data without a server is 'stopped'; no data is 'absent'.
    """
    result = {**node, "running": postmaster, "peers": dict(peers), "heard": dict(heard or {})}
    if postmaster and answer is not None and answer.ok:
        result.update(_from_answer(answer.value))
        if stalled and result["role"] == "primary":
            result.update(role="hung", error=stalled)
    elif postmaster:
        result.update(_from_control(control, replication_conf), role="hung")
        result["error"] = answer.error if answer is not None else "not asked"
    elif node["data_state"] == "absent":
        result["role"] = "absent"
    else:
        result.update(_from_control(control, replication_conf), role="stopped")
        if control is None and node["data_state"] == "initialized":
            result["error"] = "pg_controldata could not read this data directory"
    names = result["synchronous_standby_names"]
    result["sync_degraded"] = degraded and not (result["role"] in {"primary", "standby"} and names)
    return result
