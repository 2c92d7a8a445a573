# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order storm: what clients see while a primary is moved, cut or frozen.

N writers place orders with ids they made themselves, note durably what was acknowledged, reconnect on error;
afterwards an audit tells what was lost, duplicated or in doubt. By hand: ``python -m tests.storm run --dsn …``; guide:
``docs/storm.md``.
"""

from __future__ import annotations

import uuid
from typing import Any

from .audit import AuditResult, audit_orders
from .config import StormConfig
from .history import History, read_journal
from .model import Database, DatabaseError, StormError
from .report import audit_history, build_report
from .stats import Snapshot
from .storm import Storm

__all__ = [
    "AuditResult",
    "Database",
    "DatabaseError",
    "History",
    "Snapshot",
    "Storm",
    "StormConfig",
    "StormError",
    "audit_history",
    "audit_orders",
    "build_report",
    "postgres_storm",
    "read_journal",
]


def postgres_storm(dsn: str, config: StormConfig | None = None, **connection: Any) -> Storm:
    """A storm against the Postgres behind ``dsn``; ``connection``: connect_timeout, response_timeout (seconds),
    tcp_user_timeout_ms, as :class:`postgres.PostgresDatabase` takes them."""
    from .postgres import PostgresDatabase  # only here, so that the rest works where psycopg is not installed

    config = config or StormConfig()
    run = str(uuid.uuid4())
    return Storm(config, PostgresDatabase(dsn, run=run, table=config.table, **connection), run=run)
