# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of SSH: those of this host's server, and those that roles let in."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner


def host_keys(runner: Runner, root: str = "/") -> list[str]:
    """Its public keys, ``ssh-ed25519 AAAA…``. Of the private ones: a host may have no copies of the public ones."""
    private = sorted(Path(root, "etc/ssh").glob("ssh_host_*_key"))
    public = [runner.run(["ssh-keygen", "-y", "-P", "", "-f", str(one)], timeout=10) for one in private]
    return [" ".join(one.stdout.split()[:2]) for one in public if one.ok]


def authorized(text: str) -> dict[str, str]:
    """Host name to public key, out of an authorized_keys file that a role wrote (sshd(8))."""
    found = {}
    for line in text.splitlines():
        key = re.search(r'" (ssh-\S+ \S+) (\S+)$', line)
        if line.startswith("restrict,") and key:
            found[key[2]] = key[1]
    return found
