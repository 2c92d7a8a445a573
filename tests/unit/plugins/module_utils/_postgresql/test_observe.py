"""The one query against a real server, and a host without any."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import observe_node
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
ROOT = os.geteuid() == 0


def test_a_host_without_postgres_is_an_answer(tmp_path: Path) -> None:
    """No error, also before anything is installed."""
    seen = observe_node(HostRunner(), host="pg1", address="192.0.2.21", root=str(tmp_path))
    assert (seen["role"], seen["installed"], seen["data_state"], seen["version"]) == ("absent", False, "absent", None)


class Server:
    """A throw-away cluster laid out as Debian does below a temporary root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = INSTALLED[-1].parent
        self.layout = Layout(self.bin.parent.name, "main", str(root))
        for folder in (self.layout.config_dir / "conf.d", self.layout.socket_dir, self.layout.data_directory().parent):
            folder.mkdir(parents=True)
        self.layout.bin_dir.parent.mkdir(parents=True)
        self.layout.bin_dir.symlink_to(self.bin)
        if ROOT:
            for path in [root, *root.rglob("*")]:
                shutil.chown(path, "postgres", follow_symlinks=False) if not path.is_symlink() else None
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-N")

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.layout.data_directory()

    def run(self, *argv: str) -> None:
        """One of Postgres' own programs, as the user that owns the cluster."""
        command = as_user("postgres", [str(self.bin / argv[0]), *argv[1:]])
        subprocess.run(command, cwd="/", check=True, capture_output=True, timeout=60)

    def start(self) -> None:
        """Start on a socket below the root only."""
        options = f"-k {self.layout.socket_dir} -c listen_addresses='' -c fsync=off"
        self.run("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", str(self.root / "log"), "start")

    def stop(self) -> None:
        """Stop cleanly when it runs."""
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")

    def observe(self) -> dict[str, Any]:
        """What the module would answer."""
        return observe_node(HostRunner(), host="pg1", address="192.0.2.21", root=str(self.root), timeout=10)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One cluster for all of these tests."""
    if not INSTALLED:
        pytest.skip("no local Postgres server below /usr/lib/postgresql")
    if ROOT and shutil.which("setpriv") is None:
        pytest.skip("Postgres refuses to run as root and setpriv is not installed")
    # Not pytest's tmp_path: the server's user may not enter it, and a socket's path must stay short.
    with tempfile.TemporaryDirectory(prefix="haobs") as folder:
        Path(folder).chmod(0o755)
        made = Server(Path(folder))
        yield made
        made.stop()


def test_stopped_primary_standby(server: Server) -> None:
    """The same cluster in three roles, one after another."""
    stopped = server.observe()
    assert (stopped["role"], stopped["control"]["state"], stopped["timeline"]) == ("stopped", "shut down", 1)
    server.start()
    primary = server.observe()
    assert (primary["role"], primary["timeline"], primary["error"]) == ("primary", 1, None)
    assert primary["system_identifier"] == stopped["system_identifier"]
    assert primary["current_lsn"] is not None and primary["received_lsn"] is None
    server.stop()
    (server.data / "standby.signal").touch()
    (server.data / "postgresql.auto.conf").write_text("primary_conninfo = 'host=pg9'\n")
    server.start()
    standby = server.observe()
    assert (standby["role"], standby["upstream"], standby["timeline"]) == ("standby", "pg9", 1)
    assert standby["received_lsn"] == standby["replayed_lsn"]
    assert standby["last_commit_at"] is None and standby["replay_paused"] is False


def test_a_fence_marker_and_a_degraded_configuration_are_seen(server: Server) -> None:
    """Both are files beside the configuration."""
    server.layout.fence_marker.write_text('{"reason": "failover"}')
    server.layout.degraded_conf.write_text("synchronous_standby_names = ''\n")
    seen = server.observe()
    assert seen["fenced"] == {"reason": "failover"}
    assert seen["sync_degraded"] is True
