# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify each repository of a stanza on this host."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.verify import (
    Verified,
    VerifyError,
    parse_verify,
)


def building_on_damage(found: Verified) -> list[str]:
    """Backups whose own files are good, but not those of the full one that they build on: its label begins theirs."""
    fulls = [one.name for one in found.checked if one.kind == "backup" and not one.good and one.name.endswith("F")]
    return [
        f"backup {one.name}: builds on {full}"
        for full in fulls
        for one in found.checked
        if one.kind == "backup" and one.good and one.name.startswith(f"{full}_")
    ]


def verify(runner: Runner, stanza: str, timeout: float) -> dict[str, Any]:
    """{good, checked, damaged} of all repositories together. Raises PgbackrestFailed."""
    result: dict[str, Any] = {"good": True, "checked": [], "damaged": []}
    repositories = command.info(runner, stanza).repositories
    if not repositories:
        raise command.PgbackrestFailed(f"no repository knows the stanza {stanza}")
    for one in repositories:
        options = [f"--repo={one.key}", "--output=text", "--verbose"]
        done = command.run(runner, "verify", stanza=stanza, options=options, timeout=timeout)
        if done.timed_out:
            raise command.PgbackrestFailed(command.reason(done))
        try:
            found = parse_verify(f"{done.stdout}\n{done.stderr}")
        except VerifyError as error:
            raise command.PgbackrestFailed(f"{error}: {command.reason(done)}") from error
        where = f"repository {one.key}"
        result["good"] = result["good"] and found.good
        result["checked"] += [{"repository": one.key, **asdict(each)} for each in found.checked]
        result["damaged"] += [f"{where}, {each}" for each in found.damaged]
        result["damaged"] += [f"{where}, {each}" for each in building_on_damage(found)]
        if not found.good:
            result["damaged"] += [f"{where}: {each}" for each in found.errors]
    return result
