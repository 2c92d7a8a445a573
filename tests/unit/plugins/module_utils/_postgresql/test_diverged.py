"""What only a lost primary has: which segments, and which transactions."""

from __future__ import annotations

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.diverged import (
    by_database,
    chosen,
    read_dump,
    with_tables,
)

MIB16 = 16 << 20
DUMP = """\
rmgr: Heap        len (rec/tot):     59/    59, tx:        748, lsn: 0/05000028, prev 0/05000000, desc: INSERT off: 3, blkref #0: rel 1663/5/16385 blk 0
rmgr: Btree       len (rec/tot):     64/    64, tx:        748, lsn: 0/05000068, prev 0/05000028, desc: INSERT_LEAF off: 9, blkref #0: rel 1663/5/16390 blk 1
rmgr: Transaction len (rec/tot):     34/    34, tx:        748, lsn: 0/050000A8, prev 0/05000068, desc: COMMIT 2026-03-01 03:11:02.123456 UTC
rmgr: Heap        len (rec/tot):     59/    59, tx:        749, lsn: 0/050000D0, prev 0/050000A8, desc: INSERT off: 4, blkref #0: rel 1663/5/16385 blk 0
rmgr: Standby     len (rec/tot):     50/    50, tx:          0, lsn: 0/05000110, prev 0/050000D0, desc: RUNNING_XACTS nextXid 750
"""  # noqa: E501


def test_only_transactions_that_committed_are_listed_with_what_they_touched() -> None:
    """749 was still under way: nobody was told that it is there."""
    seen = read_dump(DUMP.splitlines())
    assert seen["transactions"] == [
        {
            "xid": 748,
            "at": "2026-03-01 03:11:02.123456 UTC",
            "lsn": "0/050000A8",
            "relations": ["1663/5/16385", "1663/5/16390"],
        }
    ]
    assert (seen["records"], seen["end_lsn"]) == (5, "0/5000148")


def test_segments_from_the_parting_to_the_end_and_no_recycled_ones() -> None:
    """A segment that waits for its next use carries a later name and holds nothing."""
    names = [f"00000001{number:016X}" for number in range(4, 9)] + ["00000002.history", "archive_status"]
    assert chosen(names, 1, "0/5000000", "0/6000010", MIB16) == ["000000010000000000000005", "000000010000000000000006"]
    assert chosen(names, 1, "0/7FFFFFF", None, MIB16) == ["000000010000000000000007", "000000010000000000000008"]
    assert chosen(names, 2, "0/5000000", None, MIB16) == []


def test_files_are_asked_for_by_database() -> None:
    """Shared catalogs belong to none, and what is no number never gets into a statement."""
    assert by_database(["1663/5/16385", "1663/5/16390", "1664/0/1260", "1663/6/1;DROP", "7/6/1"]) == {
        "5": [(1663, 16385), (1663, 16390)],
        "6": [(7, 1)],
    }


def test_a_transaction_names_the_tables_that_are_known() -> None:
    """A table and its index are one; what nobody knows keeps its number only."""
    one = {"xid": 748, "relations": ["1663/5/1", "1663/5/2", "1663/5/3"]}
    known = {"1663/5/1": "orders: public.orders", "1663/5/2": "orders: public.orders"}
    assert with_tables([one], known) == [{**one, "tables": ["orders: public.orders"]}]
