"""Where two histories part."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lineage import (
    Left,
    Parting,
    parse_history,
    parting,
)

ONE: tuple[Left, ...] = ((1, "0/5000000"),)
TWO: tuple[Left, ...] = ((1, "0/5000000"), (2, "0/9000000"))


def test_a_history_file_is_read() -> None:
    """As Postgres writes it: timeline, position, reason; lines may be comments."""
    text = "# old\n1\t0/5000000\tno recovery target specified\n\n2\t0/9000000\tno recovery target specified\n"
    assert parse_history(text) == TWO


@pytest.mark.parametrize(
    ("one", "one_now", "other", "other_now", "expected"),
    [
        ((), 1, (), 1, Parting(1, None)),
        ((), 1, ONE, 2, Parting(1, "0/5000000")),
        ((), 1, TWO, 3, Parting(1, "0/5000000")),
        (ONE, 2, TWO, 3, Parting(2, "0/9000000")),
        (ONE, 2, ONE, 2, Parting(2, None)),
        (((1, "0/4000000"),), 2, ONE, 2, Parting(1, "0/4000000")),
        (ONE, 2, ((1, "0/6000000"),), 3, Parting(1, "0/5000000")),
        (((7, "0/1"),), 8, ONE, 2, None),
    ],
)
def test_where_they_part(
    one: tuple[Left, ...], one_now: int, other: tuple[Left, ...], other_now: int, expected: Parting | None
) -> None:
    """The last timeline in common, and the earlier of the two ends on it."""
    assert parting(one, one_now, other, other_now) == expected
