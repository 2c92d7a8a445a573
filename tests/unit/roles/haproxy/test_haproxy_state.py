"""The program that systemd runs around HAProxy, run as on a host: as one folder."""

from __future__ import annotations

import os
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

COLLECTION = Path(__file__).parents[4] / "collections" / "ha_recovery"
SHARED = COLLECTION / "plugins" / "module_utils" / "_haproxy"
CONFIG = """backend app
    default-server check
    server pg1 192.0.2.21:5432
    server pg2 192.0.2.22:5432
"""
TITLE = "1\n# be_id …\n"
LINE = "1 app 1 {name} {address} {op} {admin} 1 1 60 15 3 2 6 0 0 0 - 5432 - 0 0 - - 0\n"
RUNNING = TITLE + LINE.format(name="pg1", address="192.0.2.21", op=2, admin=0) + LINE.format(
    name="pg2", address="192.0.2.22", op=0, admin=1
)  # fmt: skip


class Host:
    """A load balancer: the program, a configuration, and a HAProxy whose process id rises with each SIGUSR2."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "haproxy_state"
        self.program.mkdir()
        shutil.copy(COLLECTION / "roles" / "haproxy" / "files" / "haproxy_state.py", self.program / "__main__.py")
        for name in ("config", "server_state", "state_store", "runtime_api"):
            shutil.copy(SHARED / f"{name}.py", self.program)
        self.config = folder / "haproxy.cfg"
        self.config.write_text(CONFIG)
        self.file = folder / "state"
        self.socket = folder / "admin.sock"
        self.answers = {"show servers state": RUNNING, "show info": "Pid: 1\n"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program."""
        options = ["--config", self.config, "--socket", self.socket, "--file", self.file]
        return subprocess.run(
            [sys.executable, "-B", "-E", "-s", self.program, *options, *arguments],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    def states(self) -> dict[str, tuple[str, str, str]]:
        """Server -> (address, operational, administrative) in the file."""
        lines = [line.split() for line in self.file.read_text().splitlines()[2:]]
        return {words[3]: (words[4], words[5], words[6]) for words in lines}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A load balancer whose HAProxy does not run."""
    return Host(tmp_path)


@pytest.fixture
def serving(host: Host) -> Iterator[Host]:
    """One whose HAProxy runs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(host.answers[self.rfile.read().decode().strip()].encode() + b"\n")

    with socketserver.ThreadingUnixStreamServer(str(host.socket), Handler) as listener:
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield host
        listener.shutdown()


def test_on_a_new_host_every_server_starts_down(host: Host) -> None:
    done = host.run("cold-start")
    assert (done.returncode, done.stderr) == (0, "")
    assert host.states() == {"pg1": ("192.0.2.21", "0", "0"), "pg2": ("192.0.2.22", "0", "0")}


def test_after_a_power_cut_maintenance_is_kept_and_nobody_is_believed_healthy(host: Host) -> None:
    host.file.write_text(RUNNING)
    assert host.run("cold-start").returncode == 0
    assert host.states() == {"pg1": ("192.0.2.21", "0", "0"), "pg2": ("192.0.2.22", "0", "1")}


def test_a_damaged_file_is_told_and_replaced(host: Host) -> None:
    host.file.write_text("\0\0\0")
    done = host.run("cold-start")
    assert done.returncode == 0 and "every server starts down and without orders" in done.stderr
    assert set(host.states()) == {"pg1", "pg2"}


def test_a_start_without_orders_that_could_be_kept_is_refused(host: Host) -> None:
    host.config.unlink()
    done = host.run("cold-start")
    assert done.returncode == 1 and "haproxy.cfg" in done.stderr


def test_orders_given_by_hand_are_saved_at_stop(serving: Host) -> None:
    assert serving.run("save").returncode == 0
    assert serving.states() == {"pg1": ("192.0.2.21", "0", "0"), "pg2": ("192.0.2.22", "0", "1")}


def test_at_the_stop_of_a_haproxy_that_is_gone_the_last_word_is_kept(host: Host) -> None:
    host.file.write_text(RUNNING)
    assert host.run("save").returncode == 0
    assert host.file.read_text() == RUNNING


def test_a_reload_hands_the_running_state_over_and_waits_for_the_next_process(serving: Host) -> None:
    def reload(_signal: int, _frame: object) -> None:
        serving.answers["show info"] = "Pid: 2\n"

    before = signal.signal(signal.SIGUSR2, reload)
    try:
        done = serving.run("reload", str(os.getpid()))
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert (done.returncode, done.stderr) == (0, "")
    assert serving.answers["show info"] == "Pid: 2\n"
    assert serving.states() == {"pg1": ("192.0.2.21", "2", "0"), "pg2": ("192.0.2.22", "0", "1")}
