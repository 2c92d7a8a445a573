"""The standby's restore_command: it asks the archive only when streaming has been away for a while."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "collections/ha_recovery/roles/pgbackrest/files/pgbackrest_get.sh"


def ask(
    tmp_path: Path, *, since: float | None, last: float, rc: int = 0, hung: float | None = None
) -> tuple[int, bool]:
    """(status, archive was asked) when a spell of asking began ``since`` and was last asked ``last`` seconds ago.

    ``hung``: seconds since a call of the archive took too long.
    """
    asked, called, stuck = tmp_path / "asked_since", tmp_path / "called", tmp_path / "hung_since"
    if hung is not None:
        stuck.touch()
        os.utime(stuck, (time.time() - hung,) * 2)
    program = tmp_path / "pgbackrest"
    program.write_text(f"#!/bin/sh\ntouch {called}\nexit {rc}\n")
    program.chmod(0o755)
    if since is not None:
        asked.write_text(f"{int(time.time() - since)}\n")
        os.utime(asked, (time.time() - last,) * 2)
    script = tmp_path / "get"
    script.write_text(SCRIPT.read_text().replace("/run/pgbackrest", str(tmp_path)))
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/sh", script, "orders", "f", "t"], env=environment, check=False, timeout=20)
    return done.returncode, called.exists()


@pytest.mark.parametrize(
    ("since", "last", "rc", "expected"),
    [
        (None, 0.0, 0, (1, False)),
        (4.0, 1.0, 0, (1, False)),
        (30.0, 1.0, 0, (0, True)),
        (30.0, 1.0, 1, (1, True)),
        (3000.0, 60.0, 0, (1, False)),
        # 127 would end the standby.
        (30.0, 1.0, 127, (1, True)),
    ],
)
def test_when_the_archive_is_asked(
    tmp_path: Path, since: float | None, last: float, rc: int, expected: tuple[int, bool]
) -> None:
    assert ask(tmp_path, since=since, last=last, rc=rc) == expected


@pytest.mark.parametrize(("hung", "asked"), [(None, True), (5.0, False), (58.0, False), (61.0, True)])
def test_an_archive_that_hung_is_left_alone_for_a_minute(tmp_path: Path, hung: float | None, asked: bool) -> None:
    """A promotion asks for several files; it must not wait for each of them."""
    assert ask(tmp_path, since=30.0, last=1.0, hung=hung) == (0 if asked else 1, asked)


def test_a_call_that_takes_too_long_is_remembered(tmp_path: Path) -> None:
    """timeout(1) says so with 124."""
    assert ask(tmp_path, since=30.0, last=1.0, rc=124) == (1, True)
    (tmp_path / "called").unlink()
    assert ask(tmp_path, since=31.0, last=1.0) == (1, False)
