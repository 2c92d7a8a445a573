"""Where a dump is taken from, what counts as one, and which are kept."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql_dump import dumps
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql_dump.dumps import Answer

PRIMARY = Answer("pg2", False)
STREAMS = Answer("pg3", True, True)
OTHER = Answer("pg1", True, True)
STALE = Answer("pg4", True, False)
DEAD = Answer("pg5", None, error="timeout expired")
DAY = 86400.0
NOW = dumps.time_of("20260310T230000Z") or 0.0
NAMES = [f"202603{day:02}T230000Z" for day in range(1, 11)]


@pytest.mark.parametrize(
    ("answers", "from_standby", "expected"),
    [
        ([PRIMARY, STREAMS, OTHER], True, ["pg1", "pg3", "pg2"]),
        ([PRIMARY, STREAMS], False, ["pg2"]),
        ([PRIMARY, STALE], True, ["pg2"]),
        ([STREAMS, DEAD], True, ["pg3"]),
        ([STREAMS], False, None),
        ([STALE, DEAD], True, None),
        ([PRIMARY, Answer("pg9", False), STREAMS], True, None),
        ([], True, None),
    ],
)
def test_where_from(answers: list[Answer], from_standby: bool, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(dumps.NoSource, match=r"status\.yml"):
            dumps.sources(answers, from_standby)
    else:
        assert dumps.sources(answers, from_standby) == expected


def test_a_table_of_contents_is_counted() -> None:
    text = """;
; Archive created at 2026-03-01
;     TOC Entries: 12
215; 1259 16386 TABLE public orders app
216; 1259 16390 TABLE public items app
3400; 0 16386 TABLE DATA public orders app
217; 1259 16399 SEQUENCE OWNED BY public orders_id_seq app
3401; 0 0 COMMENT - TABLE orders app
"""
    assert dumps.parse_list(text) == dumps.Listed(2, 1)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("20260301T031209Z", True),
        ("20260301T031209Z.sql", True),
        (".20260301T031209Z.half", False),
        (".20260301T031209Z.old", False),
        ("20260301T031209Z.half", False),
        ("notes", False),
    ],
)
def test_a_half_dump_never_counts(name: str, counts: bool) -> None:
    assert (dumps.whole([name]) == [name]) is counts
    assert (dumps.age_s([name], NOW) is not None) is counts


@pytest.mark.parametrize(
    ("count", "days", "removed"),
    [
        (3, 2.0, NAMES[:7]),
        (3, 5.0, NAMES[:4]),
        (1, 0.0, NAMES[:9]),
        (0, 0.0, NAMES[:9]),
        (20, 0.0, []),
        (1, 30.0, []),
    ],
)
def test_which_are_removed(count: int, days: float, removed: list[str]) -> None:
    assert dumps.removable([*NAMES, ".20260101T000000Z.half", "notes"], NOW, count, days) == removed


def test_names_are_times() -> None:
    assert dumps.name_of(NOW) == NAMES[-1]
    assert dumps.age_s(NAMES, NOW + DAY) == DAY


@pytest.mark.parametrize(
    ("name", "folder"), [("app", "app"), ("a/b", "a%2Fb"), ("..", "%2E%2E"), ("_globals", "_globals")]
)
def test_every_database_has_a_folder(name: str, folder: str) -> None:
    assert dumps.folder_of(name) == folder


def test_connection_strings_are_quoted() -> None:
    assert dumps.conninfo({"dbname": "it's \\ x", "port": "5432"}) == "dbname='it\\'s \\\\ x' port='5432'"


def test_a_cancelled_dump_is_known_by_its_words() -> None:
    assert dumps.cancelled("pg_dump: error: ... canceling statement due to conflict with recovery")
    assert not dumps.cancelled("pg_dump: error: permission denied")
