"""What the lab is called and where it is: the same names as molecule/default/vars/lab.yml and inventories/lab."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ADDRESSES = {"lb1": 11, "lb2": 12, "pg1": 21, "pg2": 22, "pg3": 23, "backup1": 31}
DATABASE_HOSTS = ("pg1", "pg2", "pg3")
REPOSITORY_HOST = "backup1"
HOSTS_WITH_DISK = (*DATABASE_HOSTS, REPOSITORY_HOST)
VIP = 100


@dataclass(frozen=True)
class Lab:
    """One lab: its name, the third octet of its network, and where it keeps its keys and secrets."""

    name: str = field(default_factory=lambda: os.environ.get("HA_LAB") or "ha")
    octet: int = field(default_factory=lambda: int(os.environ.get("HA_LAB_OCTET") or 0))

    @property
    def state(self) -> Path:
        """The lab's folder of keys, secrets and disks."""
        return Path("/var/lib/ha_recovery_lab") / self.name

    @property
    def has_backups(self) -> bool:
        """Whether the inventory asks for backups by pgBackRest."""
        return "pgbackrest" in os.environ.get("HA_LAB_BACKUP", "").split(",")

    @property
    def vip(self) -> str:
        """The virtual IP address."""
        return f"10.87.{self.octet}.{VIP}"

    def address(self, host: str) -> str:
        """The address of ``host``; KeyError when the lab has no such host."""
        return f"10.87.{self.octet}.{ADDRESSES[host]}"

    def container(self, host: str) -> str:
        """The name podman knows ``host`` by."""
        if host not in ADDRESSES:
            raise KeyError(f"the lab has no host {host!r}; its hosts: {', '.join(ADDRESSES)}")
        return f"{self.name}-{host}"

    def secret(self, name: str) -> str:
        """One of the lab's secrets (replication, verify, app), made when the inventory was first read."""
        return (self.state / "secrets" / name).read_text().split()[0]

    def dsn(self, port: int = 5432, connect_timeout: int = 2) -> str:
        """A libpq DSN of the application database through the virtual IP (libpq, "Connection Strings").

        ``port``: 5432 is the pooler, 5000 HAProxy alone.
        """
        return (
            f"host={self.vip} port={port} dbname=app user=app password={self.secret('app')} "
            f"sslmode=require connect_timeout={connect_timeout}"
        )
