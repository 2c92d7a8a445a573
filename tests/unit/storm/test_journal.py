# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.storm.history import Fate, parse, read_journal
from tests.storm.journal import Journal, JournalError
from tests.storm.model import Order
from tests.unit.storm.fake import until

RUN = {"e": "run", "version": 1, "run": "r", "table": "t", "target": "x", "writers": 1, "think_time": 0.0, "wall": 5.0}


def lines(*records: dict[str, object]) -> list[bytes]:
    return [json.dumps(record).encode() + b"\n" for record in (RUN, *records)]


def intent(order: str, m: float = 0.0) -> dict[str, object]:
    return {"e": "intent", "m": m, "id": order, "w": 0, "s": 1}


def ack(order: str, m: float = 0.0) -> dict[str, object]:
    return {"e": "ack", "m": m, "id": order}


def error(order: str, in_doubt: bool, error_class: str = "25006") -> dict[str, object]:
    phase = "commit" if in_doubt else "insert"
    record = {"e": "error", "m": 0.0, "w": 0, "phase": phase, "class": error_class, "message": "no"}
    return {**record, "id": order, "in_doubt": in_doubt}


@pytest.mark.parametrize(
    ("records", "fate"),
    [
        pytest.param([intent("a"), ack("a")], Fate.ACKNOWLEDGED, id="acknowledged"),
        pytest.param([intent("a")], Fate.IN_DOUBT, id="the storm died with the order under way"),
        pytest.param([intent("a"), error("a", True)], Fate.IN_DOUBT, id="no answer to COMMIT"),
        pytest.param([intent("a"), error("a", False)], Fate.FAILED, id="failed before COMMIT"),
        pytest.param([intent("a"), error("a", False), intent("a")], Fate.IN_DOUBT, id="retry under way"),
        pytest.param([intent("a"), error("a", False), intent("a"), ack("a")], Fate.ACKNOWLEDGED, id="retry worked"),
    ],
)
def test_fate_of_an_order(records: list[dict[str, object]], fate: Fate) -> None:
    assert parse(lines(*records)).fates == {"a": fate}


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_torn_last_line_is_not_believed(cut: int) -> None:
    whole = lines(intent("a"), ack("a"), intent("b"), ack("b"))
    history = parse([*whole[:-1], whole[-1][:-cut]])
    assert history.torn
    assert history.ids(Fate.ACKNOWLEDGED) == {"a"}
    assert history.ids(Fate.IN_DOUBT) == {"b"}


def test_acknowledgements_are_put_in_order() -> None:
    assert parse(lines(ack("a", 2.0), ack("b", 1.0), ack("c", 3.0))).acks == [1.0, 2.0, 3.0]


def test_whole_journal_is_not_torn() -> None:
    assert not parse(lines(intent("a"), ack("a"))).torn


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        pytest.param([b"{\n", *lines()], "line 1 is not a storm record", id="garbage first"),
        pytest.param([*lines(), b'{"e":"in\n', *lines()[1:], b"{}\n"], "line 2 is not", id="garbage in the middle"),
        pytest.param([*lines(), b"\0\0\0\0\n"], "line 2 is not", id="zeroes"),
        pytest.param([*lines(), b'{"e":"sing","m":1}\n'], "unknown event 'sing'", id="unknown event"),
        pytest.param(lines(intent("a"))[1:], "line 1 is not", id="no run record"),
        pytest.param([], "holds no storm", id="empty"),
        pytest.param([lines()[0][:-1]], "holds no storm", id="torn in the first line"),
        pytest.param([json.dumps({**RUN, "version": 2}).encode() + b"\n"], "version 1", id="another version"),
    ],
)
def test_damage_is_refused(damaged: list[bytes], told: str) -> None:
    with pytest.raises(JournalError, match=told):
        parse(damaged)


def test_missing_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"none\.jsonl cannot be read: No such file"):
        read_journal(tmp_path / "none.jsonl")


def test_written_journal_reads_back(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    first, second = Order("a", 3, 1), Order("b", 3, 2)
    journal.intent(first, 0.5)
    journal.acknowledged(first, 0.75, "192.0.2.21")
    journal.intent(second, 1.0)
    journal.error(
        m=2.0, writer=3, phase="commit", error_class="57P01", message='said "no"\nand left', order=second, in_doubt=True
    )
    journal.error(
        m=2.5, writer=3, phase="connect", error_class="ConnectionFailed", message="é", order=None, in_doubt=False
    )
    journal.end(m=4.0, stopped=3.0, reason="duration")
    journal.close()
    history = read_journal(journal.path)
    assert history.fates == {"a": Fate.ACKNOWLEDGED, "b": Fate.IN_DOUBT}
    assert history.acks == [0.75]
    assert history.acked_by == {"192.0.2.21": [0.75]}
    assert history.errors == {"57P01": 1, "ConnectionFailed": 1}
    assert history.errors_by_phase == {"commit": 1, "connect": 1}
    assert history.samples == {"57P01": 'said "no"\nand left', "ConnectionFailed": "é"}
    assert (history.stopped_m, history.last_m, history.end_reason) == (3.0, 4.0, "duration")


def test_every_line_is_in_the_file_as_soon_as_it_is_accepted(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.intent(Order("a", 0, 1), 0.0)
    assert b'"id":"a"' in journal.path.read_bytes()  # not yet flushed, not closed: a killed process loses nothing
    journal.close()


def test_acknowledgement_is_durable_only_after_an_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = begun(tmp_path, flush_interval=3600)
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    journal.intent(Order("a", 0, 1), 0.0)
    journal.acknowledged(Order("a", 0, 1), 0.1)
    assert (journal.durable, synced) == (0, [])
    journal.flush()
    assert (journal.durable, len(synced)) == (1, 1)
    journal.flush()
    assert len(synced) == 1  # nothing new, nothing to sync
    journal.close()


def test_one_thread_flushes_without_being_asked(tmp_path: Path) -> None:
    journal = begun(tmp_path, flush_interval=0.001)
    journal.acknowledged(Order("a", 0, 1), 0.1)
    until(lambda: journal.durable == 1)
    journal.close()


def test_each_run_needs_a_journal_of_its_own(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    with pytest.raises(JournalError, match="exists already"):
        Journal(journal.path)
    journal.close()


def test_failed_fsync_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = begun(tmp_path, flush_interval=3600)

    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    journal.acknowledged(Order("a", 0, 1), 0.1)
    journal.flush()
    monkeypatch.undo()
    journal.flush()
    assert journal.durable == 0
    with pytest.raises(JournalError, match="cannot be made durable: Input/output error"):
        journal.intent(Order("b", 0, 2), 0.2)
    journal.close()


def test_nothing_follows_a_line_that_did_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = begun(tmp_path, flush_interval=3600)
    journal.acknowledged(Order("0", 0, 0), 0.0)
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:10]))
    with pytest.raises(JournalError, match="the disk took only part of a line"):
        journal.intent(Order("a", 0, 1), 0.0)
    monkeypatch.undo()
    journal.flush()
    assert journal.durable == 1  # what was written before still counts
    with pytest.raises(JournalError, match="only part of a line"):
        journal.intent(Order("b", 0, 2), 0.0)
    journal.close()
    assert read_journal(journal.path).torn


def test_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.intent(Order("a", 0, 1), 0.0)


def begun(directory: Path, flush_interval: float = 0.04) -> Journal:
    journal = Journal(directory / "journal.jsonl", flush_interval)
    journal.begin(run="r", table="t", target="x", writers=1, think_time=0.0, wall=5.0)
    return journal
