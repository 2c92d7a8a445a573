"""Filters turn refusals into Ansible's errors and never repeat a secret."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.sre.ha_recovery.plugins.filter.postgresql_hba import FilterModule as HbaModule
from ansible_collections.sre.ha_recovery.plugins.filter.postgresql_hba import postgresql_hba
from ansible_collections.sre.ha_recovery.plugins.filter.postgresql_settings import postgresql_settings
from ansible_collections.sre.ha_recovery.plugins.filter.scram_sha_256 import scram_sha_256

HOST: dict[str, Any] = {
    "memory_bytes": 8 * 1024**3,
    "disk_bytes": 100 * 1024**3,
    "names": ["pg1", "pg2"],
    "mode": "sync",
    "max_connections": 200,
    "tls_directory": "/t",
}


def test_settings_are_derived_shared_and_overridden() -> None:
    """In that order; the last one wins."""
    lines = postgresql_settings({"shared_buffers": "1GB", "jit": False}, **HOST).splitlines()
    assert "shared_buffers = '1GB'" in lines
    assert "jit = off" in lines
    assert "wal_log_hints = on" in lines
    assert "max_slot_wal_keep_size = '20480MB'" in lines
    assert 'synchronous_standby_names = \'ANY 1 ("pg1","pg2")\'' in lines


def test_a_refused_setting_is_ansibles_error() -> None:
    """With the variable's name."""
    with pytest.raises(AnsibleFilterError, match="postgresql_settings: wal_level"):
        postgresql_settings({"wal_level": "minimal"}, **HOST)


def test_a_refused_rule_is_ansibles_error() -> None:
    """With the entry's number."""
    entry = {"database": "all", "user": "all", "address": "10.0.0.0/8", "method": "trust"}
    with pytest.raises(AnsibleFilterError, match=r"postgresql_hba_extra\[0\]"):
        postgresql_hba({"pg1": "192.0.2.21"}, {}, ["app"], [entry])
    assert HbaModule().filters() == {"postgresql_hba": postgresql_hba}


def test_a_refused_password_is_not_repeated() -> None:
    """The role is named instead."""
    with pytest.raises(AnsibleFilterError, match="orders/app") as refusal:
        scram_sha_256("pässword", salt_from="orders/app")
    assert "pässword" not in str(refusal.value)
