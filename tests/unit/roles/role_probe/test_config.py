"""A configuration that cannot work is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from role_probe.cli import main
from role_probe.config import ConfigError, parse
from role_probe_samples import SETTINGS


def test_defaults_make_a_working_configuration() -> None:
    """Five keys are enough."""
    config = parse(
        {key: SETTINGS[key] for key in ("name", "cluster_name", "listen_address", "port", "allowed_clients")}
    )
    assert config.refresh_interval <= 0.5, "at least twice a second"
    assert config.max_age >= config.refresh_interval + config.query_timeout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prot": 1}, "unknown key prot"),
        ({"port": 0}, "port is 0; allowed is 1 to 65535"),
        ({"port": "8008"}, "port is '8008'; it must be a whole number"),
        ({"port": True}, "port is True; it must be a whole number"),
        ({"port": 80.5}, "port is 80.5; it must be a whole number"),
        ({"refresh_interval": 0.6}, "refresh_interval is 0.6; allowed is 0.05 to 0.5"),
        ({"max_age": 0.6}, "max_age is 0.6; it must be at least refresh_interval + query_timeout (0.7)"),
        ({"peer_max_age": 0.8}, "peer_max_age is 0.8; it must be at least peer_interval + peer_timeout (0.9)"),
        ({"listen_address": "pg1"}, "listen_address is 'pg1'; it must be an IP address"),
        ({"allowed_clients": []}, "allowed_clients is empty"),
        ({"allowed_clients": ["10.0.0.1/8"]}, "has host bits set"),
        ({"allowed_clients": "10.0.0.0/8"}, "must be a list"),
        ({"peers": [{"name": "pg2"}]}, "must have exactly name, address and port"),
        ({"peers": [{"name": "pg2", "address": "pg2", "port": 8008}]}, "address of pg2 is 'pg2'"),
        ({"name": ""}, "name is empty"),
        ({"socket_directory": 5}, "socket_directory is 5; it must be a string"),
    ],
)
def test_refusals(change: dict[str, Any], said: str) -> None:
    """The key, what it is and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        parse({**SETTINGS, **change})
    assert said in str(caught.value)


@pytest.mark.parametrize("key", ["name", "cluster_name", "listen_address", "port", "allowed_clients"])
def test_what_has_no_default_must_be_there(key: str) -> None:
    """No guessing."""
    with pytest.raises(ConfigError, match=f"{key} is missing"):
        parse({name: value for name, value in SETTINGS.items() if name != key})


@pytest.mark.parametrize(("text", "status"), [(json.dumps(SETTINGS), 0), ("{", 2), ("[]", 2)])
def test_check_config(text: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The template's validator: exit status 2 and one line that names the file."""
    file = tmp_path / "role_probe.json"
    file.write_text(text)
    assert main(["--check-config", str(file)]) == status
    assert (str(file) in capsys.readouterr().err) is bool(status)
