"""What an old primary had beyond the fork, from what pg_waldump and a history file say."""

from __future__ import annotations

from tests.chaos.wal import end_of, fork_of, position

HISTORY = "1\t0/3000148\tno recovery target specified\n\n2\t0/42304F8\tno recovery target specified\n"
DUMP = """\
rmgr: Heap        len (rec/tot):     71/    71, tx:        765, lsn: 0/042304F8, prev 0/042304C0, desc: INSERT off: 7
rmgr: Transaction len (rec/tot):     34/    34, tx:        765, lsn: 0/04230540, prev 0/042304F8, desc: COMMIT
"""


def test_the_last_line_of_the_history_is_the_last_fork() -> None:
    """Earlier ones are history."""
    assert fork_of(HISTORY) == (2, "0/42304F8")


def test_the_end_is_the_end_of_the_last_record() -> None:
    """Records begin at multiples of eight bytes."""
    assert end_of(DUMP, "0/42304F8") == position("0/4230568")


def test_without_a_record_nothing_is_beyond() -> None:
    """The end is where the dump was to begin."""
    assert end_of("", "1/42304F8") == (1 << 32) + 0x42304F8
