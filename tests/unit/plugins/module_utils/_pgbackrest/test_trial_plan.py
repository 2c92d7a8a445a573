"""What a scratch instance is asked to do, or why not, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import repository, scratch
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.archive import Run
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup, Repository, Stanza
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import Archive
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import parse_target
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.trial_plan import (
    Seen,
    TrialRefused,
    aim_of,
    plan_drill,
    plan_table,
    steps_of,
)

BEGAN = 1772330000  # 2026-03-01 01:53:20 UTC
LABEL = "20260301-015320F"
WAL = "000000010000000000000002"
BACKUP = Backup(LABEL, "full", 1, BEGAN - 5, BEGAN, False, 100 << 20, 5, WAL, WAL, {}, "0/2000028", "0/2000100")
STANZA = Stanza("orders", 0, "ok", False, None, (Repository(1, "none", 0, "ok", "", "", "7"),), (BACKUP,))
ARCHIVE = Archive(STANZA, (Run(1, 1, 5, BEGAN + 300),), {})
SCRATCH = {"path": "/var/lib/ha_recovery/drill", "handover": "/var/lib/ha_recovery/handover", "timeout_s": 60}
HOST = Seen("backup1", {"scratch": SCRATCH}, 4 << 30, "17", True)
AIM = scratch.Aim(LABEL)
TABLE: dict[str, Any] = {"at": None, "database": "app", "tables": ["public.orders"], "databases": ["app", "postgres"],
                         "stamp": "20260301T031209Z"}  # fmt: skip

AIMS = [
    ("latest", "", "", scratch.Aim(LABEL)),
    ("", "", LABEL, scratch.Aim(LABEL, kind="label", value=LABEL)),
    ("time", "2026-03-01 01:55Z", "", scratch.Aim(LABEL, kind="time", value="2026-03-01 01:55:00.000000+00")),
]


@pytest.mark.parametrize(("kind", "value", "label", "aim"), AIMS, ids=["latest", "label", "time"])
def test_where_to(kind: str, value: str, label: str, aim: scratch.Aim) -> None:
    assert aim_of(parse_target(kind, value, label=label), ARCHIVE, "backup1", BEGAN + 400) == (aim, BACKUP)


def test_what_is_not_archived_yet_is_refused_with_the_last_point() -> None:
    with pytest.raises(TrialRefused, match=r"the archive ends before it.*Nothing was touched. Next: the last point"):
        aim_of(parse_target("time", "2026-03-01 01:59Z"), ARCHIVE, "backup1", BEGAN + 400)


REFUSED = [
    (replace(HOST, settings={}), "no program for scratch instances"),
    (replace(HOST, server=False), "no server of version 17"),
    (replace(HOST, free_bytes=1133 << 20), "has 1133 MiB free; expected 1134 MiB"),
]


@pytest.mark.parametrize(("seen", "said"), REFUSED, ids=["no program", "no server", "no room"])
def test_a_host_that_cannot(seen: Seen, said: str) -> None:
    for plan in (
        lambda: plan_drill(seen, AIM, BACKUP, at=None, chance=False),
        lambda: plan_table(seen, AIM, BACKUP, **TABLE),
    ):
        with pytest.raises(TrialRefused, match=said) as refused:
            plan()
        assert str(refused.value).startswith("backup1: ") and "Nothing was touched. Next: " in str(refused.value)


def test_a_drill() -> None:
    plan = plan_drill(HOST, AIM, BACKUP, at=None, chance=False)
    assert scratch.aim_from(plan.request) == AIM
    assert "production is not touched" in plan.lines[1]
    chance = plan_drill(HOST, AIM, BACKUP, at=None, chance=True)
    assert dict(chance.request) == {"random": True}
    assert "a random WAL position" in chance.lines[1]


def test_tables_and_a_whole_database() -> None:
    plan = plan_table(HOST, AIM, BACKUP, **TABLE)
    assert plan.request["output"] == "/var/lib/ha_recovery/handover/20260301T031209Z-app-public.orders.dump"
    assert (plan.request["database"], plan.request["tables"]) == ("app", ["public.orders"])
    assert "public.orders of database app" in plan.lines[0]
    assert plan_table(HOST, AIM, BACKUP, **{**TABLE, "tables": []}).lines[0].startswith("database app")


def test_no_name_leads_out_of_the_folder() -> None:
    plan = plan_table(HOST, AIM, BACKUP, **{**TABLE, "tables": ['../"x y"']})
    assert plan.request["output"] == "/var/lib/ha_recovery/handover/20260301T031209Z-app-..__x_y_.dump"


def test_a_database_that_the_backup_does_not_have() -> None:
    with pytest.raises(TrialRefused, match="has no database 'ap'; expected one such as app"):
        plan_table(HOST, AIM, BACKUP, **{**TABLE, "database": "ap"})


@pytest.mark.parametrize(
    ("problems", "results"),
    [([], ["changed", "ok", "ok", "changed"]), (["no"], ["changed", "ok", "failed", "changed"])],
)
def test_parts_as_a_record_has_them(problems: list[str], results: list[str]) -> None:
    seconds = {"restore": 2.0, "recover": 1.5, "amcheck": 1.0, "remove": 0.1}
    steps = steps_of({"seconds": seconds, "problems": problems}, "backup1")
    assert [one["result"] for one in steps] == results
    assert [one["started_s"] for one in steps] == [0.0, 2.0, 3.5, 4.5]


def test_what_a_backup_and_an_archive_consist_of() -> None:
    answer = (
        '[{"name": "orders", "archive": [{"id": "15-1"}, {"id": "17-2"}, {"id": "../x-3"}],'
        ' "backup": [{"label": "A", "database-ref": [{"name": "app", "oid": 5}]}]}]'
    )
    assert repository.archive_ids(answer, "orders") == ["17-2"]
    assert repository.archive_ids(answer, "other") == []
    assert repository.databases_of(answer, "A") == ["app"]
    assert repository.databases_of(answer, "B") == repository.databases_of("no", "A") == []
