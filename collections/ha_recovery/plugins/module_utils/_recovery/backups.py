# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status.yml says of backups and of the WAL archive. Pure.

====================================================  ========  ==============================
observed                                              verdict   next
====================================================  ========  ==============================
the repository host does not answer                   yellow    restore it
its repositories cannot be read                       yellow    pgbackrest info there
one of several repositories cannot be read            yellow    bring it back
there is no backup yet                                yellow    backup.yml
the newest of a repository is older than allowed      yellow    backup.yml
the last check of every file found damage             red       a full backup
the last restore drill failed                         red       restore_drill.yml
the last good drill is older than allowed             red       restore_drill.yml
the primary's archiver fails                          yellow    its log
segments wait for the archive, more than 16           yellow    the repository host, the network
none of these                                         --        nothing
====================================================  ========  ==============================

A lost archive costs nothing today and everything on the day it is needed: yellow, so that people look by day. Damaged
backups are red, for until the next full one there may be nothing to restore from; so are backups of which nobody knows
whether they can be restored. A new estate has its first drill within the time allowed, counted from the first look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import SITE, STATUS, Reason

BACKUP = "ansible-playbook playbooks/backup.yml"
FULL = f"{BACKUP} -e backup_type=full"
DRILL = "ansible-playbook playbooks/restore_drill.yml"
READY_LIMIT = 16
# pgBackRest's status of a repository that it could not look into.
UNREADABLE = 99


def brief(message: str) -> str:
    """An error of pgBackRest as a screen shows it: without the request to a bucket, and the answer, that follow it."""
    first = message.partition(" ***")[0].rstrip(":")
    return first if len(first) <= 200 else f"{first[:200]}…"


def ago(seconds: float) -> str:
    """An age as people read it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.1f} days"


def repository_reasons(host: str, seen: Mapping[str, Any]) -> Iterator[Reason]:
    """``seen``: {reachable, error, and what the call backup_info answered}."""
    if not seen.get("reachable"):
        yield Reason(
            host, f"not reachable ({seen.get('error') or 'no answer'})", "reachable", f"restore it, then {STATUS}"
        )
        return
    if seen.get("error"):
        yield Reason(
            host, f"pgBackRest does not show its repositories: {seen['error']}", "an answer",
            f"sudo -u postgres pgbackrest info on {host}",
        )  # fmt: skip
        return
    yield from age_reasons(host, seen)
    verified = seen.get("verified")
    if verified and not verified["good"]:
        yield Reason(
            host, f"the check of every file found damage {ago(verified['age_s'])} ago", "every file as it was written",
            f"{FULL}; journalctl -u pgbackrest-verify on {host} names the files", "red",
        )  # fmt: skip
    yield from drill_reasons(host, seen.get("drill") or {})


def age_reasons(host: str, seen: Mapping[str, Any]) -> Iterator[Reason]:
    """Of each repository: whether it is there, and how old its newest backup is."""
    limit, repositories = seen.get("max_age_s"), seen.get("repositories") or []
    several = len(repositories) > 1
    if not several and not any(one.get("code") == UNREADABLE for one in repositories):
        repositories = [{"key": 1, "there": True, "age_s": seen.get("age_s")}]
    for one in repositories:
        name, age = f"repository {one['key']}", one.get("age_s")
        if not one["there"]:
            yield Reason(
                host, f"{name}: {brief(one['message'])}", "a repository that knows the cluster",
                f"bring it back, or make it anew with {SITE}; WAL waits on the primary for it",
            )  # fmt: skip
        elif age is None:
            yield Reason(host, f"there is no backup yet{f' in {name}' if several else ''}", "a backup", BACKUP)
        elif limit is not None and age > limit:
            which = f" in {name}" if several else ""
            yield Reason(host, f"the newest backup{which} ended {ago(age)} ago", f"one within {ago(limit)}", BACKUP)


def drill_reasons(host: str, drill: Mapping[str, Any]) -> Iterator[Reason]:
    """``drill``: {good, problems, overdue, limit_s, good_age_s}; good None: there was none yet."""
    age = drill.get("good_age_s")
    last = "there was no good one yet" if age is None else f"the last good one was {ago(age)} ago"
    if drill.get("good") is False:
        why = "; ".join(drill.get("problems") or ["it did not end"])
        yield Reason(host, f"the last restore drill failed: {why}; {last}", "a backup that can be restored",
                     f"{FULL}, then {DRILL}", "red")  # fmt: skip
    elif drill.get("overdue"):
        yield Reason(host, f"no restore drill of late: {last}", f"one within {ago(drill['limit_s'])}", DRILL, "red")


def archive_reasons(host: str, seen: Mapping[str, Any]) -> Iterator[Reason]:
    """``seen``: what the call archive_info answered on the primary; empty when it did not."""
    if not seen.get("on"):
        if seen:
            yield Reason(host, "archive_mode is off", "WAL goes to the archive",
                         "ansible-playbook playbooks/site.yml, then playbooks/rolling_restart.yml")  # fmt: skip
        return
    since = seen.get("last_archived_age_s")
    last = "nothing was archived yet" if since is None else f"the last segment was archived {ago(since)} ago"
    look = f"the end of /var/log/postgresql on {host}; then {STATUS}"
    if seen.get("failing"):
        yield Reason(host, f"archiving {seen.get('last_failed_wal')} failed; {last}", "WAL goes to the archive", look)
    elif (seen.get("ready") or 0) > READY_LIMIT:
        yield Reason(host, f"{seen['ready']} segments wait for the archive; {last}", f"at most {READY_LIMIT}", look)


def backup_detail(seen: Mapping[str, Any]) -> str:
    """The repository host's column on the screen."""
    if not seen.get("reachable") or seen.get("error"):
        return str(seen.get("error") or "no answer")
    newest, age = seen.get("newest"), seen.get("age_s")
    words = [f"newest backup {newest['label']}, {ago(age)} old" if newest and age is not None else "no backup"]
    words += [f"{seen['backups']} in all"] if newest else []
    lost = [one["key"] for one in seen.get("repositories") or () if not one["there"]]
    words += [f"repository {', '.join(map(str, lost))} not readable"] if lost and newest else []
    words += (
        ["one runs now" if seen.get("percent") is None else f"one runs now, {seen['percent']:g} %"]
        if seen.get("running")
        else []
    )
    verified = seen.get("verified")
    words += [f"{'verified' if verified['good'] else 'found damaged'} {ago(verified['age_s'])} ago"] if verified else []
    drill = seen.get("drill") or {}
    words += [f"restored in a drill {ago(drill['good_age_s'])} ago"] if drill.get("good_age_s") is not None else []
    return "; ".join(words)
