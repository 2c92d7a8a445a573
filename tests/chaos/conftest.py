"""Options of `make chaos`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a person may choose."""
    group = parser.getgroup("chaos")
    group.addoption("--seed", type=int, default=1, help="the same seed replays the same moments")
    group.addoption("--telling", action="store_true", help="only the most telling experiments")


def pytest_configure(config: pytest.Config) -> None:
    """Markers are strict."""
    config.addinivalue_line("markers", "telling: one of the most telling experiments")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for."""
    if config.getoption("--telling"):
        items[:] = [item for item in items if item.get_closest_marker("telling")]


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run."""
    return int(request.config.getoption("--seed"))
