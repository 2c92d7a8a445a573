# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a stanza, once, and see that WAL arrives in every repository."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Stanza


class StanzaRefused(Exception):
    """The repository belongs to another cluster, or another key. Says what was seen, expected, and what comes next."""


class NotArchiving(Exception):
    """The primary does not archive yet: archive_mode waits for a restart. The message is pgBackRest's."""


# pgBackRest's exit status for a primary with archive_mode off.
ARCHIVE_DISABLED = 87
# How often, and after how many seconds each, a lock that another pgBackRest holds is asked for again.
LOCK_TRIES, LOCK_PAUSE = 20, 1.0


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    create: bool
    reason: str


def plan(stanza: Stanza, system_identifier: str) -> Plan:
    """Decide from what is in the repositories.

    ==========================================  =======================
    seen in any repository                      what follows
    ==========================================  =======================
    the key does not open it                    refused
    backups of another cluster                  refused, never upgraded
    it does not know the stanza                 create
    an error                                    refused, in its words
    ==========================================  =======================
    """
    for one in stanza.repositories:
        where = f"repository {one.key}, stanza {stanza.name}"
        if one.locked_out:
            raise StanzaRefused(
                f"{where}: the key does not open it; expected the key that it was made with. Nothing was changed. "
                "Next: put the right key (ha_backup_cipher_pass) back into the vault and run the role pgbackrest."
            )
        if system_identifier and one.system_identifier and one.system_identifier != system_identifier:
            raise StanzaRefused(
                f"{where}: holds backups of the cluster with the system identifier {one.system_identifier}; the "
                f"servers are {system_identifier}. Nothing was changed. Next: give the new cluster a stanza of its own "
                "(pgbackrest_stanza), or, if nobody needs the old backups, on the repository host: pgbackrest stop; "
                f"pgbackrest --stanza={stanza.name} stanza-delete --force; pgbackrest start."
            )
    missing = [one for one in stanza.repositories if not one.there]
    if stanza.repositories and not missing:
        return Plan(False, "")
    broken = [one for one in missing if one.code not in (1, 3)]
    if broken:
        raise StanzaRefused(
            f"repository {broken[0].key}, stanza {stanza.name}: {broken[0].message}; expected a repository that can be "
            "read. Nothing was changed. Next: pgbackrest info on the repository host."
        )
    return Plan(True, "the repository does not know the stanza")


def create(runner: Runner, stanza: str, timeout: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Raises PgbackrestFailed.

    A primary whose WAL waits tries to archive it again and again, and holds its lock meanwhile: pgBackRest then says
    that there is no primary (its status 056). The lock is free again between two attempts.
    """
    done = command.run(runner, "stanza-create", stanza=stanza, timeout=timeout)
    for _attempt in range(LOCK_TRIES):
        if done.ok or "unable to acquire lock" not in done.stderr:
            break
        sleep(LOCK_PAUSE)
        done = command.run(runner, "stanza-create", stanza=stanza, timeout=timeout)
    if not done.ok:
        raise command.PgbackrestFailed(f"the stanza {stanza} could not be made: {command.reason(done)}")


def check(runner: Runner, stanza: str, timeout: float) -> dict[str, Any]:
    """The primary switches to a new segment, and it arrives. Raises PgbackrestFailed."""
    before = {one.key: one.wal_max for one in command.info(runner, stanza).repositories}
    done = command.run(runner, "check", stanza=stanza, timeout=timeout)
    if done.rc == ARCHIVE_DISABLED:
        raise NotArchiving(command.reason(done))
    if not done.ok:
        raise command.PgbackrestFailed(f"WAL does not arrive in the repository: {command.reason(done)}")
    after = {one.key: one.wal_max for one in command.info(runner, stanza).repositories}
    return {"before": before, "after": after}
