"""Where Debian keeps a cluster, and what lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import (
    Layout,
    data_state,
    detect_version,
    postmaster_pid,
)


def test_the_configured_data_directory_wins(tmp_path: Path) -> None:
    """The last setting counts, as in Postgres; a comment does not."""
    layout = Layout("17", "main", str(tmp_path))
    assert layout.data_directory() == tmp_path / "var/lib/postgresql/17/main"
    layout.config_dir.mkdir(parents=True)
    (layout.config_dir / "postgresql.conf").write_text(
        "data_directory = '/a'\n#data_directory = '/b'\ndata_directory '/c'\n"
    )
    assert layout.data_directory() == Path("/c")


@pytest.mark.parametrize(
    ("version", "places"),
    [
        (None, []),
        ("17", ["etc/postgresql/15/main", "etc/postgresql/17/main"]),
        ("9", ["etc/postgresql/9/main"]),
        ("17", ["etc/postgresql/9/main", "etc/postgresql/17/main"]),
        ("15", ["etc/postgresql/17/other", "etc/postgresql/15/main"]),
        ("16", ["var/lib/postgresql/16/main"]),
    ],
)
def test_the_newest_version_that_has_the_cluster(tmp_path: Path, version: str | None, places: list[str]) -> None:
    """By number, and only where this cluster is."""
    for place in places:
        (tmp_path / place).mkdir(parents=True)
    assert detect_version("main", str(tmp_path)) == version


@pytest.mark.parametrize(
    ("state", "content"),
    [
        ("absent", None),
        ("absent", {}),
        ("absent", {"lost+found/x": ""}),
        ("initialized", {"PG_VERSION": "17\n", "global/pg_control": "x"}),
        ("foreign", {"PG_VERSION": "15\n", "global/pg_control": "x"}),
        ("foreign", {"PG_VERSION": "17\n"}),
        ("foreign", {"photo.jpg": "x"}),
    ],
)
def test_what_a_data_directory_holds(tmp_path: Path, state: str, content: dict[str, str] | None) -> None:
    """Only an empty one is free to use."""
    directory = tmp_path / "main"
    for name, text in (content or {}).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    if content == {}:
        directory.mkdir()
    assert data_state(directory, "17") == state


@pytest.mark.parametrize("text", ["", "x\n", "999999999\n", "1\n"])
def test_a_stale_pid_file_is_no_server(tmp_path: Path, text: str) -> None:
    """After a crash the file stays, and its number may belong to somebody else (here: to init)."""
    (tmp_path / "postmaster.pid").write_text(text)
    assert postmaster_pid(tmp_path) is None
