# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a run's keeper and talk to it. Runs on the control node, inside of the action plugin."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import Holder
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Limits

# The collection may lie anywhere: its packages are put together from the folder it was loaded from.
BOOT = """
import sys, types
name = ""
for part in ("ansible_collections", "sre", "ha_recovery", "plugins"):
    name = name + "." + part if name else part
    package = types.ModuleType(name)
    package.__path__ = [sys.argv[1]] if part == "plugins" else []
    sys.modules[name] = package
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.keeper import main
main()
"""


class KeeperError(Exception):
    """The keeper could not be started or does not answer."""


def _folder() -> Path:
    """This user's alone, or KeeperError."""
    folder = Path(tempfile.gettempdir()) / f"ha_recovery-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if folder.is_symlink() or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise KeeperError(
            f"{folder} is not this user's alone; expected owner {os.getuid()}, mode 0700. Next: remove it"
        )
    return folder


def socket_path(pid: int, began: str, cluster: str) -> Path:
    """Where the keeper of this run listens. Raises KeeperError."""
    return _folder() / f"{cluster}-{pid}-{began}.sock"


def run_socket(pid: int, began: str) -> Path | None:
    """Where the keeper of this run listens, or did before it was killed; None when the run has none."""
    return next(iter(sorted(_folder().glob(f"*-{pid}-{began}.sock"))), None)


def listens(path: Path) -> bool:
    """Whether this run has a keeper already."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def ask(path: Path, want: str, timeout: float) -> dict[str, Any] | None:
    """The keeper's answer; None when there is no keeper. Raises KeeperError when it does not answer in time."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        try:
            client.sendall(json.dumps({"want": want}).encode() + b"\n")
            with client.makefile("r", encoding="utf-8") as stream:
                return dict(json.loads(stream.readline()))
        except (OSError, ValueError) as error:
            raise KeeperError(f"the keeper of the runbook lock gave no answer within {timeout:g} s: {error}") from error


def start(path: Path, connections: Sequence[Connection], limits: Limits, holder: Holder) -> None:
    """Start the keeper; returns when it can be asked. Secrets go over its stdin."""
    plugins = Path(__file__).resolve().parent.parent
    request: Mapping[str, Any] = {
        "socket": str(path),
        "connections": [asdict(one) for one in connections],
        "limits": asdict(limits),
        "holder": holder.as_dict(),
    }
    process = subprocess.Popen(
        # The last word is for whoever looks at the list of processes.
        [sys.executable, "-c", BOOT, str(plugins), f"keeper-of-the-runbook-lock-of-{holder.cluster}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise KeeperError("the keeper of the runbook lock has no pipes")
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    if process.stdout.readline().strip() != b"ready":
        words = process.stderr.read().decode(errors="replace").strip().splitlines()
        raise KeeperError(f"the keeper of the runbook lock did not start: {words[-1] if words else 'no reason given'}")
    # It is left to itself: it outlives this task and ends with the run.
    process.returncode = 0
