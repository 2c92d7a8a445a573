"""Clock, rights, certificates and disks of a host, and what is said where they cannot be had."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.host_facts import (
    Clock,
    expiry_of,
    read_certificates,
    read_disk,
    read_privilege,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.balancer_facts import balancer_facts


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("notAfter=Jan  1 00:00:00 2030 GMT\n", 1893456000),
        ("notAfter=Foo 30 00:00:00 2030 GMT\n", None),
        ("unable to load certificate\n", None),
        ("", None),
    ],
)
def test_when_a_certificate_ends(text: str, seconds: int | None) -> None:
    """As openssl prints it; anything else is not known."""
    assert expiry_of(text) == seconds


def test_certificates_are_read(tmp_path: Path) -> None:
    """A real one, one that is none, and one that is not there."""
    good, bad = tmp_path / "good.crt", tmp_path / "bad.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9",
         "-subj", "/CN=pg1", "-keyout", str(tmp_path / "key"), "-out", str(good)],
        check=True, capture_output=True,
    )  # fmt: skip
    bad.write_text("nothing\n")
    seen = read_certificates(HostRunner(), [good, bad, tmp_path / "absent.crt"])
    clock = Clock().read()
    assert round((seen[0]["expires_at"] - clock["last"]) / 86400) == 9 and seen[0]["error"] is None
    assert seen[1]["expires_at"] is None and seen[1]["error"]
    assert (seen[2]["expires_at"], seen[2]["error"]) == (None, "it is not there")
    assert read_certificates(HostRunner(), []) == []


def test_a_disk_is_that_of_the_nearest_directory(tmp_path: Path) -> None:
    """A data directory that is not there yet has its disk already."""
    seen, parent = read_disk(tmp_path / "not" / "yet"), read_disk(tmp_path)
    assert seen["device"] == parent["device"] and seen["total_bytes"] == parent["total_bytes"] > seen["free_bytes"] > 0


class Became:
    """A runner in which becoming somebody else ends like this."""

    def __init__(self, done: Completed) -> None:
        self.done = done

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """The same for everybody."""
        return self.done


@pytest.mark.parametrize(
    ("user", "error", "done"),
    [
        (True, None, Completed(0, "postgres\n", "")),
        (False, "setpriv: failed", Completed(1, "", "setpriv: failed")),
        (False, "root", Completed(0, "root\n", "")),
    ],
)
def test_becoming_somebody_is_tried(user: bool, error: str | None, done: Completed) -> None:
    """The answer must be that user's name."""
    seen = read_privilege(Became(done), lambda name, argv: [name, *argv], "postgres")
    assert (seen["user"], seen["error"]) == (user, error)


def test_a_load_balancer_tells_of_itself(tmp_path: Path) -> None:
    """No certificate is an answer: not every load balancer has one."""
    seen = balancer_facts(HostRunner(), host="lb1", root=str(tmp_path))
    assert (seen["host"], seen["certificates"], seen["privilege"]["user"]) == ("lb1", [], None)
    assert seen["disks"][0]["free_bytes"] > 0 and seen["clock"]["first"] <= seen["clock"]["last"]
    (tmp_path / "etc/pgbouncer/tls").mkdir(parents=True)
    (tmp_path / "etc/pgbouncer/tls/server.crt").write_text("nothing")
    assert len(balancer_facts(HostRunner(), host="lb1", root=str(tmp_path))["certificates"]) == 1
