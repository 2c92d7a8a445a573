# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host has of the transport that pgBackRest goes over: keys for SSH, and files of either kind.

The files are the role's own. A key that a host was let in with is read back from them, so that a run on some hosts
forgets none of the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common import openssh
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner

SSH = "etc/pgbackrest/ssh"
# What one transport leaves on a host, and the other has no use for.
LEFT = {
    "tls": ("etc/pgbackrest/tls", "etc/systemd/system/pgbackrest.service.d/ha_recovery.conf"),
    "ssh": (SSH, "etc/ssh/sshd_config.d/ha_recovery_pgbackrest.conf"),
}


def known_hosts(text: str) -> dict[str, list[str]]:
    """Host name to the keys that its SSH server is known by."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and not line.startswith("#"):
            found.setdefault(words[3], []).append(f"{words[1]} {words[2]}")
    return found


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def transports(root: str = "/") -> list[str]:
    """The transports of which something is on this host."""
    return [name for name, paths in LEFT.items() if any(Path(root, path).exists() for path in paths)]


def look(runner: Runner, root: str = "/") -> dict[str, Any]:
    """{public_key of this host's user, host_keys of its server, authorized, known_hosts}."""
    etc = Path(root, SSH)
    return {
        "public_key": " ".join(_read(etc / "id_ed25519.pub").split()[:2]),
        "host_keys": openssh.host_keys(runner, root),
        "authorized": openssh.authorized(_read(etc / "authorized_keys")),
        "known_hosts": known_hosts(_read(etc / "known_hosts")),
    }
