"""The ssh command is the one that Ansible would use, and never carries a secret."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import (
    ConnectionRefused,
    connection_of,
)

BASE = {"ansible_host": "192.0.2.21", "ansible_user": "operator"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (BASE, ["-p 22", "-l operator", "-- 192.0.2.21", "sudo -H -n -- /usr/bin/python3"]),
        ({**BASE, "ansible_port": 2222}, ["-p 2222"]),
        ({**BASE, "ansible_ssh_private_key_file": "/k"}, ["-i /k"]),
        ({**BASE, "ansible_ssh_common_args": "-o ProxyJump=gate"}, ["-o ProxyJump=gate"]),
        ({**BASE, "ansible_ssh_args": "-C"}, ["ssh -C"]),
        ({**BASE, "ansible_ssh_executable": "/opt/ssh"}, ["/opt/ssh "]),
        ({**BASE, "ansible_become_password": "s3cret"}, ["sudo -H -S -k -p '' --"]),
        ({"ansible_host": "h", "ansible_user": "root"}, ["-- h /usr/bin/python3 -I -S -c"]),
        ({**BASE, "ansible_become": False}, ["-- 192.0.2.21 /usr/bin/python3 -I -S -c"]),
        ({}, ["-- pg1 sudo"]),
    ],
)
def test_argv(variables: dict[str, Any], expected: list[str]) -> None:
    """Each variable has its place."""
    command = " ".join(connection_of("pg1", variables, ssh_args="-o ControlMaster=auto").argv())
    for part in expected:
        assert part in command
    assert "s3cret" not in command
    assert ("ControlMaster" in command) == ("ansible_ssh_args" not in variables)


@pytest.mark.parametrize(
    ("variables", "direct"),
    [
        (BASE, True),
        ({**BASE, "ansible_ssh_common_args": "-J gate"}, False),
        ({**BASE, "ansible_ssh_extra_args": "-o ProxyCommand='nc %h %p'"}, False),
    ],
)
def test_direct(variables: dict[str, Any], direct: bool) -> None:
    """Behind a jump host the host's own port cannot be asked."""
    assert connection_of("pg1", variables).direct is direct


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"ansible_connection": "containers.podman.podman"}, "ansible_connection is containers.podman.podman"),
        ({"ansible_password": "s3cret"}, "ansible_password is set; allowed: a key"),
        ({"ansible_become_method": "doas"}, "ansible_become_method is doas; allowed: sudo"),
    ],
)
def test_refused(variables: dict[str, Any], says: str) -> None:
    """What sessions cannot do is said, not tried."""
    with pytest.raises(ConnectionRefused, match=says) as refused:
        connection_of("pg1", variables)
    assert "s3cret" not in str(refused.value)


def test_the_password_is_not_shown() -> None:
    """Not even in a traceback."""
    assert "s3cret" not in repr(connection_of("pg1", {"ansible_become_password": "s3cret"}))
