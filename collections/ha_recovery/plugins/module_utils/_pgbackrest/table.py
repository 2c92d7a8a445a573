# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements and command line that bring single tables out of a scratch instance. Pure.

It lies beside the program that runs on the repository host, so it imports nothing of the collection.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

KINDS = "('r', 'p', 'm', 'v', 'f')"
ALL = f"""SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN {KINDS} AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1"""  # noqa: S608  a constant


def literal(text: str) -> str:
    """A string in a statement, whatever is in it."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"


def find_sql(name: str) -> str:
    """The table and, of a partitioned one, its parts: name, quoted name, kind. ``name``: as in a statement."""
    return f"""WITH root AS (SELECT to_regclass({literal(name)}) AS oid), part AS (
  SELECT oid FROM root UNION SELECT relid FROM root, pg_partition_tree(root.oid))
SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname), c.relkind
FROM part JOIN pg_class c ON c.oid = part.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN {KINDS} ORDER BY c.oid = (SELECT oid FROM root) DESC, 1"""  # noqa: S608  the only text from outside is a literal


def count_sql(quoted: str) -> str:
    """How many rows it has. ``quoted``: as :func:`find_sql` answered."""
    return f"SELECT count(*) FROM {quoted}"  # noqa: S608  the server quoted it


def unknown(name: str, database: str, there: Sequence[str]) -> str:
    """The refusal of a name that is none, with those that come close."""
    bare = name.rpartition(".")[2].strip('"').lower()
    same = [one for one in there if one.rpartition(".")[2].lower() == bare]
    close = difflib.get_close_matches(bare, [one.rpartition(".")[2] for one in there], n=5, cutoff=0.5)
    like = same + [one for one in there if one.rpartition(".")[2] in close and one not in same]
    said = f"similar: {', '.join(like[:5])}" if like else f"it has {', '.join(there[:10]) or 'no table'}"
    return f"database {database} had no table {name} at that target; {said}"


def dump_argv(
    binaries: str, connection: Sequence[str], database: str, output: str, tables: Sequence[Mapping[str, Any]]
) -> list[str]:
    """pg_dump in its custom format, of the whole database without ``tables``. A double quote quotes a pattern, too."""
    named = [f"--table={quoted_always(str(one['name']))}" for one in tables]
    name = database.replace("\\", "\\\\").replace("'", "\\'")
    return [
        f"{binaries}/pg_dump",
        *connection,
        "--format=custom",
        f"--file={output}",
        *named,
        f"--dbname=dbname='{name}'",
    ]


def quoted_always(name: str) -> str:
    """``"public"."orders"``, in which pg_dump sees no pattern. A schema with a dot in its name is not told apart."""
    schema, _dot, relation = name.partition(".")
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, relation))
