"""WAL positions compare as numbers, never as text."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import (
    format_lsn,
    lsn_distance,
    lsn_or_none,
    newest_lsn,
    parse_lsn,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "position"), [("0/0", 0), ("0/5000148", 0x5000148), ("1/0", 1 << 32), ("a/FF", (10 << 32) + 255)]
)
def test_positions(text: str, position: int) -> None:
    """The high part counts 4 GiB."""
    assert parse_lsn(text) == position


@pytest.mark.parametrize("text", ["", "5000148", "0/", "/0", "0/x", "0/123456789", "0/1/2"])
def test_garbage_is_never_compared(text: str) -> None:
    """An error is better than a wrong candidate."""
    with pytest.raises(ValueError, match="not a WAL position"):
        parse_lsn(text)


@given(st.integers(min_value=0, max_value=(1 << 64) - 1))
def test_round_trip(position: int) -> None:
    """What is printed is what was read."""
    assert parse_lsn(format_lsn(position)) == position


def test_the_newest_is_found_by_value() -> None:
    """'0/A' is before '0/10', and text would say otherwise."""
    assert newest_lsn("0/A", None, "0/10") == "0/10"
    assert newest_lsn(None) is None


def test_distance() -> None:
    """Unknown stays unknown, and nobody is ahead by less than nothing."""
    assert lsn_distance("1/0", "0/FFFFFF00") == 256
    assert lsn_distance("0/1", "0/2") == 0
    assert lsn_distance(None, "0/2") is None
    assert lsn_or_none(None) is None
