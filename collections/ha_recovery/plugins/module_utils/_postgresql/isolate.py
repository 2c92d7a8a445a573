# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut a server that cannot be stopped off from its clients and standbys: packets to and from its port are dropped.

A process in uninterruptible sleep (a stuck disk) survives SIGKILL, and may answer again when the disk does. The rules
are in a table of their own and end with the host's next boot, at which the masked unit keeps the server from starting.
"""

from __future__ import annotations

import re

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout

TABLE = "ha_recovery_fence"
DEFAULT_PORT = 5432
_PORT = re.compile(r"^[ \t]*port[ \t]*=?[ \t]*'?([0-9]+)", re.MULTILINE)
TIMEOUT_S = 5


def port_of(layout: Layout) -> int:
    """The port that the configuration names last, as Postgres reads it: postgresql.conf, then conf.d by name."""
    found = [str(DEFAULT_PORT)]
    files = [layout.config_dir / "postgresql.conf", *sorted((layout.config_dir / "conf.d").glob("*.conf"))]
    for path in files:
        try:
            found += _PORT.findall(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return int(found[-1])


def rules(port: int) -> str:
    """For nft(8), which puts all of it in force at once. Connections over the loopback interface stay."""
    return (
        f"table inet {TABLE}\n"
        f"delete table inet {TABLE}\n"
        f"table inet {TABLE} {{\n"
        "  chain input {\n"
        "    type filter hook input priority -300; policy accept;\n"
        f'    iifname != "lo" tcp dport {port} drop\n'
        f'    iifname != "lo" tcp sport {port} drop\n'
        "  }\n"
        "  chain output {\n"
        "    type filter hook output priority -300; policy accept;\n"
        f'    oifname != "lo" tcp sport {port} drop\n'
        f'    oifname != "lo" tcp dport {port} drop\n'
        "  }\n"
        "}\n"
    )


def isolated(runner: Runner, port: int | None = None) -> bool:
    """Whether the table is in force, and, with ``port``, drops what it should."""
    shown = runner.run(["nft", "--numeric", "list", "table", "inet", TABLE], timeout=TIMEOUT_S)
    return shown.ok and (port is None or shown.stdout.count(f"port {port} drop") == rules(port).count("drop"))


def isolate(runner: Runner, layout: Layout) -> str:
    """Drop; the reason when that could not be done or does not show."""
    port = port_of(layout)
    done = runner.run(["nft", "-f", "-"], timeout=TIMEOUT_S, stdin=rules(port))
    if not done.ok:
        return f"port {port} could not be cut off either: {done.reason}"
    return "" if isolated(runner, port) else f"nft does not show that port {port} is cut off"


def let_in(runner: Runner) -> str:
    """Take the table away; the reason when that could not be done."""
    done = runner.run(["nft", "delete", "table", "inet", TABLE], timeout=TIMEOUT_S)
    return "" if done.ok else f"the table {TABLE} could not be removed: {done.reason}"
