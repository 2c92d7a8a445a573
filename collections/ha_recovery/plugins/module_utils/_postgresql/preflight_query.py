# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one question that preflight asks a running server, beyond what every look at a node asks (see node.py).

Sources: PostgreSQL manual, pg_settings, pg_stat_archiver, pg_stat_progress_basebackup, pg_stat_activity,
pg_prepared_xacts, pg_replication_slots. Ages are seconds by the server's own clock.

What can be seen of a running backup: pg_basebackup and its kind have a row in pg_stat_progress_basebackup, or at least
a WAL sender in state 'backup'. A backup by pg_backup_start() leaves no trace of its own since PostgreSQL 15. It is
recognised when the session's last statement called the function, when its name is one that backup programs give
themselves, or when it holds the advisory lock that pgBackRest takes for the length of a backup. A program that does
none of these is not seen.
"""

from __future__ import annotations

#: pgBackRest takes this advisory lock while it backs up, so that two backups of one cluster never overlap.
PGBACKREST_LOCK = 12340078987004321

#: Settings that a standby must not have lower than its primary (manual, "Hot Standby: Administrator's Overview").
STANDBY_SETTINGS = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)

SETTINGS = (
    *STANDBY_SETTINGS,
    "archive_command",
    "archive_library",
    "archive_mode",
    "data_checksums",
    "default_transaction_read_only",
    "full_page_writes",
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "recovery_min_apply_delay",
    "synchronous_standby_names",
    "wal_keep_size",
    "wal_level",
    "wal_log_hints",
    "wal_segment_size",
)

# A column that a version does not have is read through to_jsonb, where it is simply absent. How many rows a list holds
# is bounded: a thousand idle transactions are one finding, not a thousand lines.
FACTS_QUERY = """
WITH position AS MATERIALIZED (SELECT CASE WHEN pg_is_in_recovery()
    THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END AS lsn),
sessions AS MATERIALIZED (SELECT a.*, extract(epoch FROM clock_timestamp() - a.xact_start) AS xact_age
    FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid()),
backups AS (
  SELECT pid, 'base backup' AS kind FROM pg_stat_progress_basebackup
  UNION SELECT pid, 'base backup' FROM pg_stat_replication WHERE state = 'backup'
  UNION SELECT pid, 'pg_backup_start' FROM sessions WHERE backend_type = 'client backend'
    AND (query ~* '\\mpg_(backup_start|start_backup)\\s*\\('
      OR application_name ~* '^(pgbackrest \\[backup|barman_backup)')
  UNION SELECT pid, 'pg_backup_start' FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND ((classid::bigint << 32) | objid::bigint) = __LOCK__)
SELECT json_build_object(
  'server_version_num', current_setting('server_version_num')::int,
  'settings', (SELECT json_object_agg(name, CASE WHEN name IN ('archive_command', 'archive_library')
      THEN CASE WHEN setting IN ('', '(disabled)') THEN '' ELSE 'set' END ELSE setting END)
    FROM pg_settings WHERE name IN (__SETTINGS__)),
  'pending_restart', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart),
  'archiver', (SELECT json_build_object('archived', archived_count, 'failed', failed_count,
      'last_archived_age_s', round(extract(epoch FROM clock_timestamp() - last_archived_time)::numeric, 1),
      'last_failed_age_s', round(extract(epoch FROM clock_timestamp() - last_failed_time)::numeric, 1),
      'last_failed_wal', last_failed_wal) FROM pg_stat_archiver),
  'backups', (SELECT coalesce(json_agg(json_build_object('pid', b.pid, 'kind', b.kind, 'user', s.usename,
      'application', s.application_name, 'address', host(s.client_addr)) ORDER BY b.pid), '[]')
    FROM (SELECT pid, min(kind) AS kind FROM backups GROUP BY pid) b LEFT JOIN sessions s USING (pid)),
  'transactions', (SELECT coalesce(json_agg(json_build_object('pid', t.pid, 'user', t.usename,
      'application', t.application_name, 'address', host(t.client_addr), 'database', t.datname, 'state', t.state,
      'age_s', round(t.xact_age::numeric, 1)) ORDER BY t.xact_age DESC), '[]')
    FROM (SELECT * FROM sessions WHERE xact_start IS NOT NULL AND backend_type = 'client backend'
      ORDER BY xact_age DESC LIMIT 20) t),
  'prepared', (SELECT coalesce(json_agg(json_build_object('gid', p.gid, 'user', p.owner, 'database', p.database,
      'age_s', round(extract(epoch FROM clock_timestamp() - p.prepared)::numeric, 1)) ORDER BY p.prepared), '[]')
    FROM (SELECT * FROM pg_prepared_xacts ORDER BY prepared LIMIT 20) p),
  'walsenders', (SELECT count(*) FROM sessions WHERE backend_type = 'walsender'
    AND application_name <> 'ha_recovery preflight'),
  'slots', (SELECT coalesce(json_agg(json_build_object('name', l.slot_name, 'type', l.slot_type,
      'active', l.active, 'temporary', l.temporary, 'database', l.database, 'wal_status', l.wal_status,
      'failover', coalesce((to_jsonb(l) ->> 'failover')::bool, false),
      'synced', coalesce((to_jsonb(l) ->> 'synced')::bool, false),
      'retained_bytes', greatest(0, pg_wal_lsn_diff(position.lsn, l.restart_lsn))::bigint)
      ORDER BY l.slot_name), '[]') FROM pg_replication_slots l)
) FROM position
""".replace("__LOCK__", str(PGBACKREST_LOCK)).replace("__SETTINGS__", ", ".join(f"'{name}'" for name in SETTINGS))
