"""A restored standby is waited for as long as it replays, and no longer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import follow_apply
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import Upstream
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_apply import (
    FollowFailed,
    catch_up,
    recovering,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import Answer

PG1 = Upstream("pg1", "192.0.2.21", 5432, "replicator", "/p", "verify-full", "/ca", "pg2", "pg2")
STREAMS = {"status": "streaming", "sender_host": "192.0.2.21", "sender_port": 5432, "slot_name": "pg2"}


class Clock:
    """Time that passes only while somebody naps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Nap."""
        self.now += seconds


def waited(monkeypatch: pytest.MonkeyPatch, *seen: Any, ended: bool = False, **options: Any) -> dict[str, Any]:
    """One look after another a second apart: a position, None while it does not answer, or the WAL receiver's row."""
    answers = list(seen)
    clock = Clock()

    def ask(*_given: Any, **_more: Any) -> Answer:
        one = answers.pop(0) if len(answers) > 1 else answers[0]
        if one is None or str(one).startswith("title"):
            return Answer(False, None, "the database system is starting up")
        receiver = one if isinstance(one, dict) else None
        return Answer(True, {"standby": True, "wal_receiver": receiver, "received_lsn": None if receiver else one}, "")

    titles = {"title 1": "0001", "title 2": "0002"}
    monkeypatch.setattr(follow_apply, "query_json", ask)
    monkeypatch.setattr(follow_apply, "time", clock)
    monkeypatch.setattr(follow_apply, "_ended", lambda *_given: ended)
    monkeypatch.setattr(follow_apply, "recovering", lambda _path: titles.get(str(answers[0]), ""))
    given = {"port": 5432, "wait": 100.0, "timeout": 3.0, "every": 1.0, **options}
    return catch_up(None, Layout("17"), PG1, **given)  # type: ignore[arg-type]


def test_it_is_waited_for_while_it_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than the limit, which counts from the last progress; before it answers, its process's title tells."""
    positions = ["title 1", "title 1", "title 2", "title 2", "0/1", "0/1", "0/2", "0/2", STREAMS]
    seen = waited(monkeypatch, *positions)
    assert (seen["finished"], seen["wal_receiver"]) == (True, STREAMS)
    assert seen["waited_s"] == 8.0


def test_one_that_stands_still_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the position at which it stands."""
    with pytest.raises(FollowFailed, match=r"nothing was replayed for 3 s \(it is at 0/2\): no WAL receiver"):
        waited(monkeypatch, "0/1", "0/2")


def test_one_that_ended_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait helps it."""
    with pytest.raises(FollowFailed, match=r"for 0 s \(it is at its beginning\): the database system is starting up"):
        waited(monkeypatch, None, ended=True)


def test_a_wait_goes_on_from_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standing still counts across calls."""
    first = waited(monkeypatch, "0/1", wait=2.0)
    assert json.loads(json.dumps(first)) == {
        "finished": False, "position": "0/1", "still_s": 2.0, "wal_receiver": None, "waited_s": 2.0,
    }  # fmt: skip
    with pytest.raises(FollowFailed, match="for 3 s"):
        waited(monkeypatch, "0/1", wait=2.0, since=(first["position"], first["still_s"]))
    assert waited(monkeypatch, "0/2", wait=2.0, since=(first["position"], first["still_s"]))["still_s"] == 2.0


def test_the_startup_process_tells_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of this server, not of another one on the host."""
    monkeypatch.setattr(follow_apply, "postmaster_pid", lambda _directory: 10)
    rows = [("11", 9, "postgres: 17/main: startup recovering 000000010000000000000001"),
            ("12", 10, "postgres: 17/main: startup recovering 0000000100000000000000A2"),
            ("13", 10, "postgres: 17/main: checkpointer "), ("self", 10, "x")]  # fmt: skip
    for pid, parent, title in rows:
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes(title.encode() + b"\0")
        (tmp_path / pid / "status").write_text(f"Name:\tpostgres\nPPid:\t{parent}\nTracerPid:\t0\n")
    assert recovering(tmp_path, proc=tmp_path) == "0000000100000000000000A2"
    (tmp_path / "12" / "cmdline").write_bytes(b"postgres: startup waiting for 0000000100000000000000A3\0")
    assert recovering(tmp_path, proc=tmp_path) == "0000000100000000000000A3"
    monkeypatch.setattr(follow_apply, "postmaster_pid", lambda _directory: None)
    assert recovering(tmp_path, proc=tmp_path) == ""
