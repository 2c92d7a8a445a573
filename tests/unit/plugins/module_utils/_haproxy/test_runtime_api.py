"""The runtime API: one line, one answer, never for ever, and text instead of errors."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.runtime_api import (
    CommandRefused,
    NoAnswer,
    NotRunning,
    RuntimeApi,
    order,
    parse_info,
    parse_old_workers,
    parse_sessions,
)

from .conftest import FakeHaproxy

PROC = """#<PID>          <type>          <reloads>       <uptime>        <version>
660             master          3 [failed: 0]   0d00h24m27s     3.0.11-1+deb13u5
# workers
1305            worker          0               0d00h00m00s     3.0.11-1+deb13u5
# old workers
1283            worker          1               0d00h04m02s     3.0.11-1+deb13u5
1200            worker          2               0d00h09m02s     3.0.11-1+deb13u5
# programs
"""
SESSIONS = """0x7f9707104400: proto=tcpv4 src=127.0.0.1:39566 fe=postgresql_read_write be=postgresql_primary srv=pg1
0x7f97074e8c00: proto=sockpair src=unix:2 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1
0x55d2c0ffee00: proto=tcpv4 src=127.0.0.1:39567 fe=postgresql_read_only be=postgresql_replicas srv=pg2 ts=00"""


def test_an_answer_comes_over_the_socket(listening: Path) -> None:
    assert RuntimeApi(str(listening)).command("show servers state").startswith("1\n# be_id")


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=r"does not listen on .*/none\.sock"):
        RuntimeApi(str(tmp_path / "none.sock")).command("show info")


def test_a_socket_left_behind_by_a_dead_process(tmp_path: Path) -> None:
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NotRunning):
        RuntimeApi(str(path)).command("show info")


def test_a_hung_process_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "hung.sock"
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(path))
        hung.listen()
        with pytest.raises(NoAnswer, match=r"within 0\.1 s"):
            RuntimeApi(str(path), timeout=0.1).command("show info")


def test_any_text_after_an_order_is_an_error(haproxy: FakeHaproxy) -> None:
    order(haproxy, "set server postgresql_primary/pg1 state maint")
    with pytest.raises(CommandRefused, match=r"`set server app/pg9 state maint`: No such server\."):
        order(haproxy, "set server app/pg9 state maint")
    with pytest.raises(CommandRefused, match="Unknown command"):
        order(haproxy, "set sever app/pg1 state maint")


def test_info_is_read() -> None:
    assert parse_info("Name: HAProxy\nPid: 972\nNode: a:b\n\n") == {"Name": "HAProxy", "Pid": "972", "Node": "a:b"}


def test_only_workers_of_earlier_reloads_are_old() -> None:
    assert parse_old_workers(PROC) == (1283, 1200)
    assert parse_old_workers(PROC.split("# old")[0]) == ()


def test_sessions_with_a_server_are_found() -> None:
    assert parse_sessions(SESSIONS) == (
        ("0x7f9707104400", "postgresql_primary", "pg1"),
        ("0x55d2c0ffee00", "postgresql_replicas", "pg2"),
    )
