"""What lies on the disk, asked over a real unix socket."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from role_probe.on_disk import Disk, fetch
from role_probe.state import OnDisk, Receiver, Server
from role_probe_samples import NOW, Clock, primary, replica, view_of


def serve_once(path: Path, reply: bytes | None) -> socket.socket:
    """A boot guard that answers one question; with None it accepts and stays silent."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        channel, _peer = listener.accept()
        with channel:
            channel.sendall(reply) if reply is not None else channel.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    return listener


def disk(path: Path, clock: Any, **more: Any) -> Disk:
    """With short limits."""
    return Disk(str(path), clock, every=1.0, timeout=0.3, **more)


def test_an_answer_is_as_old_as_its_question(tmp_path: Path, clock: Clock) -> None:
    """And what it says is passed on."""
    with serve_once(tmp_path / "s", b'{"timeline": 4, "boot_guard": {"verdict": "asking"}}'):
        asked = disk(tmp_path / "s", clock)
        asked.ask()
    assert asked.known() == OnDisk(NOW, {"timeline": 4, "boot_guard": {"verdict": "asking"}})
    assert (asked.known().timeline, asked.known().guard) == (4, {"verdict": "asking"})


@pytest.mark.parametrize(("reply", "why"), [(b"no json", "Expecting"), (b"[1]", "not an object"), (None, "timed out")])
def test_what_was_told_before_stays_and_grows_old(tmp_path: Path, reply: bytes | None, why: str) -> None:
    """A guard that hangs or talks nonsense costs the limit and nothing else."""
    asked = disk(tmp_path / "s", time.monotonic, get=lambda *_ignored: {"timeline": 4})
    asked.ask()
    before = asked.known()
    with serve_once(tmp_path / "s", reply):
        again = disk(tmp_path / "s", time.monotonic)
        again._known = before
        again.ask()
    assert (again.known().asked_at, again.known().told) == (before.asked_at, before.told)
    assert why in again.known().error


def test_no_guard_is_no_error_of_the_probe(tmp_path: Path, clock: Clock) -> None:
    """It is said, and nothing is known."""
    asked = disk(tmp_path / "none", clock)
    asked.ask()
    assert asked.known() == OnDisk(error="the boot guard is not installed")
    with pytest.raises(FileNotFoundError):
        fetch(str(tmp_path / "none"), 0.2, clock)


@pytest.mark.parametrize(
    ("server", "due"),
    [
        (None, True),
        (primary(), False),
        (replica(), False),
        (replica(receiver=None), True),
        (replica(receiver=Receiver("waiting", None, None, None)), True),
    ],
)
def test_when_the_server_alone_does_not_know(tmp_path: Path, clock: Clock, server: Server | None, due: bool) -> None:
    """Stopped, or a standby that hears from nobody: its files may know a newer timeline."""
    asked = disk(tmp_path / "none", clock, get=lambda *_ignored: {})
    asked.ask()
    asked.due(view_of(server))
    assert not asked.due(view_of(server))
    clock.now += 1.0
    assert asked.due(view_of(server, now=clock.now)) is due


def test_each_start_of_the_server_is_looked_at(tmp_path: Path, clock: Clock) -> None:
    """Was it the guard that let it start?"""
    asked = disk(tmp_path / "none", clock, get=lambda *_ignored: {})
    asked.ask()
    assert asked.due(view_of(primary()))
    assert not asked.due(view_of(primary()))
    assert asked.due(view_of(primary(started_at=9.0)))
