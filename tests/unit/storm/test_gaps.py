# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.storm.gaps import Gap, histogram, longest_gap, rate


@pytest.mark.parametrize(
    ("acks", "expected"),
    [
        pytest.param([], None, id="no acknowledgement"),
        pytest.param([4.0], None, id="one says nothing"),
        pytest.param([1.0, 2.0], Gap(1.0, 2.0), id="two"),
        pytest.param([0.0, 1.0, 5.0, 5.5], Gap(1.0, 5.0), id="in the middle"),
        pytest.param([0.0, 9.0, 9.1], Gap(0.0, 9.0), id="at the beginning"),
        pytest.param([0.0, 0.1, 9.0], Gap(0.1, 9.0), id="at the end"),
        pytest.param([0.0, 2.0, 4.0], Gap(0.0, 2.0), id="the first of equals"),
        pytest.param([3.0, 3.0, 3.0], Gap(3.0, 3.0), id="all at once"),
    ],
)
def test_longest_gap(acks: list[float], expected: Gap | None) -> None:
    assert longest_gap(acks) == expected


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        pytest.param(0.0, 2.0, 2.0, id="the end does not count"),
        pytest.param(0.75, 2.75, 1.5, id="in part"),
        pytest.param(1.0, 1.0, None, id="no time"),
    ],
)
def test_rate(begin: float, end: float, expected: float | None) -> None:
    assert rate([0.0, 0.5, 1.0, 1.5, 2.0], begin, end) == expected


@pytest.mark.parametrize(
    ("acks", "end", "expected"),
    [
        pytest.param([], 0.25, [0, 0, 0], id="silence is drawn too"),
        pytest.param([0.0, 0.099999, 0.1], 0.1, [2, 1], id="an edge opens the next"),
        pytest.param([0.3], 0.35, [0, 0, 0, 1], id="binary fractions do not shift buckets"),
        pytest.param([0.05, 0.45], 0.2, [1, 0, 0, 0, 1], id="an answer after the stop still counts"),
    ],
)
def test_histogram(acks: list[float], end: float, expected: list[int]) -> None:
    assert histogram(acks, end) == expected
