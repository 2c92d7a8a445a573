"""What a host has of the transport that pgBackRest goes over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import openssh
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import transport

AUTHORIZED = """# made by Ansible
restrict,from="10.87.0.21",command="/usr/bin/python3 -I -S /x/pgbackrest_remote repo orders" ssh-ed25519 AAAA1 pg1
restrict,command="/usr/bin/python3 -I -S /x/pgbackrest_remote repo orders" ssh-ed25519 AAAA2 pg2
ssh-ed25519 AAAA3 somebody
command="/bin/true" ssh-ed25519 AAAA4 pg4
"""
KNOWN = """# made by Ansible: a b c
10.87.0.21 ssh-ed25519 BBBB1 pg1
10.87.0.21 ssh-rsa BBBB2 pg1
[10.87.0.22]:2222 ssh-ed25519 BBBB3 pg2
10.87.0.23 ssh-ed25519 BBBB4
"""


class Host:
    """Answers of ssh-keygen; the RSA key cannot be read."""

    def run(self, argv: Sequence[str], *, timeout: float, **_: Any) -> Completed:
        """One call."""
        assert timeout and argv[:4] == ["ssh-keygen", "-y", "-P", ""]
        return Completed(1, "", "bad") if "rsa" in argv[-1] else Completed(0, "ssh-ed25519 CCCC root@host\n", "")


def test_who_is_let_in() -> None:
    """Only the role's own lines."""
    assert openssh.authorized(AUTHORIZED) == {"pg1": "ssh-ed25519 AAAA1", "pg2": "ssh-ed25519 AAAA2"}


def test_who_is_known() -> None:
    """By the name behind the key."""
    assert transport.known_hosts(KNOWN) == {
        "pg1": ["ssh-ed25519 BBBB1", "ssh-rsa BBBB2"],
        "pg2": ["ssh-ed25519 BBBB3"],
    }


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], []),
        (["etc/pgbackrest/tls/server.key"], ["tls"]),
        (["etc/systemd/system/pgbackrest.service.d/ha_recovery.conf"], ["tls"]),
        (["etc/pgbackrest/ssh/id_ed25519"], ["ssh"]),
        (["etc/ssh/sshd_config.d/ha_recovery_pgbackrest.conf", "etc/pgbackrest/tls/ca.crt"], ["tls", "ssh"]),
    ],
)
def test_what_is_left_of_a_transport(tmp_path: Path, paths: list[str], expected: list[str]) -> None:
    """Any file of it."""
    for one in paths:
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one).touch()
    assert transport.transports(str(tmp_path)) == expected


def test_keys_of_a_host(tmp_path: Path) -> None:
    """An empty host first, then one with all files."""
    assert transport.look(Host(), str(tmp_path)) == {
        "public_key": "", "host_keys": [], "authorized": {}, "known_hosts": {}
    }  # fmt: skip
    etc = tmp_path / "etc/pgbackrest/ssh"
    etc.mkdir(parents=True)
    (etc / "id_ed25519.pub").write_text("ssh-ed25519 DDDD pgbackrest\n")
    (etc / "authorized_keys").write_text(AUTHORIZED)
    (etc / "known_hosts").write_text(KNOWN)
    (tmp_path / "etc/ssh").mkdir()
    for kind in ("ed25519", "rsa"):
        (tmp_path / f"etc/ssh/ssh_host_{kind}_key").touch()
    found = transport.look(Host(), str(tmp_path))
    assert found["public_key"] == "ssh-ed25519 DDDD" and found["host_keys"] == ["ssh-ed25519 CCCC"]
    assert set(found["authorized"]) == set(found["known_hosts"]) == {"pg1", "pg2"}
