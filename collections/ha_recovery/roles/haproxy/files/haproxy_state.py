# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what people ordered of HAProxy's servers (maintenance, drain, weight) across reload, restart and power cut.

systemd runs it around HAProxy (see the drop-in ha_recovery.conf of haproxy.service):

cold-start   before HAProxy starts: every server is down until a health check has passed; orders are kept.
reload PID   instead of a bare signal: hand the running state to the next process, and wait until that one answers.
save         before HAProxy stops: write down orders that were given at the socket by hand.

It lies beside the modules that it shares with the collection's modules, as one folder that Python runs.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from config import parse_servers
from runtime_api import NotRunning, RuntimeApi, RuntimeApiError, parse_info
from server_state import ServerState, ServerStateError, at_rest, carry_over, cold_start, parse, render
from state_store import Busy, lock, read, write

LOCK_WAIT_S = 10.0
RELOAD_WAIT_S = 20.0


def main() -> int:
    """Run one of the three commands; a message for the journal and status 1 when it cannot be done."""
    parser = argparse.ArgumentParser(prog="haproxy_state", description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="/etc/haproxy/haproxy.cfg")
    parser.add_argument("--socket", default="/run/haproxy/admin.sock")
    parser.add_argument("--file", default="/var/lib/ha_recovery/haproxy_server_state")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("cold-start")
    commands.add_parser("save")
    commands.add_parser("reload").add_argument("pid", type=int)
    options = parser.parse_args()
    api = RuntimeApi(options.socket, timeout=2.0)
    try:
        with lock(options.file, LOCK_WAIT_S):
            configured = parse_servers(Path(options.config).read_text(encoding="utf-8", errors="replace"))
            if options.command == "cold-start":
                write(options.file, render(cold_start(configured, saved(options.file))))
            elif options.command == "save":
                write(options.file, render(at_rest(parse(api.command("show servers state")))))
            else:
                write(options.file, render(carry_over(configured, running(api, options.file))))
                hand_over(api, options.pid)
    except NotRunning as error:
        print(f"haproxy_state {options.command}: {error}; what was saved last is kept", file=sys.stderr)
        return 0 if options.command == "save" else 1
    except (OSError, RuntimeApiError, ServerStateError, Busy) as error:
        print(f"haproxy_state {options.command}: {error}", file=sys.stderr)
        return 1
    return 0


def saved(path: str) -> tuple[ServerState, ...]:
    """What was saved last; nothing, and a line in the journal, when the file is unreadable as such."""
    text = read(path)
    try:
        return parse(text) if text else ()
    except ServerStateError as error:
        print(f"haproxy_state: {path}: {error}; every server starts down and without orders", file=sys.stderr)
        return ()


def running(api: RuntimeApi, path: str) -> tuple[ServerState, ...]:
    """The state of the running process; what was saved last, when that process does not tell."""
    try:
        return parse(api.command("show servers state"))
    except (NotRunning, ServerStateError) as error:
        print(f"haproxy_state reload: {error}; using {path}", file=sys.stderr)
        return saved(path)


def hand_over(api: RuntimeApi, master: int) -> None:
    """Tell HAProxy's master to start its next process, and wait until that one answers on the socket."""
    before = worker(api)
    os.kill(master, signal.SIGUSR2)
    end = time.monotonic() + RELOAD_WAIT_S
    while time.monotonic() < end:
        time.sleep(0.02)
        now = worker(api)
        if now and now != before:
            return
    raise RuntimeApiError(
        f"no new HAProxy process answers {RELOAD_WAIT_S:g} s after the reload; the old one ({before or 'none'}) "
        "serves on. Next: journalctl -u haproxy"
    )


def worker(api: RuntimeApi) -> str:
    """The process id of the worker that answers; empty when none does."""
    try:
        return parse_info(api.command("show info")).get("Pid", "")
    except RuntimeApiError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
