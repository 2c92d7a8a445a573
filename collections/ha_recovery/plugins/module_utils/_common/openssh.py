# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of this host's SSH server."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner


def host_keys(runner: Runner, root: str = "/") -> list[str]:
    """Its public keys, ``ssh-ed25519 AAAA…``. Of the private ones: a host may have no copies of the public ones."""
    private = sorted(Path(root, "etc/ssh").glob("ssh_host_*_key"))
    public = [runner.run(["ssh-keygen", "-y", "-P", "", "-f", str(one)], timeout=10) for one in private]
    return [" ".join(one.stdout.split()[:2]) for one in public if one.ok]
