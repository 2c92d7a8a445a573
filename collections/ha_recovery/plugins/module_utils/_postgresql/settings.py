# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server settings that follow from the host (memory, disk) and from the estate, and how they are written down.

Sources: PostgreSQL manual, chapters 20.4 "Resource Consumption", 20.5 "Write Ahead Log", 20.6 "Replication".
Memory and disk are the only inputs; connection counts are not derived, because a standby must allow at least as many
connections as its primary and hosts of one estate may differ in size (chapter 27.4.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Union

Value = Union[str, int, float, bool]

_MIB = 1024 * 1024
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$")

#: Settings that the estate depends on: overriding them would break replication, fencing or the files' layout.
RESERVED: Mapping[str, str] = {
    "config_file": "the server is started with it",
    "data_directory": "postgresql_data_directory decides it",
    "external_pid_file": "systemd reads it",
    "hba_file": "the role writes it",
    "hot_standby": "standbys must answer the role probe",
    "ident_file": "the role writes it",
    "port": "postgresql_port decides it",
    "primary_conninfo": "conf.d/90-replication.conf decides it",
    "primary_slot_name": "conf.d/90-replication.conf decides it",
    "ssl": "data leaves the host only encrypted",
    "ssl_ca_file": "the cluster CA decides it",
    "ssl_cert_file": "the cluster CA decides it",
    "ssl_key_file": "the cluster CA decides it",
    "synchronous_standby_names": "postgresql_replication_mode decides it",
    "wal_level": "streaming replication needs replica",
    "wal_log_hints": "pg_rewind needs it",
}


class SettingError(ValueError):
    """A setting that cannot be written; the message names it, what it was and what is allowed."""


def memory_settings(memory_bytes: int, max_connections: int) -> dict[str, str]:
    """Memory settings for a host of ``memory_bytes`` that serves Postgres only.

    A quarter of the memory is shared buffers (manual, 20.4.1: "a reasonable starting value"), within 32 MiB and 32 GiB:
    beyond that the kernel's cache serves better. What is left is shared by the sessions; each may sort in ``work_mem``.

    >>> memory_settings(8 * 1024**3, 200)["shared_buffers"]
    '2048MB'
    """
    if memory_bytes < 128 * _MIB:
        raise SettingError(f"memory is {memory_bytes // _MIB} MiB; Postgres needs at least 128 MiB")
    if max_connections < 10:
        raise SettingError(f"max_connections is {max_connections}; at least 10 are needed")
    memory = memory_bytes // _MIB
    shared = _clamp(memory // 4, 32, 32 * 1024)
    return {
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(memory * 3 // 4, shared)}MB",
        "maintenance_work_mem": f"{_clamp(memory // 16, 16, 2048)}MB",
        "work_mem": f"{_clamp((memory - shared) // (3 * max_connections), 4, 128)}MB",
    }


def wal_settings(disk_bytes: int) -> dict[str, str]:
    """How much WAL may stay on a data filesystem of ``disk_bytes``.

    A standby that is away keeps WAL through its slot. Without a bound it would fill the primary's disk and stop every
    write, so the bound is a fifth of the filesystem, and at most 64 GiB. ``wal_keep_size`` keeps a little for a standby
    whose slot on a *new* primary has not reserved anything yet. Sizes are whole 16 MiB segments.
    """
    disk = disk_bytes // _MIB
    return {
        "max_wal_size": f"{_segments(_clamp(disk // 8, 64, 8 * 1024))}MB",
        "min_wal_size": f"{_segments(_clamp(disk // 40, 32, 1024))}MB",
        "wal_keep_size": f"{_segments(_clamp(disk // 10, 64, 2 * 1024))}MB",
        "max_slot_wal_keep_size": f"{_segments(_clamp(disk // 5, 128, 64 * 1024))}MB",
    }


def synchronous_standby_names(names: Sequence[str], mode: str) -> str:
    """``ANY 1 ("pg1","pg2","pg3")``, the same text on every host whatever its role, or empty when asynchronous.

    A server ignores its own name in the list, so nothing has to be rewritten after a promotion.
    """
    if mode not in ("sync", "async"):
        raise SettingError(f"postgresql_replication_mode is {mode!r}; allowed: sync, async")
    if mode == "async" or len(names) < 2:
        return ""
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in sorted(names))
    return f"ANY 1 ({quoted})"


def estate_settings(
    *,
    names: Sequence[str],
    mode: str,
    max_connections: int,
    archive_command: str,
    tls_directory: str,
    archive_timeout: int = 0,
    restore_command: str = "",
) -> dict[str, Value]:
    """Settings that every host of the estate has in common.

    Archiving: ``archive_mode`` is on only together with a command. On with an empty command would keep each segment for
    ever, and a command that always succeeds would lie about the archive. WAL is archived by the segment: so much as is
    written in ``archive_timeout`` (seconds) is lost with all database hosts at once.
    """
    senders = max(16, 4 * len(names))
    return {
        "listen_addresses": "*",
        "max_connections": max_connections,
        "superuser_reserved_connections": 5,
        "password_encryption": "scram-sha-256",
        # TLS
        "ssl": True,
        "ssl_ca_file": f"{tls_directory}/ca.crt",
        "ssl_cert_file": f"{tls_directory}/server.crt",
        "ssl_key_file": f"{tls_directory}/server.key",
        "ssl_min_protocol_version": "TLSv1.2",
        # Replication; a dead peer is noticed in seconds, a standby retries twice a second
        "wal_level": "replica",
        "wal_log_hints": True,
        "full_page_writes": True,
        "wal_compression": "lz4",
        "hot_standby": True,
        "hot_standby_feedback": True,
        "max_wal_senders": senders,
        "max_replication_slots": senders,
        "wal_sender_timeout": "5s",
        "wal_receiver_timeout": "5s",
        "wal_receiver_status_interval": "1s",
        "wal_retrieve_retry_interval": "500ms",
        "synchronous_commit": "on",
        "synchronous_standby_names": synchronous_standby_names(names, mode),
        "archive_mode": bool(archive_command),
        "archive_command": archive_command,
        **({"archive_timeout": f"{archive_timeout}s"} if archive_command and archive_timeout else {}),
        **({"restore_command": restore_command} if restore_command else {}),
        # Clients that vanished are noticed, too (seconds)
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 3,
        "tcp_keepalives_count": 3,
        "client_connection_check_interval": "5s",
        # Checkpoints spread out; compressed full pages keep them cheap
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": 0.9,
        # What a person needs to read at 3 a.m.
        "log_checkpoints": True,
        "log_replication_commands": True,
        "log_lock_waits": True,
        "log_autovacuum_min_duration": "10s",
        "log_temp_files": "64MB",
        "log_line_prefix": "%m [%p] %q%u@%d %a %h ",
        "log_timezone": "Etc/UTC",
        "timezone": "Etc/UTC",
        "track_io_timing": True,
    }


def merge(base: Mapping[str, Value], overrides: Mapping[str, Value]) -> dict[str, Value]:
    """``base`` with the people's ``overrides``; a reserved or misspelt name is refused with the reason."""
    merged = dict(base)
    for name, value in overrides.items():
        key = name.lower()
        if not _NAME.match(name):
            raise SettingError(f"postgresql_settings: {name!r} is not a setting's name")
        if key in RESERVED:
            raise SettingError(f"postgresql_settings: {name} may not be set here, because {RESERVED[key]}")
        if not isinstance(value, (str, int, float, bool)):
            raise SettingError(
                f"postgresql_settings: {name} is a {type(value).__name__}; allowed: text, number, yes/no"
            )
        merged[key] = value
    return merged


def render(settings: Mapping[str, Value]) -> str:
    """Lines of ``postgresql.conf``, sorted by name so that two runs write the same bytes."""
    return "".join(f"{name} = {quote(settings[name])}\n" for name in sorted(settings))


def quote(value: Value) -> str:
    """A value as ``postgresql.conf`` takes it: ``on``/``off``, a bare number, or quoted text (20.1.2)."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if "\n" in value or "\r" in value:
        raise SettingError(f"a setting's value may not span lines: {value!r}")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _segments(megabytes: int) -> int:
    """Round down to whole WAL segments of 16 MiB."""
    return max(2, megabytes // 16) * 16
