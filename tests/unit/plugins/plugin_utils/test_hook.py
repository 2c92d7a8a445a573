"""Fencing from outside: real commands on this machine, and a management host that is made up."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.fencing import Way
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.hook import fence_from_outside, hook_for, local, remote


def way(command: str, status: str = "", **more: Any) -> Way:
    """Shell scripts, for brevity."""
    words = ("sh", "-c", status) if status else ()
    return Way(method="command", command=("sh", "-c", command), status_command=words, **{"timeout": 20.0, **more})


def run(one: Way) -> dict[str, Any]:
    """On this machine."""
    return fence_from_outside(one, local(one, HostRunner()))


@pytest.mark.parametrize(
    ("proven", "detail", "one"),
    [
        (True, "the command ended well", way("true")),
        (False, "the command failed: no way", way("echo no way >&2; exit 3")),
        (False, "no answer within 0.2 s", way("sleep 30", timeout=0.2)),
        (True, "the status command says", way("true", "true")),
        (True, "the status command says", way("false", "true")),
        (False, "within 0.3 s nothing proved that it is off", way("true", "false", timeout=0.3)),
        (False, "and the command failed: bad", way("echo bad; false", "false", timeout=0.3)),
        (False, "the command failed: /no/such: command not found", Way("command", ("/no/such",))),
    ],
)
def test_what_is_proof(proven: bool, detail: str, one: Way) -> None:
    """The status command when there is one, else the command's own end."""
    answer = run(one)
    assert answer["proven"] is proven and detail in answer["detail"], answer
    assert answer["failed"] is not proven and answer["seconds"] < 20


def test_the_status_is_asked_until_it_proves_it(tmp_path: Path) -> None:
    """Power does not go at once."""
    assert run(way("true", f"test -e {tmp_path}/second || {{ touch {tmp_path}/second; false; }}"))["proven"]


def test_the_password_reaches_the_command_by_its_environment() -> None:
    """As ipmitool -E reads it."""
    assert run(way('test "$IPMI_PASSWORD" = s3cret', password="s3cret"))["proven"]


def test_by_host() -> None:
    """With what the record wants."""
    answer = hook_for({"pg1": way("echo no >&2; false")})("pg1")
    assert (answer["proven"], answer["failed"], answer["changed"]) == (False, True, True)
    assert answer["msg"] == "the command failed: no"
    assert abs(answer["started_at"] - time.time()) < 20


class Client:
    """paramiko's, made up."""

    def __init__(self) -> None:
        self.closed = False
        self.ran = ""

        self.known = ""
        self.cut = threading.Event()

    def load_system_host_keys(self) -> None:
        """Those of the user."""
        self.known = "user's"

    def load_host_keys(self, path: str) -> None:
        """Those of a file."""
        self.known = path

    def set_missing_host_key_policy(self, policy: object) -> None:
        """Must be the strict one."""
        assert policy == "reject"

    def connect(self, address: str, **login: Any) -> None:
        """By name."""
        if address == "away":
            raise TimeoutError
        if address == "stranger":
            raise ValueError("Server 'stranger' not found in known_hosts")
        assert login["username"] == "ha" and login["timeout"] == 20.0

    def exec_command(self, command: str, timeout: float) -> tuple[object, object, object]:
        """Ends with status 0 when it is virsh."""
        self.ran = command
        code = 0 if command.startswith("virsh") else 1

        def status() -> int:
            # paramiko: as soon as the command ends, or the connection is closed, and not a moment earlier.
            if command == "stuck":
                self.cut.wait(10)
            return -1 if command == "stuck" else code

        out = SimpleNamespace(read=lambda: b"said", channel=SimpleNamespace(recv_exit_status=status))
        return None, out, SimpleNamespace(read=lambda: b"complained")

    def close(self) -> None:
        """Always."""
        self.closed = True
        self.cut.set()


@pytest.mark.parametrize(
    ("address", "command", "proven", "detail"),
    [
        ("hv1", ("virsh", "destroy", "pg 1"), True, "ended well"),
        ("hv1", ("other",), False, "complained"),
        ("away", ("virsh",), False, "away: no answer within 20 s"),
        ("stranger", ("virsh",), False, "not found in known_hosts"),
    ],
)
def test_a_management_host(
    address: str, command: Sequence[str], proven: bool, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key has to be known; words stay words; whatever happens, it is an answer."""
    client = Client()
    made = SimpleNamespace(SSHClient=lambda: client, RejectPolicy=lambda: "reject", SSHException=ValueError)
    monkeypatch.setitem(sys.modules, "paramiko", made)
    one = Way("ssh", tuple(command), address=address, user="ha", timeout=20.0)
    answer = fence_from_outside(one, remote(one))
    assert answer["proven"] is proven and detail in answer["detail"]
    assert client.closed
    assert client.ran in ("", "other", "virsh destroy 'pg 1'")
    assert client.known == "user's"


def made_up(monkeypatch: pytest.MonkeyPatch) -> Client:
    """In place of paramiko's."""
    client = Client()
    made = SimpleNamespace(SSHClient=lambda: client, RejectPolicy=lambda: "reject", SSHException=ValueError)
    monkeypatch.setitem(sys.modules, "paramiko", made)
    return client


def test_only_the_hosts_of_the_file_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the user's besides."""
    client = made_up(monkeypatch)
    one = Way("ssh", ("virsh",), address="hv1", user="ha", timeout=20.0, known_hosts_file="/etc/ha/hosts")
    assert remote(one)(("virsh",), 20.0).ok
    assert client.known == "/etc/ha/hosts"


def test_a_command_that_does_not_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """It closed its output and goes on: no time limit of paramiko's covers that."""
    client = made_up(monkeypatch)
    monkeypatch.setattr(client, "connect", lambda address, **login: None)
    began = time.monotonic()
    done = remote(Way("ssh", ("stuck",), address="hv1"))(("stuck",), 0.2)
    assert done.timed_out and "no answer within 0.2 s" in done.reason
    assert time.monotonic() - began < 5


def test_whatever_happens_there_is_a_word() -> None:
    """The runbook waits for it."""
    answer = hook_for({})("pg1")
    assert answer["proven"] is False and "could not be tried: KeyError" in answer["msg"]


def test_a_status_that_ends_well_and_says_on_is_no_proof() -> None:
    """ipmitool's exit status is about the question, not about the power."""
    one = Way("ipmi", address="192.0.2.31", user="ha", password="x", timeout=0.2)
    answers = {
        "off": Completed(0, "Chassis Power Control: Down/Off", ""),
        "status": Completed(0, "Chassis Power is on", ""),
    }
    assert fence_from_outside(one, lambda argv, _timeout: answers[argv[-1]])["proven"] is False
    answers["status"] = Completed(0, "Chassis Power is off\n", "")
    assert fence_from_outside(one, lambda argv, _timeout: answers[argv[-1]])["proven"] is True
