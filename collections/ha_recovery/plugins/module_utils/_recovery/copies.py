# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status.yml says of backups of files and of logical dumps. Pure.

====================================================  ========  ==============================
observed                                              verdict   next
====================================================  ========  ==============================
the host that keeps them does not answer              yellow    restore it
they are asked for, and not set up                    yellow    site.yml
nobody has looked at them for half an hour            yellow    its timer
a host's repository cannot be read                    yellow    the journal of the look
a host, or a database, has no copy young enough       yellow    take one
a host's last backup of files failed                  yellow    its journal
the last dump of a database failed                    yellow    its journal
the last check of a repository failed                 red       its journal
the last drill of a host's files failed               red       its journal
none of these                                         --        nothing
====================================================  ========  ==============================

A new host is looked at within minutes: until then it is not missed. One line for each of them, however many hosts.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.backups import ago
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import SITE, STATUS, Reason

# Seconds. Both look every five minutes.
NEW, SILENT = 900, 1800
GLOBALS = "_globals"


def _common(host: str, seen: Mapping[str, Any], what: str, unit: str, told: Container[str]) -> Iterator[Reason]:
    """Away, not set up, not looked at. ``told``: hosts whose silence is named already."""
    if not seen.get("reachable"):
        if host not in told:
            why = seen.get("error") or "no answer"
            yield Reason(host, f"not reachable ({why})", "reachable", f"restore it, then {STATUS}")
        return
    if not seen.get("set_up"):
        yield Reason(host, f"{what} are asked for and not set up", "set up", SITE)
        return
    age = seen.get("told_s")
    if age is None and seen.get("since_s", 0) > NEW:
        yield Reason(
            host, f"nobody has looked at {what} yet", "a look every 5 min", f"systemctl status {unit} on {host}"
        )
    elif age is not None and age > SILENT:
        observed = f"nobody has looked at {what} for {ago(age)}"
        yield Reason(host, observed, "a look every 5 min", f"systemctl status {unit} on {host}")


def _where(of: Mapping[str, Mapping[str, float]], figure: str, value: int) -> list[str]:
    return sorted(name for name, one in of.items() if one.get(figure) == value)


def _aged(name: str, one: Mapping[str, float]) -> str:
    age = one.get("age_seconds")
    return f"{shown(name)} ({'none' if age is None else ago(age) + ' old'})"


def shown(database: str) -> str:
    """The dump of the roles has a name of its own."""
    return "the roles" if database == GLOBALS else database


def _told(problems: Mapping[str, str], names: list[str]) -> str:
    return "; ".join(f"{shown(name)}: {problems.get(name) or 'it did not end'}" for name in names)


def file_repository_reasons(host: str, seen: Mapping[str, Any], told: Container[str] = ()) -> Iterator[Reason]:
    """``seen``: {reachable, error, and what the call file_backup_info answered of the repository}."""
    yield from _common(host, seen, "backups of files", "file_backup-freshness.timer", told)
    of = seen.get("of") or {}
    unread = _where(of, "up", 0)
    if unread:
        yield Reason(host, f"the repository of {', '.join(unread)} cannot be read", "an answer",
                     f"journalctl -u file_backup-freshness on {host}")  # fmt: skip
    stale = [name for name in _where(of, "stale", 1) if name not in unread]
    if stale:
        yield Reason(
            host, f"the files of {', '.join(_aged(name, of[name]) for name in stale)} have no young backup",
            f"one within {ago(seen.get('max_age_s') or 0)}",
            f"systemctl start file_backup-backup on {', '.join(stale)}",
        )  # fmt: skip
    damaged = _where(of, "check_good", 0)
    if damaged:
        yield Reason(
            host, f"the last check of backups of files failed: {_told(seen.get('check') or {}, damaged)}",
            "every byte as it was written",
            f"systemctl start file_backup-check on {host}; its journal says more", "red",
        )  # fmt: skip
    lost = _where(of, "drill_good", 0)
    if lost:
        yield Reason(
            host, f"the last drill of backups of files failed: {_told(seen.get('drill') or {}, lost)}",
            "every file comes back as it was",
            f"systemctl start file_backup-backup on {', '.join(lost)}, then file_backup-drill on {host}", "red",
        )  # fmt: skip


def file_host_reasons(host: str, seen: Mapping[str, Any]) -> Iterator[Reason]:
    """``seen``: what the call file_backup_info answered of the host's own last backup."""
    if any(one.get("last_run_good") == 0 for one in (seen.get("of") or {}).values()):
        why = seen.get("problem") or "it did not end"
        yield Reason(host, f"the last backup of its files failed: {why}", "a backup",
                     f"systemctl start file_backup-backup on {host}; its journal says more")  # fmt: skip


def dump_reasons(host: str, seen: Mapping[str, Any], told: Container[str] = ()) -> Iterator[Reason]:
    """``seen``: {reachable, error, and what the call dump_info answered}."""
    yield from _common(host, seen, "dumps", "postgresql_dump-freshness.timer", told)
    of, after = seen.get("of") or {}, f"systemctl start postgresql_dump on {host}; its journal says more"
    failed = _where(of, "last_run_good", 0)
    if failed:
        yield Reason(host, f"the last dump failed: {_told(seen.get('problems') or {}, failed)}", "a dump", after)
    stale = _where(of, "stale", 1)
    if stale:
        named = ", ".join(_aged(name, of[name]) for name in stale)
        yield Reason(host, f"no young dump of {named}", f"one within {ago(seen.get('max_age_s') or 0)}", after)


def copy_reasons(copies: Mapping[str, Mapping[str, Any]], told: Container[str] = ()) -> Iterator[Reason]:
    """``copies``: {files, file_hosts, dumps}, each by host. ``told``: hosts whose silence is named already."""
    files = copies.get("files") or {}
    for name, seen in files.items():
        yield from file_repository_reasons(name, seen, told)
    for name, seen in (copies.get("file_hosts") or {}).items():
        yield from file_host_reasons(name, seen)
    for name, seen in (copies.get("dumps") or {}).items():
        yield from dump_reasons(name, seen, told if name not in files else (name,))


def copy_detail(copies: Mapping[str, Mapping[str, Any]], host: str) -> list[str]:
    """Words for the host's column on the screen."""
    words = []
    for key, what in (("files", "files of {} hosts"), ("dumps", "dumps of {} databases")):
        of = ((copies.get(key) or {}).get(host) or {}).get("of") or {}
        ages = [one["age_seconds"] for one in of.values() if "age_seconds" in one]
        count = len([name for name in of if name != GLOBALS])
        words += [what.format(count) + (f", the oldest {ago(max(ages))} old" if ages else "")] if of else []
    return words
