"""pg_controldata's output, as it prints it."""

from __future__ import annotations

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.controldata import parse_controldata

TEXT = """\
pg_control version number:            1700
Database system identifier:           7444810238547623131
Database cluster state:               in archive recovery
Latest checkpoint location:           0/5000060
Latest checkpoint's REDO location:    0/5000028
Latest checkpoint's TimeLineID:       1
Minimum recovery ending location:     0/6000148
Min recovery ending loc's timeline:   2
Data page checksum version:           1
"""


def test_what_it_says() -> None:
    """The newest timeline that it knows is the minimum recovery point's."""
    found = parse_controldata(TEXT)
    assert found is not None
    assert (found.system_identifier, found.state, found.timeline) == ("7444810238547623131", "in archive recovery", 2)
    assert (found.checkpoint_lsn, found.min_recovery_lsn, found.data_checksums) == ("0/5000060", "0/6000148", True)


def test_a_primary_has_no_minimum_recovery_point() -> None:
    """0/0 is not a position."""
    found = parse_controldata(TEXT.replace("0/6000148", "0/0").replace("timeline:   2", "timeline:   0"))
    assert found is not None
    assert (found.min_recovery_lsn, found.timeline) == (None, 1)


def test_anything_else_is_none() -> None:
    """A damaged control file says nothing."""
    assert parse_controldata("") is None
    assert parse_controldata(TEXT.replace("7444810238547623131", "x")) is None
