"""How single tables are found and dumped."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import table


@pytest.mark.parametrize(("name", "said"), [("orders", "E'orders'"), ("o'r\\s", "E'o''r\\\\s'")])
def test_a_name_is_never_part_of_the_statement(name: str, said: str) -> None:
    assert f"to_regclass({said})" in table.find_sql(name)


THERE = ["public.orders", "public.order_lines", "sales.orders_2025", "public.customers"]


@pytest.mark.parametrize(
    ("name", "there", "said"),
    [
        ("ordes", THERE, "similar: public.orders"),
        ("sales.orders", THERE, "similar: public.orders"),
        ("xyz", THERE, "it has public.orders"),
        ("xyz", [], "it has no table"),
    ],
)
def test_an_unknown_table_is_answered_with_those_that_come_close(name: str, there: list[str], said: str) -> None:
    assert f"database app had no table {name} at that target; {said}" in table.unknown(name, "app", there)


def test_a_dump_of_tables_and_of_a_whole_database() -> None:
    found = [{"name": "public.Or*ders", "quoted": 'public."Or*ders"'}]
    argv = table.dump_argv("/bin", ["-h", "/s"], "a'b", "/x.dump", found)
    assert '--table="public"."Or*ders"' in argv
    assert argv[-1] == "--dbname=dbname='a\\'b'"
    assert not any(one.startswith("--table") for one in table.dump_argv("/bin", [], "app", "/x.dump", []))
