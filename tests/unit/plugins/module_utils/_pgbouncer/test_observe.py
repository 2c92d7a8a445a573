"""What runs on the host, and with which files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.observe import (
    Unit,
    observe,
    parse_units,
    parse_version,
    stale,
)

UNITS = """Id=pgbouncer@read_write.service
ActiveState=active
StateChangeTimestamp=@1790000000

Id=pgbouncer@read_only.service
ActiveState=inactive
StateChangeTimestamp=
"""


@pytest.mark.parametrize(
    ("text", "version"), [("PgBouncer 1.24.1\nlibevent 2.1", "1.24.1"), ("PgBouncer 1.18.0\n", "1.18.0"), ("", None)]
)
def test_versions(text: str, version: str | None) -> None:
    assert parse_version(text) == version


def test_units() -> None:
    assert parse_units(UNITS) == {
        "pgbouncer@read_write.service": Unit(True, 1790000000),
        "pgbouncer@read_only.service": Unit(False, 0),
    }


@pytest.mark.parametrize(
    ("active", "when", "found"),
    [(True, 101.0, ["a"]), (True, 100.9, []), (True, 99.0, []), (False, 101.0, [])],
)
def test_files_that_a_pool_has_not_read(active: bool, when: float, found: list[str]) -> None:
    assert stale(Unit(active, 100), {"a": when}) == found


class Host:
    """A host as commands tell of it."""

    def __init__(self, installed: bool) -> None:
        self.installed = installed

    def run(self, argv: Sequence[str], **_more: Any) -> Completed:
        """See Runner."""
        if argv[0] == "systemctl":
            return Completed(0, UNITS, "")
        return Completed(0, "PgBouncer 1.24.1\n", "") if self.installed else Completed(127, "", "command not found")


def test_a_host(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "pgbouncer"
    folder.mkdir(parents=True)
    for name, when in (("read_write.ini", 1790000001), ("read_only.ini", 1790000001), ("hba.conf", 1789999999)):
        (folder / name).touch()
        os.utime(folder / name, (when, when))
    found = observe(Host(installed=True), "lb1", root=str(tmp_path))
    assert (found["host"], found["installed"], found["version"]) == ("lb1", True, "1.24.1")
    assert [(one["pool"], one["state"], one["port"], one["stale"]) for one in found["pools"]] == [
        ("read_write", "stopped", None, ["read_write.ini"]),
        ("read_only", "stopped", None, []),
    ]


def test_a_host_without_it(tmp_path: Path) -> None:
    found = observe(Host(installed=False), "lb1", root=str(tmp_path))
    assert (found["installed"], found["version"], [one["stale"] for one in found["pools"]]) == (False, None, [[], []])
