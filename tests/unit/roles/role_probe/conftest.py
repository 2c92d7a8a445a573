"""Makes the role's program importable as it is on a host."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[3] / "collections" / "ha_recovery" / "roles" / "role_probe" / "files")]

from role_probe.config import Config, parse  # noqa: E402
from role_probe_samples import SETTINGS, Clock  # noqa: E402


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is told to go."""
    return Clock()


@pytest.fixture
def config() -> Config:
    """pg1 of a cluster of three."""
    return parse(SETTINGS)
