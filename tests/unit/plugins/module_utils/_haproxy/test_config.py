"""Reading the servers out of a haproxy.cfg."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.config import ConfiguredServer, parse_servers


def one(line: str, before: str = "backend app") -> ConfiguredServer:
    (found,) = parse_servers(f"{before}\n    {line}\n")
    return found


@pytest.mark.parametrize(
    ("line", "address", "port", "weight", "checked"),
    [
        ("server pg1 192.0.2.21:5432", "192.0.2.21", 5432, 1, False),
        ("server pg1 192.0.2.21:5432 check", "192.0.2.21", 5432, 1, True),
        ("server pg1 192.0.2.21:5432 weight 7 check port 8008", "192.0.2.21", 5432, 7, True),
        ("server pg1 192.0.2.21:5432 check no-check", "192.0.2.21", 5432, 1, False),
        ("server pg1 ipv4@192.0.2.21:5432 check", "192.0.2.21", 5432, 1, True),
        ("server pg1 [2001:db8::1]:5432", "2001:db8::1", 5432, 1, False),
        ("server pg1 192.0.2.21", "192.0.2.21", 0, 1, False),
        ("server pg1 192.0.2.21:5432 # check", "192.0.2.21", 5432, 1, False),
    ],
)
def test_a_server_line(line: str, address: str, port: int, weight: int, checked: bool) -> None:
    assert one(line) == ConfiguredServer("app", "pg1", address, port, weight, checked)


@pytest.mark.parametrize(
    ("before", "checked", "weight"),
    [
        ("backend app\n default-server check weight 5", True, 5),
        ("defaults\n default-server check\nbackend app", True, 1),
        ("defaults\n default-server check\ndefaults\nbackend app", False, 1),
        ("backend other\n default-server check\nbackend app", False, 1),
        ("defaults\n default-server check\nbackend app\n default-server no-check", False, 1),
    ],
)
def test_default_server_is_inherited(before: str, checked: bool, weight: int) -> None:
    found = one("server pg1 192.0.2.21:5432", before)
    assert (found.checked, found.weight) == (checked, weight)


def test_servers_outside_of_backends_and_odd_lines_are_not_servers() -> None:
    text = "global\n server x 192.0.2.1:1\nfrontend f\n http-request deny it's\nlisten l\n server y 192.0.2.2:2\n"
    assert [(s.backend, s.server) for s in parse_servers(text)] == [("l", "y")]
