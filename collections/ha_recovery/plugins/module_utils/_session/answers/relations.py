# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files that WAL names are called, asked of the primary: a person replays rows of tables, not of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.diverged import by_database
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.maintenance import layout_of

DATABASES = "SELECT coalesce(json_object_agg(oid::text, datname), '{}') FROM pg_database WHERE datallowconn"
# An index or a TOAST table stands for the table that it belongs to. Catalogs are of no use to a person.
TABLES = """
WITH f(space, file) AS (VALUES {files}),
r AS (SELECT space, file, pg_filenode_relation(space::oid, file::oid)::oid AS oid FROM f),
t AS (SELECT r.space, r.file, coalesce(i.indrelid, r.oid) AS oid FROM r LEFT JOIN pg_index i ON i.indexrelid = r.oid)
SELECT coalesce(json_object_agg(t.space || '/' || t.file, format('%I.%I', n.nspname, c.relname)), '{{}}')
FROM t LEFT JOIN pg_class o ON o.reltoastrelid = t.oid AND t.oid <> 0
JOIN pg_class c ON c.oid = coalesce(o.oid, t.oid) JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
AT_MOST = 2000


def names(args: Mapping[str, Any]) -> dict[str, Any]:
    """``relations``: 'tablespace/database/file' of WAL. ``tables``: the same to 'database: schema.table', where known.

    What was made only on the lost primary, or has been rewritten since, has no name here.
    """
    runner, layout = HostRunner(), layout_of(args)
    known = query_json(runner, layout, DATABASES, timeout=3)
    tables: dict[str, str] = {}
    for database, files in by_database(list(args["relations"])[:AT_MOST]).items():
        name = (known.value or {}).get(database) if known.ok else None
        if name is None:
            continue
        values = ", ".join(f"({space}::bigint, {file}::bigint)" for space, file in files)
        found = query_json(runner, layout, TABLES.format(files=values), timeout=5, database=name)
        for key, table in (found.value or {}).items() if found.ok else ():
            space, _slash, file = key.partition("/")
            tables[f"{space}/{database}/{file}"] = f"{name}: {table}"
    return {"changed": False, "tables": tables}
