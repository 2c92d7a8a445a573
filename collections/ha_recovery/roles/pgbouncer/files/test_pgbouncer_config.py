# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""test_pgbouncer_config ini|hba FILE: does PgBouncer accept this configuration?

PgBouncer has no test of its own. So it is started with the file, for as long as it takes to open its socket: on a
socket in a folder of its own and on no port, where no client finds it. Anything that it complains about is an error.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

USER = "pgbouncer"
PATIENCE_S = 10.0
COMPLAINT = re.compile(r" (ERROR|FATAL|WARNING) (.*)")
# Said of a socket in a folder for all, and of limits of this shell: nothing about the file.
HARMLESS = re.compile(r"kernel file descriptor limit")


def trial(kind: str, text: str, folder: str) -> str:
    """The configuration to start with: the file's own, moved off its port and socket, or the least there is for hba."""
    if kind == "hba":
        (Path(folder) / "hba").write_text(text)
        text = f"[databases]\n[pgbouncer]\nauth_type = hba\nauth_hba_file = {folder}/hba\n"
    moved = re.sub(r"(?m)^\s*(listen_addr|unix_socket_dir|unix_socket_mode|pidfile|logfile)\s*=.*\n", "", text)
    return f"{moved.rstrip()}\nlisten_addr =\nunix_socket_dir = {folder}\nunix_socket_mode = 0700\n"


def complaints(log: str) -> list[str]:
    """What PgBouncer said that means trouble."""
    return [match.group(2) for match in COMPLAINT.finditer(log) if not HARMLESS.search(match.group(2))]


def main(kind: str, path: str) -> int:
    """Status 1, with PgBouncer's words, when it does not accept the file."""
    with tempfile.TemporaryDirectory(prefix="pgbouncer_") as folder:
        config = Path(folder) / "trial.ini"
        config.write_text(trial(kind, Path(path).read_text(), folder))
        for file in (folder, *Path(folder).iterdir()):
            shutil.chown(file, USER, USER)
        log = Path(folder) / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["/usr/sbin/pgbouncer", str(config)],
                user=USER,
                group=USER,
                extra_groups=[],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and "process up" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.01)
        up = "process up" in log.read_text()
        if process.poll() is None:
            process.kill()
        process.wait()
        found = complaints(log.read_text())
        if up and not found:
            return 0
        print("; ".join(found) or f"PgBouncer did not start within {PATIENCE_S:g} s", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
