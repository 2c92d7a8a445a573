"""Keepalived's dump of itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._keepalived.dump import (
    DumpError,
    Instance,
    instance_of,
    parse_dump,
)


def dump(**changes: Any) -> list[dict[str, Any]]:
    """One instance as Keepalived 2.2.7 and 2.3.3 write it, shortened."""
    data = {
        "iname": "orders", "ifp_ifname": "eth0", "base_priority": 150, "effective_priority": 150, "state": 2,
        "vips": ["192.0.2.100/24 dev eth0 scope global set"], **changes,
    }  # fmt: skip
    return [{"data": data, "stats": {"advert_sent": 7}}]


@pytest.mark.parametrize(
    ("number", "state"), [(0, "INIT"), (1, "BACKUP"), (2, "MASTER"), (3, "FAULT"), (98, "UNKNOWN")]
)
def test_each_state_has_its_name(number: int, state: str) -> None:
    (instance,) = parse_dump(json.dumps(dump(state=number)))
    assert instance == Instance("orders", state, "eth0", 150, 150, ("192.0.2.100",))


def test_both_forms_of_the_dump_are_read() -> None:
    assert parse_dump(json.dumps(dump())) == parse_dump(json.dumps({"vrrp": dump(), "track_process": []}))


@pytest.mark.parametrize("text", ["", '[{"data": {"iname": "ord', "{}", '[{"stats": {}}]', "[1]"])
def test_half_a_dump_is_an_error(text: str) -> None:
    with pytest.raises(DumpError):
        parse_dump(text)


def test_the_instance_is_found_by_its_address() -> None:
    instances = parse_dump(json.dumps(dump(iname="other", vips=["192.0.2.10/24"]) + dump()))
    assert instance_of(instances, "192.0.2.100").name == "orders"
    with pytest.raises(DumpError, match=r"looks after 192\.0\.2\.1; it has other \(192\.0\.2\.10\), orders"):
        instance_of(instances, "192.0.2.1")
