"""Which files the module's parameters stand for."""

from __future__ import annotations

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.modules.postgresql_config import wanted_files

ETC = "/etc/postgresql/17/main"


def test_secrets_belong_to_postgres_inside_and_to_root_outside() -> None:
    """Their mode is 0600, whatever is asked for."""
    files = wanted_files(
        {
            "files": [{"path": f"{ETC}/pg_hba.conf", "content": "x", "mode": "0640", "owner": "postgres"}],
            "secrets": {f"{ETC}/replication.pgpass": "a", "/etc/ha_recovery/verify.pgpass": "b"},
        },
        Layout("17", "main"),
    )
    assert [(item.path.rpartition("/")[2], item.mode, item.owner, item.secret) for item in files] == [
        ("pg_hba.conf", 0o640, "postgres", False),
        ("replication.pgpass", 0o600, "postgres", True),
        ("verify.pgpass", 0o600, "root", True),
    ]
