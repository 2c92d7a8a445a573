# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run pgBackRest on this host, as the user whose the repository and the data are, always with an end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import InfoError, Stanza, parse_info
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user

USER = "postgres"
PROGRAM = "/usr/bin/pgbackrest"
_LOGGED = re.compile(r"^(?:P\d+\s+)?(?:\d{4}-\d\d-\d\d \S+ P\d+\s+)?(ERROR|WARN): (?:\[(\d+)\]: )?(.*)$")


class PgbackrestFailed(Exception):
    """pgBackRest could not do it. The message is its own."""


def argv(command: str, stanza: str = "", options: Sequence[str] = ()) -> list[str]:
    """One command line. Nothing secret is ever in it: the key is in a file that only root and its user read."""
    named = [f"--stanza={stanza}"] if stanza else []
    quiet = ["--log-level-console=off", "--log-level-stderr=warn"]
    return as_user(USER, [PROGRAM, *named, *(quiet if command not in {"version", "server-ping"} else []), *options,
                          *command.split()])  # fmt: skip


def run(
    runner: Runner,
    command: str,
    *,
    stanza: str = "",
    options: Sequence[str] = (),
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run it to its end, or for ``timeout`` seconds."""
    return runner.run(argv(command, stanza, options), timeout=timeout, env=env)


def reason(done: Completed) -> str:
    """What pgBackRest complained about: its errors, or else its warnings, or else the last line; hints stay."""
    if done.timed_out:
        return done.reason
    blocks: list[tuple[str, list[str]]] = []
    for line in f"{done.stderr}\n{done.stdout}".splitlines():
        found = _LOGGED.match(line.strip())
        if found:
            code = f" [{found.group(2)}]" if found.group(2) else ""
            blocks.append((found.group(1), [f"{found.group(3)}{code}"]))
        elif blocks and line.strip():
            blocks[-1][1].append(line.strip())
    for level in ("ERROR", "WARN"):
        said = [" ".join(words) for kind, words in blocks if kind == level]
        if said:
            return "; ".join(dict.fromkeys(said))
    return done.reason


def info(runner: Runner, stanza: str, *, timeout: float = 20.0, env: Mapping[str, str] | None = None) -> Stanza:
    """What is in the repositories. Raises PgbackrestFailed."""
    done = run(runner, "info", stanza=stanza, options=["--output=json"], timeout=timeout, env=env)
    if not done.ok:
        raise PgbackrestFailed(reason(done))
    try:
        return parse_info(done.stdout, stanza)
    except InfoError as error:
        raise PgbackrestFailed(str(error)) from error
