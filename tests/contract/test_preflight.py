"""What docs/preflight.md says of each check and limit is what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.check import Check
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.look import PURPOSES, Limits
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.table import BY_NAME, CHECKS

PAGE = (Path(__file__).parents[2] / "docs" / "preflight.md").read_text()
ROWS = {
    cells[0].strip("`"): cells[1:]
    for cells in ([cell.strip() for cell in line.strip("| ").split(" | ")] for line in PAGE.splitlines())
    if len(cells) == 10 and cells[0].startswith("`")
}
MARK = {"block": "B", "warn": "w", None: "·"}


def test_every_check_is_documented_in_the_order_of_the_table() -> None:
    """And nothing else is."""
    assert list(ROWS) == [check.name for check in CHECKS] == list(BY_NAME)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_row_says_what_the_code_does(check: Check) -> None:
    """Levels by purpose, why, and what a waiver accepts; and there is a fix."""
    cells = ROWS[check.name]
    assert cells[:6] == [MARK[check.levels.get(purpose)] for purpose in PURPOSES]
    assert cells[6] == check.reason
    assert cells[7]
    assert cells[8] == (check.accepts or "cannot be waived")


def test_every_limit_is_documented() -> None:
    """By its name."""
    section = PAGE[PAGE.index("## Limits") :]
    assert set(re.findall(r"`(\w+_(?:bytes|seconds|files|percent|minutes|days))`", section)) == {
        one.name for one in fields(Limits)
    }
