"""What the screen says of backups, and when backup.yml begins one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.backup_plan import plan_backup
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.backups import (
    archive_reasons,
    backup_detail,
    repository_reasons,
)

NEWEST = {"label": "20261126-150233F", "type": "full"}


def repository(**changes: Any) -> dict[str, Any]:
    """A repository host with a young backup."""
    return {
        "reachable": True,
        "error": "",
        "message": "ok",
        "age_s": 3600.0,
        "max_age_s": 93600,
        "newest": NEWEST,
        "backups": 3,
        "running": False,
        "percent": None,
        "repositories": [{"key": 1, "there": True}],
        "verified": {"good": True, "age_s": 90000},
        **changes,
    }


FRESH = {"key": 1, "there": True, "age_s": 3600.0}
NOT_FOUND = "[ProtocolError] HTTP request failed with 404 (NOT FOUND): *** Path/Query ***: GET /b/ authorization: no"
LOST = {"key": 2, "there": False, "age_s": None, "code": 99, "message": "timeout connecting"}


def archive(**changes: Any) -> dict[str, Any]:
    """A primary whose WAL arrives."""
    return {"on": True, "failing": False, "last_archived_age_s": 12.0, "last_failed_wal": None, "ready": 0, **changes}


@pytest.mark.parametrize(
    ("seen", "severity", "says", "after"),
    [
        (repository(), None, "", ""),
        (repository(verified=None), None, "", ""),
        ({"reachable": False, "error": "no route"}, "yellow", "not reachable (no route)", "restore it"),
        (repository(error="no key"), "yellow", "does not show its repositories: no key", "pgbackrest info on backup1"),
        (repository(age_s=None, newest=None), "yellow", "there is no backup yet", "backup.yml"),
        (repository(age_s=93601), "yellow", "the newest backup ended 26.0 h ago", "backup.yml"),
        (repository(age_s=10**7, max_age_s=None), None, "", ""),
        (repository(repositories=[LOST]), "yellow", "repository 2: timeout connecting", "site.yml"),
        (repository(repositories=[FRESH, FRESH]), None, "", ""),
        (repository(repositories=[FRESH, {**LOST, "message": NOT_FOUND}]), "yellow", "404 (NOT FOUND)", "bring it"),
        (repository(repositories=[FRESH, {**LOST, "message": "x" * 300}]), "yellow", f"{'x' * 200}…", "bring it"),
        (repository(repositories=[FRESH, LOST]), "yellow", "repository 2: timeout connecting", "site.yml"),
        (
            repository(repositories=[FRESH, {**LOST, "there": True}]),
            "yellow",
            "no backup yet in repository 2",
            "backup",
        ),
        (
            repository(repositories=[FRESH, {"key": 2, "there": True, "age_s": 93601}]),
            "yellow",
            "the newest backup in repository 2 ended 26.0 h ago",
            "backup.yml",
        ),
        (repository(verified={"good": False, "age_s": 60}), "red", "found damage 60 s ago", "backup_type=full"),
    ],
)
def test_repository(seen: dict[str, Any], severity: str | None, says: str, after: str) -> None:
    """Each row of the table."""
    found = list(repository_reasons("backup1", seen))
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(says in one.observed and after in one.next for one in found)
    assert "authorization" not in str(found)


@pytest.mark.parametrize(
    ("drill", "says"),
    [
        (None, ""),
        ({"good": None, "overdue": False, "limit_s": 720000, "good_age_s": None}, ""),
        ({"good": True, "overdue": False, "limit_s": 720000, "good_age_s": 60}, ""),
        ({"good": True, "overdue": True, "limit_s": 720000, "good_age_s": 864000},
         "no restore drill of late: the last good one was 10.0 days ago"),
        ({"good": None, "overdue": True, "limit_s": 720000, "good_age_s": None},
         "no restore drill of late: there was no good one yet"),
        ({"good": False, "problems": ["a", "b"], "overdue": True, "limit_s": 720000, "good_age_s": 60},
         "the last restore drill failed: a; b; the last good one was 60 s ago"),
    ],
)  # fmt: skip
def test_drill(drill: dict[str, Any] | None, says: str) -> None:
    """Backups that were never restored are red."""
    found = list(repository_reasons("backup1", repository(drill=drill)))
    assert [(one.observed, one.severity) for one in found] == ([(says, "red")] if says else [])
    assert all("restore_drill.yml" in one.next for one in found)


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        ({}, ""),
        (archive(), ""),
        (archive(ready=16), ""),
        (archive(on=False), "archive_mode is off"),
        (
            archive(failing=True, last_failed_wal="0001"),
            "archiving 0001 failed; the last segment was archived 12 s ago",
        ),
        (archive(ready=17, last_archived_age_s=None), "17 segments wait for the archive; nothing was archived yet"),
    ],
)
def test_archive(seen: dict[str, Any], says: str) -> None:
    """Only the primary's counts; one that did not answer is named elsewhere."""
    found = list(archive_reasons("pg1", seen))
    assert [one.observed for one in found] == ([says] if says else [])


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (repository(), "newest backup 20261126-150233F, 60 min old; 3 in all; verified 25.0 h ago"),
        (repository(running=True, percent=40.5, verified=None),
         "newest backup 20261126-150233F, 60 min old; 3 in all; one runs now, 40.5 %"),
        (repository(newest=None, age_s=None, verified=None), "no backup"),
        ({"reachable": False, "error": "no route"}, "no route"),
        (repository(verified={"good": False, "age_s": 7}),
         "newest backup 20261126-150233F, 60 min old; 3 in all; found damaged 7 s ago"),
    ],
)  # fmt: skip
def test_the_column(seen: dict[str, Any], shown: str) -> None:
    """What stands beside the host."""
    assert backup_detail(seen) == shown


@pytest.mark.parametrize(
    ("action", "says", "backups", "archives", "primary", "options"),
    [
        ("take", "an incremental", {"backup1": repository()}, {"pg1": archive()}, "pg1", {}),
        ("take", "labelled 'before'", {"backup1": repository()}, {"pg1": archive()}, "pg1", {"label": "before"}),
        ("take", "will be a full one", {"backup1": repository(newest=None, age_s=None)}, {"pg1": archive()}, "pg1", {}),
        ("take", "one runs already", {"backup1": repository(running=True)}, {"pg1": archive()}, "pg1", {}),
        ("take", "ended 60 min ago", {"backup1": repository()}, {"pg1": archive()}, "pg1", {"max_age": 3599.0}),
        ("none", "ended 60 min ago", {"backup1": repository()}, {"pg1": archive()}, "pg1", {"max_age": 3600.0}),
        ("refuse", "ha_backup", {}, {}, "pg1", {}),
        ("refuse", "backup_type: observed 'half'", {"backup1": repository()}, {"pg1": archive()}, "pg1",
         {"kind": "half"}),
        ("refuse", "backup_label: observed '-x'", {"backup1": repository()}, {"pg1": archive()}, "pg1",
         {"label": "-x"}),
        ("refuse", "not reachable", {"backup1": {"reachable": False}}, {"pg1": archive()}, "pg1", {}),
        ("refuse", "no key", {"backup1": repository(error="no key")}, {"pg1": archive()}, "pg1", {}),
        ("refuse", "no stanza", {"backup1": repository(repositories=[], message="")}, {"pg1": archive()}, "pg1", {}),
        ("refuse", "no writable primary", {"backup1": repository()}, {"pg1": archive()}, None, {}),
        ("refuse", "did not say", {"backup1": repository()}, {}, "pg1", {}),
        ("refuse", "archive_mode is off", {"backup1": repository()}, {"pg1": archive(on=False)}, "pg1", {}),
        ("refuse", "archiving 0001 failed", {"backup1": repository()},
         {"pg1": archive(failing=True, last_failed_wal="0001")}, "pg1", {}),
    ],
)  # fmt: skip
def test_plan(
    action: str, says: str, backups: Any, archives: Any, primary: str | None, options: dict[str, Any]
) -> None:
    """Each row of the table."""
    plan = plan_backup(backups, archives, primary, **options)
    assert (plan.action, plan.acts) == (action, action == "take")
    assert says in "\n".join(plan.lines)
    assert bool(plan.refusals) is (action == "refuse")
