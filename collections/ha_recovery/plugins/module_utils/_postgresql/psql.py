# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a local Postgres one question through psql: one process, one JSON answer, always within a time limit."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout


@dataclass(frozen=True)
class Answer:
    """``value`` is the parsed JSON when ``ok``; else ``error`` says why and ``timed_out`` whether it hung."""

    ok: bool
    value: Any = None
    error: str = ""
    timed_out: bool = False


def as_user(user: str, argv: Sequence[str]) -> list[str]:
    """The command as that user. setpriv rather than runuser: no PAM session, so no login records and 20 ms less."""
    if os.geteuid() != 0:
        return list(argv)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", *argv]


def query_json(
    runner: Runner, layout: Layout, sql: str, *, port: int = 5432, timeout: float = 2.0, database: str = "postgres"
) -> Answer:
    """Run SQL that yields one JSON value as the operating system user postgres over the local socket.

    The version's own psql is called, not Debian's Perl wrapper. ``timeout`` (seconds) bounds the whole call; the
    statement is cut a little earlier, so that the server's own reason is preferred over ours.
    """
    argv = as_user(
        "postgres",
        [
            str(layout.bin_dir / "psql"),
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(layout.socket_dir),
            "-p",
            str(port),
            "-U",
            "postgres",
            "-d",
            database,
            "-f",
            "-",
        ],
    )
    env = {
        "PGCONNECT_TIMEOUT": str(max(2, int(timeout))),
        "PGOPTIONS": f"-c statement_timeout={max(100, int(timeout * 900))}",
        "PGAPPNAME": "ha_recovery",
    }
    done = runner.run(argv, timeout=timeout, stdin=sql, env=env)
    if not done.ok:
        return Answer(ok=False, error=done.reason, timed_out=done.timed_out or "statement timeout" in done.stderr)
    text = done.stdout.strip()
    if not text:
        return Answer(ok=True, value=None)
    try:
        return Answer(ok=True, value=json.loads(text))
    except ValueError:
        return Answer(ok=False, error=f"psql did not answer with JSON: {text[:200]}")
