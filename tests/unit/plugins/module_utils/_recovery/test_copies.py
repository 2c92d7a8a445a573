"""What the screen says of backups of files and of logical dumps."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.copies import (
    copy_detail,
    copy_reasons,
    dump_reasons,
    file_host_reasons,
    file_repository_reasons,
)

FRESH = {"up": 1.0, "stale": 0.0, "age_seconds": 3600.0, "check_good": 1.0, "drill_good": 1.0}
DUMPED = {"stale": 0.0, "age_seconds": 3600.0, "last_run_good": 1.0}
SILENT = {"reachable": False, "error": "no route"}


def seen(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A host that keeps copies and was looked at a minute ago."""
    told = {"reachable": True, "set_up": True, "since_s": 86400, "told_s": 60, "max_age_s": 93600, "of": of}
    return {**told, **changes}


def files(**hosts: dict[str, float]) -> dict[str, Any]:
    """Changes to the figures of lb1; other hosts are as they are given."""
    return {"lb1": {**FRESH, **hosts.pop("lb1", {})}, **{name: {**FRESH, **one} for name, one in hosts.items()}}


STALE_NONE = {"up": 1.0, "stale": 1.0}


@pytest.mark.parametrize(
    ("told", "severity", "says", "after"),
    [
        (seen(files()), None, "", ""),
        (SILENT, "yellow", "not reachable (no route)", "restore it"),
        ({"reachable": True, "set_up": False}, "yellow", "asked for and not set up", "site.yml"),
        (seen({}, told_s=None, since_s=899), None, "", ""),
        (seen({}, told_s=None, since_s=901), "yellow", "nobody has looked at backups of files yet",
         "file_backup-freshness.timer on backup1"),
        (seen(files(), told_s=1800), None, "", ""),
        (seen(files(), told_s=1801), "yellow", "nobody has looked at backups of files for 30 min",
         "file_backup-freshness.timer on backup1"),
        (seen(files(lb1={"up": 0.0, "stale": 1.0})), "yellow", "the repository of lb1 cannot be read",
         "journalctl -u file_backup-freshness on backup1"),
        (seen(files(lb1={"stale": 1.0, "age_seconds": 108000.0}) | {"pg1": STALE_NONE}), "yellow",
         "the files of lb1 (30.0 h old), pg1 (none) have no young backup",
         "systemctl start file_backup-backup on lb1, pg1"),
        (seen(files(lb1={"check_good": 0.0}), check={"lb1": "pack damaged"}), "red",
         "the last check of backups of files failed: lb1: pack damaged", "file_backup-check on backup1"),
        (seen(files(lb1={"drill_good": 0.0}, pg1={"drill_good": 0.0}), drill={"lb1": "missing: /etc/a"}), "red",
         "the last drill of backups of files failed: lb1: missing: /etc/a; pg1: it did not end",
         "file_backup-backup on lb1, pg1, then file_backup-drill on backup1"),
    ],
)  # fmt: skip
def test_files(told: dict[str, Any], severity: str | None, says: str, after: str) -> None:
    """Each row of the table, one line each."""
    found = list(file_repository_reasons("backup1", told))
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(says in one.observed and after in one.next for one in found)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"set_up": False, "of": {}}, None),
        ({"of": {"lb1": {"last_run_good": 1.0}}, "problem": ""}, None),
        ({"of": {"lb1": {"last_run_good": 0.0}}, "problem": "no key"}, "the last backup of its files failed: no key"),
    ],
)
def test_a_host_tells_of_its_own_backup(told: dict[str, Any], says: str | None) -> None:
    """Long before the newest one is too old."""
    found = list(file_host_reasons("lb1", told))
    assert [(one.observed, one.severity) for one in found] == ([(says, "yellow")] if says else [])


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (seen({"app": DUMPED, "_globals": DUMPED}), []),
        (SILENT, ["not reachable (no route)"]),
        ({"reachable": True, "set_up": False}, ["dumps are asked for and not set up"]),
        (seen({}, told_s=7200), ["nobody has looked at dumps for 2.0 h"]),
        (seen({"app": DUMPED | {"last_run_good": 0.0}}, problems={"app": "no room"}),
         ["the last dump failed: app: no room"]),
        (seen({"app": DUMPED | {"stale": 1.0, "age_seconds": 108000.0}, "_globals": {"stale": 1.0}}),
         ["no young dump of the roles (none), app (30.0 h old)"]),
    ],
)  # fmt: skip
def test_dumps(told: dict[str, Any], says: list[str]) -> None:
    """Each row of the table; none of them is red, for nothing was lost that backups do not have."""
    found = list(dump_reasons("backup1", told))
    assert [(one.observed, one.severity) for one in found] == [(line, "yellow") for line in says]


@pytest.mark.parametrize(
    ("copies", "told", "count"),
    [
        ({}, (), 0),
        ({"files": {"backup1": SILENT}, "dumps": {"backup1": SILENT}}, (), 1),
        ({"files": {"backup1": SILENT}, "dumps": {"backup1": SILENT}}, ("backup1",), 0),
        ({"dumps": {"backup1": SILENT}}, (), 1),
        ({"file_hosts": {"lb1": {"of": {"lb1": {"last_run_good": 0.0}}}}}, (), 1),
    ],
)
def test_a_silent_host_is_named_once(copies: Any, told: tuple[str, ...], count: int) -> None:
    """By backups.py where there are backups, else here."""
    assert len(list(copy_reasons(copies, told))) == count


@pytest.mark.parametrize(
    ("copies", "words"),
    [
        ({}, []),
        ({"files": {"backup1": SILENT}}, []),
        ({"files": {"backup1": seen(files(pg1={"age_seconds": 7200.0}))}},
         ["files of 2 hosts, the oldest 2.0 h old"]),
        ({"dumps": {"backup1": seen({"app": DUMPED, "_globals": DUMPED})}},
         ["dumps of 1 databases, the oldest 60 min old"]),
    ],
)  # fmt: skip
def test_the_column(copies: Any, words: list[str]) -> None:
    """What stands beside the host."""
    assert copy_detail(copies, "backup1") == words
