# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``pgbackrest info --output=json`` says, as frozen values. Pure.

Source: pgBackRest command reference, "info"; its status codes are those of src/command/info/info.c.
It lies beside the program that timers run, so it imports nothing of the collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OK = 0
MISSING_PATH = 1
NO_BACKUP = 2
MISSING_DATA = 3
MIXED = 4
OTHER = 99
# A stanza that is there, with or without backups in it.
THERE = (OK, NO_BACKUP)
TYPES = ("full", "diff", "incr")


class InfoError(ValueError):
    """The answer is not what pgBackRest writes."""


@dataclass(frozen=True)
class Backup:
    """One backup set. Times are seconds since 1970, sizes bytes; ``faulty``: page checksums did not match."""

    label: str
    type: str
    repository: int
    started_at: int
    ended_at: int
    faulty: bool
    database_bytes: int
    repository_bytes: int | None
    wal_start: str
    wal_stop: str
    annotations: Mapping[str, str]
    lsn_start: str = ""
    lsn_stop: str = ""
    system_identifier: str = ""


@dataclass(frozen=True)
class Repository:
    """One repository of the stanza, and what pgBackRest says about it."""

    key: int
    cipher: str
    code: int
    message: str
    wal_min: str
    wal_max: str
    system_identifier: str

    @property
    def there(self) -> bool:
        """The stanza was made in it."""
        return self.code in THERE

    @property
    def locked_out(self) -> bool:
        """It is there, but neither of its two info files can be made sense of: the key is not the one it was made with.

        What comes out of the wrong key is noise, so pgBackRest complains of the cipher or, often, of the format.
        """
        return (
            self.code not in THERE
            and "unable to load info file" in self.message
            and ("CryptoError" in self.message or "FormatError" in self.message)
        )


@dataclass(frozen=True)
class Stanza:
    """A cluster's backups. ``percent``: how far the backup is that runs; None when that is not known."""

    name: str
    code: int
    message: str
    running: bool
    percent: float | None
    repositories: tuple[Repository, ...]
    backups: tuple[Backup, ...]

    @property
    def newest(self) -> Backup | None:
        """The newest usable one."""
        usable = [one for one in self.backups if not one.faulty]
        return max(usable, key=lambda one: (one.ended_at, one.label), default=None)

    def newest_in(self, repository: int) -> Backup | None:
        """The newest usable one of a repository."""
        usable = [one for one in self.backups if one.repository == repository and not one.faulty]
        return max(usable, key=lambda one: (one.ended_at, one.label), default=None)

    def ages(self, now: float) -> dict[int, float | None]:
        """Of each repository, seconds since its newest backup ended; None without any, or where nobody knows."""
        newest = {one.key: self.newest_in(one.key) if one.there else None for one in self.repositories}
        return {key: None if one is None else max(0.0, now - one.ended_at) for key, one in newest.items()}

    def lacking(self, oldest: float) -> list[int]:
        """Repositories, as far as they can be read, without a backup that ended at that time or later."""
        newest = {one.key: self.newest_in(one.key) for one in self.repositories if one.there}
        return [key for key, one in newest.items() if one is None or one.ended_at < int(oldest)]

    def age_s(self, now: float) -> float | None:
        """Seconds since the newest backup ended, None without any."""
        return None if self.newest is None else max(0.0, now - self.newest.ended_at)

    def since(self, when: float) -> Backup | None:
        """The newest backup that began at that time or later."""
        found = [one for one in self.backups if one.started_at >= int(when)]
        return max(found, key=lambda one: one.started_at, default=None)


def _plain(message: Any) -> str:
    """In one line, and without the noise that a wrong key makes of a file."""
    return " ".join("".join(char if " " <= char <= "~" else " " for char in str(message or "")).split())


def _backup(raw: Mapping[str, Any], databases: Mapping[tuple[int, int], str]) -> Backup:
    info, times, wal = raw.get("info") or {}, raw.get("timestamp") or {}, raw.get("archive") or {}
    inside, made_of = info.get("repository") or {}, raw.get("database") or {}
    repository = int(made_of.get("repo-key") or 1)
    # With block incremental backups the size of the whole set is not known, only that of the backup itself.
    stored = inside.get("delta", inside.get("size"))
    return Backup(
        label=str(raw["label"]),
        type=str(raw.get("type") or ""),
        repository=repository,
        started_at=int(times.get("start") or 0),
        ended_at=int(times.get("stop") or 0),
        faulty=bool(raw.get("error")),
        database_bytes=int(info.get("size") or 0),
        repository_bytes=None if stored is None else int(stored),
        wal_start=str(wal.get("start") or ""),
        wal_stop=str(wal.get("stop") or ""),
        annotations={str(key): str(value) for key, value in (raw.get("annotation") or {}).items()},
        lsn_start=str((raw.get("lsn") or {}).get("start") or ""),
        lsn_stop=str((raw.get("lsn") or {}).get("stop") or ""),
        system_identifier=databases.get((repository, int(made_of.get("id") or 0)), ""),
    )


def _repository(raw: Mapping[str, Any], stanza: Mapping[str, Any]) -> Repository:
    key, status = int(raw.get("key") or 1), raw.get("status") or {}
    databases = [one for one in stanza.get("db") or () if int(one.get("repo-key") or 1) == key]
    none: Mapping[str, Any] = {}
    newest = max(databases, key=lambda one: int(one.get("id") or 0), default=none)
    archives = [
        one
        for one in stanza.get("archive") or ()
        if int((one.get("database") or {}).get("repo-key") or 1) == key
        and (one.get("database") or {}).get("id") == newest.get("id")
    ]
    return Repository(
        key=key,
        cipher=str(raw.get("cipher") or "none"),
        code=int(status.get("code") or 0),
        message=_plain(status.get("message")),
        wal_min=min((str(one["min"]) for one in archives if one.get("min")), default=""),
        wal_max=max((str(one["max"]) for one in archives if one.get("max")), default=""),
        system_identifier=str(newest.get("system-id") or ""),
    )


def _databases(raw: Mapping[str, Any]) -> dict[tuple[int, int], str]:
    """System identifier of every cluster that the stanza has ever been of, by repository and number."""
    return {
        (int(one.get("repo-key") or 1), int(one.get("id") or 0)): str(one.get("system-id") or "")
        for one in raw.get("db") or ()
    }


def merged(stanza: str, answers: Mapping[int, str], silent: Mapping[int, str]) -> str:
    """One answer out of those of each repository, in pgBackRest's own form. ``silent``: why the others gave none.

    Asked for all repositories at once, pgBackRest waits for one that is away before it says anything.
    """
    try:
        parts: dict[int, Mapping[str, Any]] = {
            key: next((one for one in json.loads(text, strict=False) if one.get("name") == stanza), {})
            for key, text in answers.items()
        }
        repositories = []
        for key in sorted({*answers, *silent}):
            known = [one for one in parts.get(key, {}).get("repo") or () if one.get("key") == key]
            code, message = (OTHER, silent[key]) if key in silent else (MISSING_PATH, "missing stanza path")
            unknown = {"key": key, "cipher": "none", "status": {"code": code, "message": message}}
            repositories += known or [unknown]
        found = [one["status"] for one in repositories]
        same = len({one["code"] for one in found}) == 1
        status = found[0] if same else {"code": MIXED, "message": "different across repos"}
        locks = [((one.get("status") or {}).get("lock") or {}).get("backup") or {} for one in parts.values()]
        held = next((one for one in locks if one.get("held")), {})
        whole = {
            "name": stanza,
            "repo": repositories,
            "status": {**status, "lock": {"backup": held}},
            **{part: [row for key in sorted(parts) for row in parts[key].get(part) or ()]
               for part in ("archive", "backup", "db")},
        }  # fmt: skip
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise InfoError(f"pgbackrest info did not answer as expected: {error!r}") from error
    return json.dumps([whole])


def parse_info(text: str, stanza: str) -> Stanza:
    """The stanza out of the answer. One that pgBackRest has never heard of has the code :data:`MISSING_PATH`."""
    try:
        # Not strict: what a wrong key makes of a file is quoted with its control characters.
        answer = json.loads(text, strict=False)
        raw = next((one for one in answer if one.get("name") == stanza), None)
        if raw is None:
            return Stanza(stanza, MISSING_PATH, "missing stanza path", False, None, (), ())
        status = raw.get("status") or {}
        lock = (status.get("lock") or {}).get("backup") or {}
        size, done = lock.get("size"), lock.get("size-cplt")
        return Stanza(
            name=stanza,
            code=int(status.get("code") or 0),
            message=_plain(status.get("message")),
            running=bool(lock.get("held")),
            percent=round(100.0 * done / size, 1) if size and done is not None else None,
            repositories=tuple(_repository(one, raw) for one in raw.get("repo") or ()),
            backups=tuple(_backup(one, _databases(raw)) for one in raw.get("backup") or ()),
        )
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise InfoError(f"pgbackrest info did not answer as expected: {error!r}") from error
