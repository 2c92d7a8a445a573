"""What counts as a target, row by row."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import (
    TargetRefused,
    parse_target,
    target_from,
)

GOOD = [
    ("time", "2026-03-01 02:59:41.5+01:00", "2026-03-01 01:59:41.500000+00", 1772330381.5),
    ("time", "2026-03-01T01:59:41Z", "2026-03-01 01:59:41.000000+00", 1772330381.0),
    ("time", "2026-03-01 01:59 UTC", "2026-03-01 01:59:00.000000+00", 1772330340.0),
    ("time", "2026-03-01 07:29:41+0530", "2026-03-01 01:59:41.000000+00", 1772330381.0),
    ("time", "2026-02-28 23:59:41-02", "2026-03-01 01:59:41.000000+00", 1772330381.0),
    ("lsn", "0/5000148", "0/5000148", None),
    ("lsn", "a/b00", "A/B00", None),
    ("xid", "748", "748", None),
    ("name", "before the release", "before the release", None),
    ("immediate", "", "", None),
    ("latest", "", "", None),
]


@pytest.mark.parametrize(("kind", "typed", "value", "at"), GOOD)
def test_what_is_read(kind: str, typed: str, value: str, at: float | None) -> None:
    target = parse_target(kind, typed)
    assert (target.kind, target.value, target.at, target.timeline) == (kind, value, at, None)
    assert target_from(asdict(target)) == target


BAD = [
    ({"kind": "time", "value": "2026-03-01 02:59:41"}, "without a zone"),
    ({"kind": "time", "value": "yesterday"}, "the time 'yesterday'"),
    ({"kind": "time", "value": "2026-03-01 02:59:41 CET"}, "the time"),
    ({"kind": "time", "value": "2026-02-30 02:59:41Z"}, "the time"),
    ({"kind": "time", "value": "2026-03-01 25:00:00Z"}, "the time"),
    ({"kind": "time", "value": "2026-03-01 02:00:00+16"}, "the time"),
    ({"kind": "time", "value": "03/01/2026 02:00:00Z"}, "the time"),
    ({"kind": "time", "value": "0001-01-01 00:00:00+10"}, "the time"),
    ({"kind": "time", "value": ""}, "no target"),
    ({"kind": "lsn", "value": "5000148"}, "the WAL position"),
    ({"kind": "lsn", "value": "0/XYZ"}, "the WAL position"),
    ({"kind": "xid", "value": "0"}, "the transaction"),
    ({"kind": "xid", "value": "one"}, "the transaction"),
    ({"kind": "name", "value": "x" * 64}, "the restore point"),
    ({"kind": "name", "value": "a\nb"}, "the restore point"),
    ({"kind": "latest", "value": "now"}, "the target 'now'"),
    ({"kind": "immediate", "value": "now"}, "the target 'now'"),
    ({"kind": "", "value": ""}, "no target"),
    ({"kind": "tide", "value": "high"}, "the type of target 'tide'"),
    ({"kind": "time", "value": "2026-03-01 02:00Z", "label": "20261126-151044F"}, "a target and a label"),
    ({"kind": "latest", "value": "", "timeline": "newest"}, "the timeline 'newest'"),
    ({"kind": "latest", "value": "", "timeline": "0"}, "the timeline '0'"),
]


@pytest.mark.parametrize(("typed", "said"), BAD)
def test_what_is_refused(typed: dict[str, str], said: str) -> None:
    with pytest.raises(TargetRefused, match="expected") as refused:
        parse_target(**typed)
    assert said in refused.value.observed


def test_a_label_is_a_target_of_its_own() -> None:
    target = parse_target("", "", label="before the release", timeline="2")
    assert (target.kind, target.value, target.timeline) == ("label", "before the release", 2)


SAME = [
    ({}, True),
    ({"kind": "lsn"}, False),
    ({"value": "749"}, False),
    ({"inclusive": False}, False),
    ({"timeline": 3}, False),
]


@pytest.mark.parametrize(("change", "same"), SAME)
def test_whether_a_note_speaks_of_the_same(change: dict[str, object], same: bool) -> None:
    target = parse_target("xid", "748")
    assert target.same({**asdict(target), **change}) is same


WORDS = [
    (("time", "2026-03-01T01:59:41Z", True), "time 2026-03-01 01:59:41.000000+00, inclusive"),
    (("lsn", "0/5000148", False), "WAL position 0/5000148, exclusive"),
    (("name", "here", False), "restore point here"),
    (("latest", "", True), "the end of the archive"),
    (("immediate", "", True), "the end of the backup (as soon as it is consistent)"),
]


@pytest.mark.parametrize(("typed", "words"), WORDS)
def test_what_people_read(typed: tuple[str, str, bool], words: str) -> None:
    kind, value, inclusive = typed
    assert parse_target(kind, value, inclusive=inclusive).words == words
