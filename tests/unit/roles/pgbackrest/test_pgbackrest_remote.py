"""The forced command of a pgBackRest key: what it admits, and what it refuses."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "collections/ha_recovery/roles/pgbackrest/files/pgbackrest_remote.py"
spec = importlib.util.spec_from_file_location("pgbackrest_remote", SCRIPT)
assert spec and spec.loader
remote = importlib.util.module_from_spec(spec)
spec.loader.exec_module(remote)

ASKED = "/usr/bin/pgbackrest --exec-id=1-a --process=0 --remote-type=repo --stanza=orders archive-push:remote"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ASKED, ASKED.split()),
        (ASKED.replace("/usr/bin/pgbackrest", "pgbackrest"), ASKED.split()),
        (ASKED.replace("--process=0", '"--log=/a b"'), [*ASKED.split()[:2], "--log=/a b", *ASKED.split()[3:]]),
        (ASKED.replace("--process=0", "--x='$(id)'"), [*ASKED.split()[:2], "--x=$(id)", *ASKED.split()[3:]]),
    ],
)
def test_what_is_admitted(wanted: str, expected: list[str]) -> None:
    """The program is always the package's, and no shell reads the words."""
    assert remote.admitted(wanted, "repo", "orders") == expected


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("", "it is not pgbackrest"),
        ("bash -i", "it is not pgbackrest"),
        ("/home/pgbackrest --stanza=orders x:remote", "it is not pgbackrest"),
        ("pgbackrest 'x", "No closing quotation"),
        (ASKED.replace(":remote", ""), "no command of the other side"),
        (f"{ASKED}; id", "no command of the other side"),
        (f"{ASKED} && id:remote", "archive-push:remote is no option"),
        (ASKED.replace("--process=0", "--cmd-ssh=/x"), "--cmd-ssh is no option"),
        (ASKED.replace("--process=0", "--config=/x"), "--config is no option"),
        (ASKED.replace("--process=0", "--config-include-path=/x"), "--config-include-path is no option"),
        (ASKED.replace("--process=0", "--no-config"), "--no-config is no option"),
        (ASKED.replace("--process=0", "--pg1-host=other"), "--pg1-host is no option"),
        (ASKED.replace("--process=0", "--repo2-host-cmd=/x"), "--repo2-host-cmd is no option"),
        (ASKED.replace("repo", "pg"), "--remote-type is pg, expected repo"),
        (ASKED.replace("orders", "others"), "--stanza is others, expected orders"),
        (ASKED.replace("--stanza=orders ", ""), "--stanza is not given, expected orders"),
        (ASKED.replace("--process=0", "--stanza=others"), "--stanza is others, orders, expected orders"),
    ],
)
def test_what_is_refused(wanted: str, why: str) -> None:
    """In words that ssh shows to who asked."""
    with pytest.raises(remote.NotAdmitted, match=why):
        remote.admitted(wanted, "repo", "orders")


def test_the_program_says_why() -> None:
    """Isolated, as sshd runs it."""
    argv = [sys.executable, "-I", "-S", str(SCRIPT), "pg", "orders"]
    done = subprocess.run(
        argv, env={"SSH_ORIGINAL_COMMAND": "id"}, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 1 and done.stderr == "pgbackrest_remote: refused: it is not pgbackrest\n"
