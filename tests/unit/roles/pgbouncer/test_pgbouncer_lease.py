"""The program that ends a lease, run as on a host: as one folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import Instance
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.lease import Lease, render

from tests.unit.plugins.module_utils._pgbouncer.conftest import FakePooler, serving

COLLECTION = Path(__file__).parents[4] / "collections" / "ha_recovery"
SHARED = COLLECTION / "plugins" / "module_utils"
OVER, LASTS = 0.0, 1e12  # on the monotonic clock


class Host:
    """A load balancer with the program as the role installs it."""

    def __init__(self, folder: Path) -> None:
        self.run_folder = folder / "run"
        self.instance = Instance("read_write", run=str(self.run_folder))
        self.file = Path(self.instance.lease_file)
        self.file.parent.mkdir(parents=True)
        self.program = folder / "pgbouncer_lease"
        self.program.mkdir()
        source = (COLLECTION / "roles" / "pgbouncer" / "files" / "pgbouncer_lease.py").read_text()
        (self.program / "__main__.py").write_text(source.replace('"/run"', f'"{self.run_folder}"'))
        for name in ("_pgbouncer/console", "_pgbouncer/lease", "_pgbouncer/state", "_haproxy/state_store"):
            shutil.copy(SHARED / f"{name}.py", self.program)

    def lease(self, deadline: float) -> None:
        """Write a lease down."""
        self.file.write_text(render(Lease(deadline, 15.0, "switchover on ops1")))

    def fire(self) -> subprocess.CompletedProcess[str]:
        """What the timer does."""
        return subprocess.run(
            [sys.executable, "-B", "-E", "-s", self.program, "read_write"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def pooler(host: Host) -> Iterator[FakePooler]:
    """A paused pool."""
    found = FakePooler({"app": True, "postgres": False})
    with serving(found, Path(host.instance.socket_directory)):
        yield found


def test_a_lease_that_is_over_resumes_the_pool_and_is_gone(host: Host, pooler: FakePooler) -> None:
    host.lease(OVER)
    done = host.fire()
    assert (done.returncode, pooler.seen, host.file.exists()) == (0, ["RESUME app"], False)
    assert "the lease of 15 s (switchover on ops1) was not renewed; RESUME app" in done.stderr


def test_a_timer_of_an_earlier_deadline_does_nothing(host: Host, pooler: FakePooler) -> None:
    host.lease(LASTS)
    assert (host.fire().returncode, pooler.seen, host.file.exists()) == (0, [], True)


def test_without_a_lease_nothing_is_done(host: Host, pooler: FakePooler) -> None:
    """A pause by hand has none and is a person's business."""
    assert (host.fire().returncode, pooler.seen) == (0, [])


def test_a_pooler_that_hangs_is_asked_again(host: Host, pooler: FakePooler) -> None:
    pooler.deaf = True
    host.lease(OVER)
    done = host.fire()
    assert (done.returncode, host.file.exists()) == (1, True)
    assert "cannot resume the pool: PgBouncer did not answer" in done.stderr


def test_a_pooler_that_does_not_run_has_forgotten_the_pause(host: Host) -> None:
    host.lease(OVER)
    assert (host.fire().returncode, host.file.exists()) == (0, False)
