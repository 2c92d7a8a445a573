# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = str(Path(__file__).resolve().parents[3])
if _ROOT not in sys.path:  # pytest is told to look in collections/ only; the storm is imported as tests.storm
    sys.path.insert(0, _ROOT)

from tests.unit.storm.cluster import Cluster, temporary_cluster  # noqa: E402 needs the path above


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real Postgres of its own, reachable through a Unix socket only; skips, with the reason, where there is none."""
    with temporary_cluster() as running:
        yield running
