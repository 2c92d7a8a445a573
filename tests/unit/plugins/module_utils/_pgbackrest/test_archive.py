"""How far the archive goes, row by row."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.archive import (
    Covered,
    Line,
    Run,
    archive_dict,
    covered,
    histories_in,
    lineage_of,
    runs_from,
    runs_of,
)

SIZE = 16 << 20
SUM = "0" * 40
# As `pgbackrest repo-ls --output=json --recurse archive/orders/17-1` of 2.55.1 answers.
LISTING = {
    ".": {"type": "path"},
    "0000000100000000": {"type": "path"},
    f"0000000100000000/000000010000000000000002-{SUM}.zst": {"size": 9, "time": 102, "type": "file"},
    f"0000000100000000/000000010000000000000003-{SUM}.zst": {"size": 9, "time": 103, "type": "file"},
    "0000000100000000/000000010000000000000003.00000028.backup": {"size": 9, "time": 103, "type": "file"},
    f"0000000100000000/000000010000000000000004.partial-{SUM}.zst": {"size": 9, "time": 104, "type": "file"},
    f"0000000100000000/000000010000000000000006-{SUM}": {"size": 9, "time": 106, "type": "file"},
    f"0000000100000001/000000010000000100000000-{SUM}.zst": {"size": 9, "time": 200, "type": "file"},
    "00000002.history": {"size": 9, "time": 104, "type": "file"},
    f"0000000200000000/000000020000000000000004-{SUM}.zst": {"size": 9, "time": 108, "type": "file"},
}


def test_segments_become_runs() -> None:
    runs = runs_of(LISTING, SIZE)
    assert runs == [Run(1, 2, 3, 103), Run(1, 6, 6, 106), Run(1, 256, 256, 200), Run(2, 4, 4, 108)]
    assert runs_from(archive_dict(runs)) == tuple(runs)


def test_histories_are_found() -> None:
    assert histories_in(LISTING) == [2]


def test_a_lineage_is_counted_in_segments() -> None:
    assert lineage_of(3, [(1, "0/4000100"), (2, "0/7000000")], SIZE) == (Line(1, 0, 4), Line(2, 4, 7), Line(3, 7, None))


ONE = (Line(1, 0, None),)
TWO = (Line(1, 0, 4), Line(2, 4, None))
COVERED = [
    ("all of it", 2, ONE, [Run(1, 2, 9, 90)], Covered(9, 90, False)),
    ("from the middle", 5, ONE, [Run(1, 2, 9, 90)], Covered(9, 90, False)),
    ("a gap", 2, ONE, [Run(1, 2, 4, 40), Run(1, 6, 9, 90)], Covered(4, 40, True)),
    ("a gap before it does not count", 6, ONE, [Run(1, 2, 4, 40), Run(1, 6, 9, 90)], Covered(9, 90, False)),
    ("the beginning is missing", 2, ONE, [Run(1, 3, 9, 90)], Covered(-1, 0, True)),
    ("nothing at all", 2, ONE, [], Covered(-1, 0, False)),
    ("over to the next timeline", 2, TWO, [Run(1, 2, 3, 30), Run(2, 4, 8, 80)], Covered(8, 80, False)),
    ("what the old one wrote behind the branch", 2, TWO, [Run(1, 2, 9, 90), Run(2, 4, 5, 50)], Covered(5, 50, False)),
    ("the new one is missing", 2, TWO, [Run(1, 2, 3, 30)], Covered(3, 30, False)),
    ("a gap at the branch", 2, TWO, [Run(1, 2, 3, 30), Run(2, 5, 8, 80)], Covered(3, 30, True)),
    ("another timeline is no help", 2, ONE, [Run(1, 2, 3, 30), Run(2, 4, 8, 80)], Covered(3, 30, False)),
]


@pytest.mark.parametrize(
    ("start", "lines", "runs", "seen"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED]
)
def test_how_far_it_goes(start: int, lines: tuple[Line, ...], runs: list[Run], seen: Covered) -> None:
    assert covered(start, lines, runs) == seen
