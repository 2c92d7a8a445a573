"""The lock on a host, with real files and processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import LockFile, look, process_began

ANNA, BERT = {"who": "anna"}, {"who": "bert"}
ROOT = Path(__file__).parents[5]
HOLD = """
import sys
from pathlib import Path
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import LockFile
print(LockFile(Path(sys.argv[1])).take({"who": "anna"})["held"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lock file that does not exist yet, in a folder that does not either."""
    return tmp_path / "run" / "runbook.lock"


def test_one_at_a_time_and_the_other_learns_who(path: Path) -> None:
    """Until it is let go."""
    first, second = LockFile(path), LockFile(path)
    assert first.take(ANNA) == {"held": True, "holder": ANNA}
    assert second.take(BERT) == {"held": False, "holder": ANNA}
    assert look(path) == ANNA
    first.release()
    assert look(path) is None
    assert second.take(BERT) == {"held": True, "holder": BERT}
    assert path.stat().st_mode & 0o777 == 0o600


def test_taking_it_again_is_content(path: Path) -> None:
    """The same agent asked twice."""
    lock = LockFile(path)
    assert lock.take(ANNA)["held"] and lock.take(ANNA)["held"]
    lock.release()
    lock.release()


def test_looking_takes_nothing(path: Path) -> None:
    """Neither without a file nor with one."""
    assert look(path) is None
    assert not path.exists()


def test_a_killed_holder_blocks_nobody_and_is_not_named(path: Path) -> None:
    """Its text stays behind; the lock does not."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"True\n"
        assert LockFile(path).take(BERT) == {"held": False, "holder": ANNA}
        process.kill()
        process.wait()
        assert json.loads(path.read_text())["holder"] == ANNA
        assert look(path) is None
        assert LockFile(path).take(BERT)["held"]


def test_a_holder_that_is_about_to_say_its_name_is_waited_for(path: Path) -> None:
    """What stands there from an earlier run is not taken for the holder's name."""
    first = LockFile(path)
    first.take(ANNA)
    name = path.read_text()
    path.write_text(json.dumps({"holder": BERT, "agent": {"pid": os.getpid(), "began": "0"}}))
    threading.Timer(0.1, path.write_text, args=(name,)).start()
    assert LockFile(path).take(BERT) == {"held": False, "holder": ANNA}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"holder": {"who": "x"}}', '{"agent": {"pid": 1, "began": ""}}'])
def test_damaged_text_names_nobody(path: Path, text: str) -> None:
    """It is no holder, and no error."""
    path.parent.mkdir()
    path.write_text(text)
    assert look(path) is None


def test_when_a_process_began() -> None:
    """A number for a living one, nothing for one that has ended, reaped or not."""
    assert process_began(os.getpid()).isdigit()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process_began(process.pid) == ""
    assert process_began(process.pid) == ""
