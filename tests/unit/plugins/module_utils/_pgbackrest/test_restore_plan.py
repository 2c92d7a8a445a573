"""Which backup, and whether the archive goes all the way, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.archive import Run
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import Backup, Repository, Stanza
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_plan import (
    Archive,
    ChoiceRefused,
    Live,
    choose,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import parse_target

BEGAN = 1772330000  # 2026-03-01 01:53:20 UTC
NOW = BEGAN + 1000.0


def backup(label: str, after: int, segment: int, timeline: int = 1, **more: Any) -> Backup:
    """One that ended ``after`` seconds, in one segment, at its byte 0x100."""
    wal = f"{timeline:08X}00000000{segment:08X}"
    position = {"lsn_start": f"0/{segment:X}000028", "lsn_stop": f"0/{segment:X}000100"}
    return Backup(label, "full", 1, BEGAN + after - 5, BEGAN + after, False, 100, 50, wal, wal, {}, **position, **more)


REPOSITORY = Repository(1, "aes-256-cbc", 0, "ok", "", "", "7")
STANZA = Stanza(
    "orders",
    0,
    "ok",
    False,
    None,
    (REPOSITORY,),
    (
        backup("A", 10, 2),
        replace(backup("B", 100, 4), annotations={"label": "before the release"}),
        backup("C", 500, 8, timeline=2),
    ),
)
# Timeline 1 was left in segment 6, for 2; its old primary wrote 6 and 7 all the same.
ARCHIVE = Archive(STANZA, (Run(1, 1, 7, BEGAN + 300), Run(2, 6, 10, BEGAN + 900)), {2: ((1, "0/6000200"),)})
LIVE = Live("pg1", 2, "0/B000800")
GAP = replace(ARCHIVE, runs=(Run(1, 1, 7, BEGAN + 300), Run(2, 6, 8, BEGAN + 600), Run(2, 10, 10, BEGAN + 900)))
HALF = replace(ARCHIVE, runs=(Run(1, 1, 7, BEGAN + 300), Run(2, 6, 7, BEGAN + 400), Run(2, 9, 10, BEGAN + 900)))
DAMAGED = replace(
    ARCHIVE, stanza=replace(STANZA, backups=(*STANZA.backups[:2], replace(STANZA.backups[2], faulty=True)))
)


def at(after: float) -> tuple[str, str]:
    """A time, that many seconds after the beginning."""
    return "time", f"{datetime.fromtimestamp(BEGAN + after, timezone.utc):%Y-%m-%d %H:%M:%S}Z"


CHOSEN = [
    ("the newest before a time", at(400), {}, ARCHIVE, LIVE, "B", 2),
    ("a time after the newest", at(350 + 160), {}, ARCHIVE, LIVE, "C", 2),
    ("a time that is not archived yet", at(950), {}, ARCHIVE, LIVE, "C", 2),
    ("the oldest that will do", at(50), {}, ARCHIVE, LIVE, "A", 2),
    ("a position", ("lsn", "0/5000000"), {}, ARCHIVE, LIVE, "B", 2),
    ("a position exactly at the end of a backup", ("lsn", "0/4000100"), {}, ARCHIVE, LIVE, "B", 2),
    ("a position just before it", ("lsn", "0/40000FF"), {}, ARCHIVE, LIVE, "A", 2),
    ("a position that is not archived yet", ("lsn", "0/B000700"), {}, ARCHIVE, LIVE, "C", 2),
    ("a transaction", ("xid", "748"), {}, ARCHIVE, LIVE, "C", 2),
    ("a transaction, from an older backup", ("xid", "748"), {"wanted": "A"}, ARCHIVE, LIVE, "A", 2),
    ("a restore point", ("name", "here"), {}, ARCHIVE, LIVE, "C", 2),
    ("as soon as possible", ("immediate", ""), {}, ARCHIVE, LIVE, "C", 2),
    ("the end", ("latest", ""), {}, ARCHIVE, LIVE, "C", 2),
    ("no primary runs", ("latest", ""), {}, ARCHIVE, None, "C", 2),
    ("the older timeline", ("latest", ""), {"timeline": "1"}, ARCHIVE, LIVE, "B", 1),
    ("the newest one is damaged", ("latest", ""), {}, DAMAGED, LIVE, "B", 2),
    ("a gap behind the target", at(550), {}, GAP, LIVE, "C", 2),
    ("a gap behind the backup", ("immediate", ""), {}, GAP, LIVE, "C", 2),
]


@pytest.mark.parametrize(
    ("typed", "more", "archive", "live", "label", "timeline"),
    [row[1:] for row in CHOSEN],
    ids=[row[0] for row in CHOSEN],
)
def test_what_is_chosen(
    typed: tuple[str, str], more: dict[str, str], archive: Archive, live: Live | None, label: str, timeline: int
) -> None:
    target = parse_target(*typed, timeline=more.get("timeline", ""))
    choice = choose(target, archive, live=live, now=NOW, wanted=more.get("wanted", ""))
    assert (choice.backup.label, choice.timeline) == (label, timeline)


@pytest.mark.parametrize(("typed", "label"), [("B", "B"), ("before the release", "B"), ("A", "A")])
def test_a_backup_by_its_label(typed: str, label: str) -> None:
    assert choose(parse_target("", "", label=typed), ARCHIVE, live=LIVE, now=NOW).backup.label == label


BRANCHED = replace(ARCHIVE, stanza=replace(STANZA, backups=(backup("A", 10, 2), backup("D", 300, 7))))
AT_BRANCH = replace(ARCHIVE, stanza=replace(STANZA, backups=(backup("A", 10, 2), backup("D", 200, 6))))
BEHIND = replace(AT_BRANCH, stanza=replace(STANZA, backups=(
    backup("A", 10, 2), replace(backup("D", 300, 6), lsn_stop="0/6000201"))))  # fmt: skip
LINEAGE = [
    ("behind the branch, on the timeline that was left", BRANCHED, "A"),
    ("in the branch's segment, before it", AT_BRANCH, "D"),
    ("in the branch's segment, behind it", BEHIND, "A"),
]


@pytest.mark.parametrize(("archive", "label"), [row[1:] for row in LINEAGE], ids=[row[0] for row in LINEAGE])
def test_backups_off_the_lineage_are_passed_over(archive: Archive, label: str) -> None:
    assert choose(parse_target("latest", ""), archive, live=LIVE, now=NOW).backup.label == label


NOWHERE = replace(
    ARCHIVE, stanza=replace(STANZA, repositories=(replace(REPOSITORY, code=3, message="missing stanza data"),))
)
ONE_AWAY = replace(
    ARCHIVE, stanza=replace(STANZA, repositories=(replace(REPOSITORY, key=2, code=99, message="away"), REPOSITORY))
)
EMPTY = replace(ARCHIVE, stanza=replace(STANZA, backups=()))
TWICE = replace(ARCHIVE, stanza=replace(STANZA, backups=tuple(
    replace(one, annotations={"label": "twice"}) for one in STANZA.backups)))  # fmt: skip
REFUSED = [
    ("before the first backup", at(5), ARCHIVE, LIVE, {}, "no backup that ended before it"),
    ("in the future", ("time", "2026-03-01 03:00Z"), ARCHIVE, LIVE, {}, "in the future"),
    ("in the future, and nobody runs", ("time", "2026-03-01 03:00Z"), ARCHIVE, None, {}, "in the future"),
    ("behind the archive, and nobody runs", at(950), ARCHIVE, None, {}, "the archive ends before it"),
    ("behind a gap", at(700), GAP, LIVE, {}, "WAL is missing before it"),
    ("a position before the first backup", ("lsn", "0/1000000"), ARCHIVE, LIVE, {}, "no backup that ended before it"),
    ("a position not written yet", ("lsn", "0/B000900"), ARCHIVE, LIVE, {}, "which pg1 has not written yet"),
    ("a position behind the archive", ("lsn", "0/B000000"), ARCHIVE, None, {}, "the archive ends before it"),
    ("a position behind a gap", ("lsn", "0/A000000"), GAP, LIVE, {}, "WAL is missing before it"),
    ("the end, with a gap", ("latest", ""), GAP, LIVE, {}, "WAL is missing behind 0/9000000"),
    ("a transaction, with a gap", ("xid", "9"), GAP, LIVE, {}, "WAL is missing behind"),
    ("the backup's own WAL", ("latest", ""), HALF, LIVE, {}, "WAL of backup C itself is missing"),
    ("a timeline nobody knows", ("latest", ""), ARCHIVE, LIVE, {"timeline": "7"}, "timeline 7"),
    ("the primary's timeline is not archived", ("latest", ""), ARCHIVE, replace(LIVE, timeline=3), {}, "timeline 3"),
    ("no such label", ("latest", ""), ARCHIVE, LIVE, {"label": "nothing"}, "the label 'nothing', which no backup has"),
    ("several of that label", ("latest", ""), TWICE, LIVE, {"label": "twice"}, "which several backups have"),
    ("a damaged one by name", ("latest", ""), DAMAGED, LIVE, {"label": "C"}, "which has damaged pages"),
    ("one off the lineage by name", ("latest", ""), BRANCHED, LIVE, {"label": "D"}, "not on the lineage"),
    ("a repository without the stanza", ("latest", ""), NOWHERE, LIVE, {}, "missing stanza data"),
    ("no backup", ("latest", ""), EMPTY, LIVE, {}, "no backup in the repository"),
    ("a set that ended too late", at(50), ARCHIVE, LIVE, {"wanted": "B"}, "backup B ended behind it"),
]


@pytest.mark.parametrize(
    ("typed", "archive", "live", "more", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_refused(
    typed: tuple[str, str], archive: Archive, live: Live | None, more: dict[str, str], said: str
) -> None:
    kind, value = ("", "") if "label" in more else typed
    target = parse_target(kind, value, label=more.get("label", ""), timeline=more.get("timeline", ""))
    with pytest.raises(ChoiceRefused) as refused:
        choose(target, archive, live=live, now=NOW, wanted=more.get("wanted", ""))
    assert said in refused.value.observed


def test_a_gap_names_the_last_point() -> None:
    with pytest.raises(ChoiceRefused) as refused:
        choose(parse_target(*at(700)), GAP, live=LIVE, now=NOW)
    assert refused.value.hint == "the last point that can be reached is 0/9000000, archived 2026-03-01 02:03:20+00"


WINDOWS = [
    ("a primary runs", ARCHIVE, LIVE, NOW, "0/B000800", False),
    ("nobody runs", ARCHIVE, None, BEGAN + 900, "0/B000000", False),
    ("a gap", GAP, LIVE, BEGAN + 600, "0/9000000", True),
]


@pytest.mark.parametrize(
    ("archive", "live", "ends_at", "ends_lsn", "gap"), [row[1:] for row in WINDOWS], ids=[row[0] for row in WINDOWS]
)
def test_the_window(archive: Archive, live: Live | None, ends_at: float, ends_lsn: str, gap: bool) -> None:
    window = choose(parse_target("immediate", ""), archive, live=live, now=NOW).window
    assert (window.begins_at, window.begins_lsn) == (BEGAN + 10, "0/2000100")
    assert (window.ends_at, window.ends_lsn, window.gap) == (ends_at, ends_lsn, gap)


def test_one_repository_of_two_is_enough() -> None:
    wanted = choose(parse_target("latest", ""), ARCHIVE, live=LIVE, now=NOW)
    assert choose(parse_target("latest", ""), ONE_AWAY, live=LIVE, now=NOW) == wanted
