"""How a host is fenced from outside, as its variables tell it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.fencing import FencingRefused, Way, off, way_of

IPMI = {"fencing_method": "ipmi", "fencing_address": "192.0.2.31", "fencing_user": "ha"}


@pytest.mark.parametrize(
    ("variables", "command", "status"),
    [
        ({}, (), ()),
        ({"fencing_method": "none", "fencing_command": "x"}, (), ()),
        ({"fencing_method": "command", "fencing_command": "/opt/off 'pg 1'"}, ("/opt/off", "pg 1"), ()),
        (
            {
                "fencing_method": "command",
                "fencing_command": ["/opt/off", 1],
                "fencing_status_command": "/opt/is-off pg1",
            },
            ("/opt/off", "1"),
            ("/opt/is-off", "pg1"),
        ),
        (
            {"fencing_method": "ssh", "fencing_address": "hv1", "fencing_command": "virsh destroy pg1"},
            ("virsh", "destroy", "pg1"),
            (),
        ),
        (
            IPMI | {"fencing_password": "s3cret"},
            ("ipmitool", "-I", "lanplus", "-H", "192.0.2.31", "-U", "ha", "-E", "chassis", "power", "off"),
            ("ipmitool", "-I", "lanplus", "-H", "192.0.2.31", "-U", "ha", "-E", "chassis", "power", "status"),
        ),
        (
            IPMI | {"fencing_password_file": "/etc/ha/bmc"},
            (
                "ipmitool",
                "-I",
                "lanplus",
                "-H",
                "192.0.2.31",
                "-U",
                "ha",
                "-f",
                "/etc/ha/bmc",
                "chassis",
                "power",
                "off",
            ),
            (
                "ipmitool",
                "-I",
                "lanplus",
                "-H",
                "192.0.2.31",
                "-U",
                "ha",
                "-f",
                "/etc/ha/bmc",
                "chassis",
                "power",
                "status",
            ),
        ),
    ],
)
def test_commands(variables: dict[str, Any], command: tuple[str, ...], status: tuple[str, ...]) -> None:
    """Word by word, without a shell."""
    assert way_of("pg1", variables).local == (command, status)


def test_the_password_is_in_the_environment_and_nowhere_else() -> None:
    """Not among the arguments, which everybody on the machine reads; not in what is printed."""
    way = way_of("pg1", IPMI | {"fencing_password": "s3cret"})
    assert way.environment == {"IPMI_PASSWORD": "s3cret"}
    assert "s3cret" not in repr(way) and not any("s3cret" in word for part in way.local for word in part)
    assert Way().environment == {}


@pytest.mark.parametrize(
    ("says", "variables"),
    [
        ("fencing_method is stonith; allowed: none, ssh, ipmi, command", {"fencing_method": "stonith"}),
        ("fencing_command is not set", {"fencing_method": "command"}),
        ("fencing_address, fencing_command is not set", {"fencing_method": "ssh"}),
        ("fencing_password_file (or fencing_password) is not set", IPMI),
        ("fencing_command is {'a': 1}; expected a command", {"fencing_method": "command", "fencing_command": {"a": 1}}),
        ("fencing_timeout is 'soon'", IPMI | {"fencing_password": "x", "fencing_timeout": "soon"}),
    ],
)
def test_what_cannot_work_is_refused(says: str, variables: dict[str, Any]) -> None:
    """Host, variable, value and what is allowed."""
    with pytest.raises(FencingRefused) as told:
        way_of("pg1", variables)
    assert str(told.value).startswith("pg1: ") and says in str(told.value)


@pytest.mark.parametrize(
    ("method", "output", "proven"),
    [
        ("ipmi", "Chassis Power is off\n", True),
        ("ipmi", "Chassis Power is on\n", False),
        ("ipmi", "", False),
        ("command", "", True),
        ("ssh", "running", True),
    ],
)
def test_what_a_status_command_proves(method: str, output: str, proven: bool) -> None:
    """ipmitool ends well when the power is on, too; other commands say it by their exit status."""
    assert off(method, output) is proven


def test_the_management_host_s_key_may_be_in_a_file_of_its_own() -> None:
    """Else it is among the user's."""
    ssh = {"fencing_method": "ssh", "fencing_address": "hv1", "fencing_command": "virsh destroy pg1"}
    assert way_of("pg1", ssh).known_hosts_file == ""
    assert way_of("pg1", ssh | {"fencing_known_hosts_file": "/etc/ha/hosts"}).known_hosts_file == "/etc/ha/hosts"
