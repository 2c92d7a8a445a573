# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Debian host keeps a Postgres cluster.

Source: postgresql-common's pg_createcluster(1): /etc/postgresql/<version>/<cluster>, the same below /var/lib,
/usr/lib/postgresql/<version>/bin and the unit postgresql@<version>-<cluster>.service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_DATA_DIRECTORY = re.compile(r"^\s*data_directory\s*=?\s*'([^']+)'", re.MULTILINE)


@dataclass(frozen=True)
class Layout:
    """Paths and names of one cluster. ``root`` is '/' on a host and a temporary directory in tests."""

    version: str
    cluster: str = "main"
    root: str = "/"

    @property
    def bin_dir(self) -> Path:
        """Server and client programs of this major version."""
        return Path(self.root, "usr/lib/postgresql", self.version, "bin")

    @property
    def config_dir(self) -> Path:
        """postgresql.conf, pg_hba.conf and conf.d; outside the data directory, so that no copy carries it away."""
        return Path(self.root, "etc/postgresql", self.version, self.cluster)

    @property
    def replication_conf(self) -> Path:
        """Whom this node follows; written by postgresql_follow only."""
        return self.config_dir / "conf.d" / "90-replication.conf"

    @property
    def degraded_conf(self) -> Path:
        """Present while synchronous replication is switched off because failover left no standby."""
        return self.config_dir / "conf.d" / "95-degraded.conf"

    @property
    def fence_marker(self) -> Path:
        """Present on a host that must not start Postgres until it is readmitted."""
        return self.config_dir / "fenced.json"

    @property
    def unit(self) -> str:
        """The systemd unit of this cluster."""
        return f"postgresql@{self.version}-{self.cluster}.service"

    @property
    def socket_dir(self) -> Path:
        """Directory of the server's local socket."""
        return Path(self.root, "var/run/postgresql")

    @property
    def default_data_directory(self) -> Path:
        """The data directory Debian gives a cluster unless its configuration says otherwise."""
        return Path(self.root, "var/lib/postgresql", self.version, self.cluster)

    def data_directory(self) -> Path:
        """The data directory that postgresql.conf names, or Debian's default."""
        try:
            text = (self.config_dir / "postgresql.conf").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return self.default_data_directory
        found = _DATA_DIRECTORY.findall(text)
        return Path(found[-1]) if found else self.default_data_directory

    def installed(self) -> bool:
        """True when the server program of this major version is there."""
        return (self.bin_dir / "postgres").exists()


def versions_with(base: Path, cluster: str) -> list[str]:
    """Major versions below ``base`` that have a directory for ``cluster``, newest first."""
    if not base.is_dir():
        return []
    names = [path.name for path in base.iterdir() if path.name.isdigit() and (path / cluster).is_dir()]
    return sorted(names, key=int, reverse=True)


def detect_version(cluster: str, root: str = "/") -> str | None:
    """The newest major version that has this cluster here: as configured, else as its data alone shows."""
    for place in ("etc/postgresql", "var/lib/postgresql"):
        found = versions_with(Path(root, place), cluster)
        if found:
            return found[0]
    return None


def data_state(directory: Path, version: str) -> str:
    """What lies in a data directory: 'absent' (or empty), 'initialized' for this major version, else 'foreign'."""
    try:
        content = {path.name for path in directory.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    content.discard("lost+found")
    if not content:
        return "absent"
    try:
        found = (directory / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return "foreign"
    return "initialized" if found == version and (directory / "global" / "pg_control").exists() else "foreign"


def postmaster_pid(directory: Path) -> int | None:
    """Process id of the server that runs on this data directory, or None; a crash's stale file does not count."""
    try:
        lines = (directory / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
        command = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except (OSError, ValueError, IndexError):
        return None
    return pid if command.startswith(("postgres", "postmaster")) else None
