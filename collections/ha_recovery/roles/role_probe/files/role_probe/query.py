# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one question asked at every refresh, and how its answer becomes a :class:`Server`.

One round trip, and only what Postgres has in memory: nothing that reads a file or waits for a lock, or a busy disk
would look like a hung server. What stands in the control file is asked for once per start of the server. Works on
Postgres 14 and later, as a member of pg_monitor. The result is one JSON document, so that its shape does not depend on
the driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .state import Receiver, Replication, Server

# The processes that wait for WAL are counted only while there is unflushed WAL. Wait events changed their spelling in
# version 17 (WALSync -> WalSync), hence lower().
SQL = """
SELECT json_build_object(
  'role', CASE WHEN r.in_recovery THEN 'replica' ELSE 'primary' END,
  'server_version', current_setting('server_version_num')::int,
  'started_at', extract(epoch FROM pg_postmaster_start_time()),
  'data_directory', current_setting('data_directory', true),
  'timeline', CASE WHEN r.in_recovery
    THEN coalesce(w.received_tli, (SELECT greatest(c.timeline_id, k.min_recovery_end_timeline)
                                   FROM pg_control_checkpoint() c, pg_control_recovery() k))
    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
  'location', CASE WHEN NOT r.in_recovery THEN pg_current_wal_lsn() - '0/0' END,
  'insert_location', r.insert_location - '0/0',
  'flush_location', r.flush_location - '0/0',
  'wal_waiters', CASE WHEN r.insert_location > r.flush_location THEN (
    SELECT count(*) FROM pg_stat_activity WHERE lower(wait_event) IN
      ('walsync', 'walwrite', 'walinitsync', 'walinitwrite', 'walbufmapping', 'walsyncmethodassign')) ELSE 0 END,
  'received', CASE WHEN r.in_recovery THEN pg_last_wal_receive_lsn() - '0/0' END,
  'replayed', CASE WHEN r.in_recovery THEN pg_last_wal_replay_lsn() - '0/0' END,
  'replayed_timestamp', CASE WHEN r.in_recovery THEN extract(epoch FROM pg_last_xact_replay_timestamp()) END,
  'paused', CASE WHEN r.in_recovery THEN pg_is_wal_replay_paused() ELSE false END,
  'receiver', CASE WHEN w.status IS NOT NULL THEN json_build_object(
    'status', w.status, 'sender_host', w.sender_host, 'latest_end', w.latest_end_lsn - '0/0',
    'message_age', extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time)) END,
  'replication', (SELECT coalesce(json_agg(json_build_object(
    'usename', s.usename, 'application_name', s.application_name, 'client_addr', host(s.client_addr),
    'state', s.state, 'sync_state', s.sync_state, 'sync_priority', s.sync_priority,
    'lag_bytes', CASE WHEN r.in_recovery THEN pg_last_wal_receive_lsn() ELSE r.flush_location END - s.replay_lsn)
    ORDER BY s.application_name), '[]') FROM pg_stat_replication s))
FROM (SELECT i.in_recovery,
        CASE WHEN NOT i.in_recovery THEN pg_current_wal_insert_lsn() END AS insert_location,
        CASE WHEN NOT i.in_recovery THEN pg_current_wal_flush_lsn() END AS flush_location
      FROM (SELECT pg_is_in_recovery() AS in_recovery OFFSET 0) i OFFSET 0) r
LEFT JOIN pg_stat_wal_receiver w ON true
"""


IDENTIFIER_SQL = "SELECT system_identifier::text FROM pg_control_system()"


def to_server(row: Mapping[str, Any], system_identifier: str) -> Server:
    """Build the typed value from the decoded JSON. Raises KeyError, TypeError or ValueError for anything else."""
    receiver = row["receiver"]
    return Server(
        role=str(row["role"]),
        server_version=int(row["server_version"]),
        system_identifier=system_identifier,
        timeline=int(row["timeline"]),
        started_at=float(row["started_at"]),
        data_directory=row["data_directory"] or "",
        location=_whole(row["location"]),
        insert_location=_whole(row["insert_location"]),
        flush_location=_whole(row["flush_location"]),
        wal_waiters=int(row["wal_waiters"]),
        received=_whole(row["received"]),
        replayed=_whole(row["replayed"]),
        replayed_timestamp=_real(row["replayed_timestamp"]),
        paused=bool(row["paused"]),
        receiver=None
        if receiver is None
        else Receiver(
            status=str(receiver["status"]),
            sender_host=receiver["sender_host"],
            latest_end=_whole(receiver["latest_end"]),
            message_age=_real(receiver["message_age"]),
        ),
        replication=tuple(_replication(item) for item in row["replication"]),
    )


def _replication(item: Mapping[str, Any]) -> Replication:
    return Replication(
        usename=item["usename"] or "",
        application_name=item["application_name"] or "",
        client_addr=item["client_addr"] or "",
        state=item["state"] or "",
        sync_state=item["sync_state"] or "",
        sync_priority=int(item["sync_priority"] or 0),
        lag_bytes=_whole(item["lag_bytes"]),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _real(value: Any) -> float | None:
    return None if value is None else float(value)
