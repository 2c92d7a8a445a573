# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run pgBackRest on this host, as the user whose the repository and the data are, always with an end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import (
    InfoError,
    Stanza,
    merged,
    parse_info,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user

USER = "postgres"
PROGRAM = "/usr/bin/pgbackrest"
CONFIG = "etc/pgbackrest/pgbackrest.conf"
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


def repository_keys(config: str) -> list[int]:
    """Numbers of the repositories that a configuration names; 1 where it names none."""
    return sorted({int(key) for key in re.findall(r"^repo(\d+)-(?:path|host)=", config, re.MULTILINE)}) or [1]


def configured(root: str = "/") -> list[int]:
    """Numbers of the repositories that this host knows."""
    config = Path(root, CONFIG)
    return repository_keys(config.read_text(encoding="utf-8") if config.exists() else "")


def answer(
    runner: Runner,
    stanza: str,
    *,
    timeout: float = 20.0,
    env: Mapping[str, str] | None = None,
    keys: Sequence[int] | None = None,
) -> str:
    """What pgbackrest info says, of each repository by itself: one that is away hides none of the others.

    Raises PgbackrestFailed when none of them answers.
    """
    keys = configured() if keys is None else keys
    asked = [["--output=json", *([f"--repo={key}"] if len(keys) > 1 else [])] for key in keys]
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        done = list(
            pool.map(
                lambda options: run(runner, "info", stanza=stanza, options=options, timeout=timeout, env=env), asked
            )
        )
    late = f"no answer within {timeout:g} s"
    silent = {key: late if one.timed_out else reason(one) for key, one in zip(keys, done, strict=True) if not one.ok}
    if len(silent) == len(keys):
        raise PgbackrestFailed("; ".join(dict.fromkeys(silent.values())))
    if len(keys) == 1:
        return done[0].stdout
    try:
        return merged(stanza, {key: one.stdout for key, one in zip(keys, done, strict=True) if one.ok}, silent)
    except InfoError as error:
        raise PgbackrestFailed(str(error)) from error


def info(
    runner: Runner,
    stanza: str,
    *,
    timeout: float = 20.0,
    env: Mapping[str, str] | None = None,
    keys: Sequence[int] | None = None,
) -> Stanza:
    """What is in the repositories. Raises PgbackrestFailed."""
    try:
        return parse_info(answer(runner, stanza, timeout=timeout, env=env, keys=keys), stanza)
    except InfoError as error:
        raise PgbackrestFailed(str(error)) from error
