"""The console's protocol, against a server on a real socket."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.console import (
    Console,
    NoAnswer,
    NotRunning,
    Refused,
    connect,
    socket_in,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import Instance

from .conftest import FakePooler, message


def test_rows_and_errors_and_then_rows_again(instance: Instance) -> None:
    with connect(instance.socket_directory) as console:
        assert console.query("SHOW VERSION") == [{"version": "PgBouncer 1.24.1"}]
        with pytest.raises(Refused, match=r"PgBouncer refused `NONSENSE`: invalid command 'NONSENSE'"):
            console.query("NONSENSE")
        assert len(console.query("SHOW DATABASES")) == 3


def test_an_answer_can_be_waited_for_twice(instance: Instance, pooler: FakePooler) -> None:
    pooler.open["app"] = 1
    with connect(instance.socket_directory) as console:
        console.send("PAUSE app")
        with pytest.raises(NoAnswer, match=r"did not answer `PAUSE app` .* within 0.05 s"):
            console.answer("PAUSE app", 0.05)
        pooler.released.set()
        assert console.answer("PAUSE app", 20) == []


def test_nobody_listens(tmp_path: Path) -> None:
    path = tmp_path / ".s.PGSQL.5432"
    with pytest.raises(NotRunning, match="there is no socket in"):
        connect(str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    assert socket_in(str(tmp_path)) == str(path)
    with pytest.raises(NotRunning, match="does not listen on"):
        connect(str(tmp_path))


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (message(b"E", b"SFATAL\0Mno such user\0\0"), Refused, "refused the login to its console on .*: no such user"),
        (message(b"R", b"\0\0\0\x0a" + b"SCRAM-SHA-256\0\0"), Refused, "wants a password"),
        (b"", NotRunning, "closed its console"),
        (None, NoAnswer, "did not answer `log in`"),
    ],
)
def test_a_login_that_fails(tmp_path: Path, reply: bytes | None, error: type[Exception], words: str) -> None:
    path = tmp_path / "socket"
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            if reply is None:
                done.wait(20)
            else:
                connection.sendall(reply)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(error, match=words):
            Console(str(path), timeout=0.1 if reply is None else 20)
        done.set()
        thread.join()
