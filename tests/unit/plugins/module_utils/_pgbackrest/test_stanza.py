"""A stanza is made although the primary is just trying to archive; words of 2.55.1."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command, stanza

from .test_plans import Host, ok

LOCKED = Completed(
    56,
    "",
    "WARN: unable to check pg1: [LockAcquireError] raised from remote-0 tls protocol on '192.0.2.21': unable to "
    "acquire lock on file '/run/pgbackrest/orders-archive-1.lock': Resource temporarily unavailable\n"
    "ERROR: [056]: unable to find primary cluster - cannot proceed\n",
)
NO_PRIMARY = Completed(56, "", "ERROR: [056]: unable to find primary cluster - cannot proceed\n")


@pytest.mark.parametrize(
    ("answers", "made", "asked"),
    [
        ([ok()], True, 1),
        ([LOCKED, LOCKED, ok()], True, 3),
        ([NO_PRIMARY, ok()], False, 1),
        ([LOCKED, NO_PRIMARY, ok()], False, 2),
        ([LOCKED] * (stanza.LOCK_TRIES + 1), False, stanza.LOCK_TRIES + 1),
    ],
)
def test_a_lock_is_waited_for_and_nothing_else(answers: list[Any], made: bool, asked: int) -> None:
    """A primary that is really missing is told at once; a lock that never opens is told, too."""
    host = Host({"stanza-create": answers})
    pauses: list[float] = []
    if made:
        stanza.create(host, "orders", 5, pauses.append)
    else:
        with pytest.raises(command.PgbackrestFailed, match="unable to find primary"):
            stanza.create(host, "orders", 5, pauses.append)
    assert (len(host.ran), len(pauses)) == (asked, asked - 1)
