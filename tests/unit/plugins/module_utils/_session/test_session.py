"""Sessions against a real agent: only ssh and sudo are replaced, by programs that run the command here."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._session import loader
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate, Limits
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.session import Session

NODE = {"host": "pg1", "address": "192.0.2.21", "version": "0"}


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A host that is this machine, with a cache of its own."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift 2\nexec sh -c "$1"\n')
    ssh.chmod(0o755)
    monkeypatch.setattr(
        "ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection.LOADER",
        loader.LOADER.replace(loader.CACHE, str(tmp_path / "cache")),
    )
    return Connection("pg1", "192.0.2.21", executable=str(ssh), python=sys.executable, become=False)


@pytest.fixture
def session(connection: Connection) -> Session:
    """An open session."""
    one = Session(connection)
    one.start()
    assert one.wait(time.monotonic() + 20), one.why
    return one


def test_calls_and_their_errors(session: Session) -> None:
    """A call answers; a defect in one is an answer too and ends nothing."""
    answer = session.call("cluster_info", NODE, timeout=20)
    assert answer.ok
    assert answer.value["host"] == "pg1"
    assert "there is no call nonsense" in session.call("nonsense").error
    assert "TypeError" in session.call("cluster_info", {"no such": 1}).error
    assert session.call("cluster_info", NODE, timeout=20).ok
    session.end()


def test_code_is_sent_once(connection: Connection, tmp_path: Path) -> None:
    """The second session finds the code on the host; a version from long ago goes, one that may be in use stays."""
    for name in ("older", "other"):
        (tmp_path / "cache" / name).mkdir(parents=True)
    os.utime(tmp_path / "cache" / "older", (0, 0))
    for _turn in range(2):
        one = Session(connection)
        one.start()
        assert one.wait(time.monotonic() + 20), one.why
        one.end()
        assert {entry.name for entry in (tmp_path / "cache").iterdir()} == {"other", loader.digest()}


def test_many_sessions_begin_at_once_on_a_host_that_has_no_code(connection: Connection) -> None:
    """None takes away what another one is putting there."""
    sessions = [Session(connection) for _number in range(4)]
    for one in sessions:
        one.start()
    assert [one.wait(time.monotonic() + 20) or one.why for one in sessions] == [True] * 4
    assert all(one.call("cluster_info", NODE, timeout=20).ok for one in sessions)
    for one in sessions:
        one.end()


def test_a_password_nobody_asked_for_is_skipped(connection: Connection) -> None:
    """sudo did not want it; it must not be taken for the greeting, nor be told to anybody."""
    one = Session(Connection(**{**vars(connection), "become": True, "become_password": "s3cret"}))
    sudo = Path(connection.executable).with_name("sudo")
    sudo.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    ssh = Path(connection.executable)
    ssh.write_text(ssh.read_text().replace("exec sh", f'PATH="{sudo.parent}:$PATH" exec sh'))
    one.start()
    assert one.wait(time.monotonic() + 20), one.why
    assert one.call("cluster_info", NODE, timeout=20).ok
    one.end()


def test_an_agent_that_dies_answers_open_calls(session: Session) -> None:
    """Nobody waits for a host that has gone."""
    pid = session._hello.result(1).value["pid"]
    os.kill(pid, 9)
    answer = session.call("cluster_info", NODE, timeout=20)
    assert not answer.ok
    assert answer.silent
    assert session.call("cluster_info", NODE).error == session.why != ""


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'Permission denied (publickey).' >&2; exit 255", "Permission denied (publickey)."),
        ("sleep 30", "did not let us in within the time limit"),
        ("echo welcome", "the connection was closed"),
    ],
)
def test_a_host_that_does_not_let_us_in(connection: Connection, script: str, says: str) -> None:
    """The reason is ssh's own, or the time limit."""
    Path(connection.executable).write_text(f"#!/bin/sh\n{script}\n")
    with Estate([connection], Limits(connect=0, login=1.5)) as estate:
        assert says in estate.reach["pg1"]["why"]
        assert says in estate.call_all({"pg1": {"cluster_info": NODE}})["pg1"]["cluster_info"].error


def test_a_dead_host_costs_the_connect_limit(connection: Connection) -> None:
    """192.0.2.0/24 is nobody's (RFC 5737): its silence is noticed by the port, not by ssh's own limit."""
    with Estate([connection], Limits(connect=0.3, login=20)) as estate:
        assert not estate.reach["pg1"]["ok"]
        assert "port 22" in estate.reach["pg1"]["why"]
