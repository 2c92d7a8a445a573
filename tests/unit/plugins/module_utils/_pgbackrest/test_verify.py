"""What verify found, as 2.55.1 said it: its exit status was 0 each time."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.verify import VerifyError, parse_verify

GOOD = """stanza: orders
status: ok
  archiveId: 17-1, total WAL checked: 5, total valid WAL: 5
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261126-151044F, status: valid, total files checked: 1268, total valid files: 1268
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
"""
DAMAGED = """stanza: orders
status: error
  archiveId: 17-1, total WAL checked: 5, total valid WAL: 5
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261126-151044F, status: invalid, total files checked: 1268, total valid files: 1267
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
"""
LOST_WAL = GOOD.replace("total valid WAL: 5", "total valid WAL: 4").replace("missing: 0", "missing: 1", 1)


@pytest.mark.parametrize(
    ("text", "good", "damaged"),
    [
        (GOOD, True, ()),
        ("stanza: orders\nstatus: ok\n", True, ()),
        (DAMAGED, False, ("backup 20261126-151044F: 1 checksum invalid",)),
        (LOST_WAL, False, ("archive 17-1: 1 missing",)),
        ("stanza: orders\nstatus: error\n", False, ()),
        (
            GOOD.replace("valid files: 1268", "valid files: 9"),
            False,
            ("backup 20261126-151044F: valid, 9 of 1268 files are valid",),
        ),
        (
            GOOD.replace("status: valid", "status: missing-manifest"),
            False,
            ("backup 20261126-151044F: missing-manifest, 1268 of 1268 files are valid",),
        ),
        (GOOD.replace("status: valid", "status: in-progress"), True, ()),
    ],
)
def test_verdicts(text: str, good: bool, damaged: tuple[str, ...]) -> None:
    """Nothing but "ok" with every file valid is good."""
    found = parse_verify(text)
    assert (found.good, found.damaged) == (good, damaged)


def test_complaints_are_kept() -> None:
    """What it says of single files."""
    found = parse_verify(DAMAGED + "WARN: invalid checksum '20261126-151044F/bundle/3'\n")
    assert found.errors == ("invalid checksum '20261126-151044F/bundle/3'",)


def test_no_answer_is_no_good_answer() -> None:
    """A verify that was cut off."""
    with pytest.raises(VerifyError):
        parse_verify("ERROR: [050]: unable to acquire lock")
