# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and command lines of a scratch instance, a restored copy on the repository host for its owner alone. Pure.

It listens on a socket of its own and on no address, archives nothing, follows nobody and is not known to Debian's
pg_ctlcluster. Nothing of the original's configuration counts: a setting by ALTER SYSTEM that is right for a database
host may be more memory than the repository host has. It lies beside the program that timers run, so it imports nothing
of the collection.

Source: PostgreSQL manual, "Archive Recovery" and "Hot Standby, Administrator's Overview"; pgBackRest command reference,
"restore"; the labels are those of src/bin/pg_controldata/pg_controldata.c.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = "/usr/bin/pgbackrest"
INCLUDED = "/etc/pgbackrest/conf.d"
KINDS = ("latest", "label", "immediate", "time", "lsn", "xid", "name")
# Room beside the data: WAL while it is replayed, and what the database grew by since the backup.
SPARE_BYTES = 1 << 30
SPARE_SHARE = 10
# A socket's path is at most 107 bytes; Postgres adds its file's name.
SOCKET_PATH_MAX = 80
# What a recovering server must have at least as much of as the one that wrote the WAL.
_LEARNED = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}
_KEPT = re.compile(r"^(repo\d*-(?!bundle|block|retention)[a-z0-9-]+|io-timeout)=", re.MULTILINE)
_PERCENT = re.compile(r"restore file \S.* \(.*?(\d+(?:\.\d+)?)%\)")


@dataclass(frozen=True)
class Place:
    """Where it is: ``root``, a folder that is removed with everything in it, the socket's folder and the port."""

    root: str
    socket: str
    port: int

    @property
    def data(self) -> str:
        """The restored data."""
        return f"{self.root}/data"

    @property
    def log(self) -> str:
        """What the server says."""
        return f"{self.root}/server.log"

    def file(self, name: str) -> str:
        """A file of the instance."""
        return f"{self.root}/{name}"


@dataclass(frozen=True)
class Aim:
    """Where recovery ends. ``kind``: one of :data:`KINDS`; ``value`` as Postgres reads it; ``label``: the backup."""

    label: str
    repository: int = 1
    kind: str = "latest"
    value: str = ""
    inclusive: bool = True
    timeline: str = "latest"

    @property
    def words(self) -> str:
        """For people."""
        if self.kind == "latest":
            return f"the end of the archive, from backup {self.label}"
        if self.kind in ("label", "immediate"):
            return f"the end of backup {self.label}"
        what = {"time": "time", "lsn": "WAL position", "xid": "transaction", "name": "restore point"}[self.kind]
        return f"{what} {self.value}, from backup {self.label}"


@dataclass(frozen=True)
class Segment:
    """The newest WAL segment of an archive. ``folder``: of the archive, such as 17-1."""

    repository: int
    folder: str
    name: str

    @property
    def begins(self) -> int:
        """Its first byte, as a WAL position. Source: XLogFileName, for segments of 16 MiB."""
        return (int(self.name[8:16], 16) << 32) + (int(self.name[16:24], 16) << 24)


def quoted(value: str) -> str:
    """As a configuration file of Postgres has it."""
    return "'" + value.replace("'", "''") + "'"


def aim_from(raw: Mapping[str, Any]) -> Aim:
    """Read an aim that was written down. Raises ValueError."""
    aim = Aim(**{key: raw[key] for key in Aim.__dataclass_fields__ if key in raw})
    if aim.kind not in KINDS or not re.fullmatch(r"[0-9]{8}-[0-9]{6}[FDI_0-9-]*", aim.label):
        raise ValueError(f"{aim.kind} of backup {aim.label!r} is nothing that can be restored")
    return aim


def server_version(answer: str, stanza: str) -> str:
    """Major version of the servers that the stanza is of, out of pgbackrest info; empty when it does not say."""
    try:
        raw = next(one for one in json.loads(answer, strict=False) if one.get("name") == stanza)
        newest = max(raw.get("db") or (), key=lambda one: int(one.get("id") or 0))
        return str(newest["version"])
    except (StopIteration, ValueError, TypeError, KeyError, AttributeError):
        return ""


def newest_segment(answer: str, stanza: str, repository: int = 0) -> Segment | None:
    """The newest WAL segment in a repository, 0 for any, out of pgbackrest info; None without any."""
    try:
        raw = next(one for one in json.loads(answer, strict=False) if one.get("name") == stanza)
        found = [
            Segment(int((one.get("database") or {}).get("repo-key") or 1), str(one["id"]), str(one["max"]))
            for one in raw.get("archive") or ()
            if re.fullmatch(r"[0-9A-F]{24}", str(one.get("max") or ""))
        ]
    except (StopIteration, ValueError, TypeError, KeyError, AttributeError):
        return None
    found = [one for one in found if repository in (0, one.repository)]
    return max(found, key=lambda one: (int(one.folder.rpartition("-")[2]), one.name, -one.repository), default=None)


def segment_time(listing: str, segment: str) -> int | None:
    """When a segment was archived (seconds since 1970), out of repo-ls of its folder; None when it is not there."""
    try:
        found = [about.get("time") for name, about in json.loads(listing).items() if name.startswith(segment)]
    except (ValueError, AttributeError):
        return None
    return int(found[0]) if found and found[0] else None


def learned(controldata: str) -> dict[str, int]:
    """Settings that recovery requires, out of pg_controldata. Raises ValueError when one is missing."""
    found = {}
    for line in controldata.splitlines():
        label, _colon, value = line.partition(":")
        if label.strip() in _LEARNED:
            found[_LEARNED[label.strip()]] = int(value)
    missing = sorted(set(_LEARNED.values()) - set(found))
    if missing:
        raise ValueError(f"pg_controldata does not name {', '.join(missing)}")
    return found


def checksums_on(controldata: str) -> bool:
    """Whether pages carry checksums."""
    found = re.search(r"^Data page checksum version:\s*(\d+)", controldata, re.MULTILINE)
    return found is not None and found.group(1) != "0"


def server_config(place: Place, required: Mapping[str, int], more: Mapping[str, Any]) -> str:
    """postgresql.conf. ``more``: settings of the inventory, such as libraries that the database cannot do without."""
    settings: dict[str, Any] = {
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
        "log_timezone": "UTC",
        "timezone": "UTC",
        **required,
        **more,
        "data_directory": place.data,
        "hba_file": place.file("pg_hba.conf"),
        "ident_file": place.file("pg_ident.conf"),
        "external_pid_file": "",
        "listen_addresses": "",
        "port": place.port,
        "unix_socket_directories": place.socket,
        "unix_socket_permissions": "0700",
        "archive_mode": "off",
        # A standby would have to have as much of each setting as the original at every moment; this one only ends.
        "hot_standby": "off",
        "primary_conninfo": "",
        "primary_slot_name": "",
        "synchronous_standby_names": "",
        "ssl": "off",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_min_messages": "warning",
        "lc_messages": "C",
        "max_logical_replication_workers": 0,
    }
    return "".join(f"{name} = {quoted(str(value))}\n" for name, value in settings.items())


def access_config() -> str:
    """pg_hba.conf: whoever owns the files, by the socket."""
    return "local all postgres peer\n"


def repository_config(original: str, place: Place, stanza: str, processes: int) -> str:
    """A pgBackRest configuration in which the scratch instance is the stanza's only server, on this host."""
    head = original.partition(f"[{stanza}]")[0]
    kept = [line for line in head.splitlines() if _KEPT.match(line)]
    own = [
        f"process-max={processes}",
        f"lock-path={place.file('lock')}",
        f"log-path={place.root}",
        "log-level-file=off",
        "log-level-stderr=warn",
        f"spool-path={place.root}",
        f"[{stanza}]",
        f"pg1-path={place.data}",
    ]
    return "".join(f"{line}\n" for line in ("[global]", *kept, *own))


def program(place: Place, stanza: str) -> list[str]:
    """How pgBackRest is called for the instance."""
    return [
        PROGRAM,
        f"--config={place.file('pgbackrest.conf')}",
        f"--config-include-path={INCLUDED}",
        f"--stanza={stanza}",
    ]


def recovery_config(place: Place, stanza: str, aim: Aim, *, alone: bool = True) -> str:
    """postgresql.auto.conf, in place of the original's: what the original was set to counts for nothing here.

    ``alone``: WAL comes out of the backup's own repository, or else out of any that has it.
    """
    only = [f"--repo={aim.repository}"] if alone else []
    get = " ".join([*program(place, stanza), *only, "archive-get", "%f", '"%p"'])
    pairs = [("restore_command", get), ("recovery_target_timeline", aim.timeline)]
    if aim.kind in ("time", "lsn", "xid", "name"):
        pairs += [
            (f"recovery_target_{aim.kind}", aim.value),
            ("recovery_target_inclusive", "on" if aim.inclusive else "off"),
        ]
    elif aim.kind in ("label", "immediate"):
        pairs.append(("recovery_target", "immediate"))
    pairs.append(("recovery_target_action", "promote"))
    return "".join(f"{name} = {quoted(value)}\n" for name, value in pairs)


def restore_argv(place: Place, stanza: str, aim: Aim, databases: Sequence[str] = ()) -> list[str]:
    """Copy the backup. Tablespaces come below the folder, too. ``databases``: the others are left empty."""
    return [
        *program(place, stanza),
        f"--repo={aim.repository}",
        f"--set={aim.label}",
        "--type=none",
        f"--tablespace-map-all={place.file('tablespaces')}",
        *(f"--db-include={name}" for name in databases),
        "--log-level-console=detail",
        "restore",
    ]


def percent(line: str) -> float | None:
    """How far a restore is, out of a line of its log."""
    found = _PERCENT.search(line)
    return float(found.group(1)) if found else None


def room_needed(database_bytes: int) -> int:
    """Bytes that have to be free before anything is copied."""
    return database_bytes + database_bytes // SPARE_SHARE + SPARE_BYTES


def no_room(database_bytes: int, free: int, path: str) -> str:
    """Why there is no room; empty when there is."""
    need = room_needed(database_bytes)
    if free >= need:
        return ""
    return (
        f"{path} has {free} bytes free; expected {need} or more "
        f"(the database of {database_bytes}, a tenth of it, and {SPARE_BYTES} for WAL)"
    )


def mistakes(root: str, socket: str) -> list[str]:
    """What is wrong with the place, before a folder of that name is removed."""
    found = [
        f"{name} is {path!r}; expected an absolute path of two folders or more, without `..`"
        for name, path in (("the scratch path", root), ("the socket's folder", socket))
        if not path.startswith("/") or len(Path(path).parts) < 4 or ".." in Path(path).parts
    ]
    if len(socket) > SOCKET_PATH_MAX:
        found.append(f"the socket's folder has {len(socket)} characters; expected {SOCKET_PATH_MAX} or fewer")
    return found
