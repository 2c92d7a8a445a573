# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a host's Keepalived for its state, and the kernel for who holds the virtual IP."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._common.runner import Runner
from .addresses import AddressError, find, parse_addresses, plain
from .dump import DumpError, Instance, instance_of, parse_dump

POLL_S = 0.02


@dataclass(frozen=True)
class Asked:
    """What to look at: ``vip`` and ``address`` with or without prefix; ``dump`` is the file that Keepalived writes."""

    host: str
    vip: str
    address: str
    unit: str
    dump: str
    timeout: float


Kill = Callable[[int, int], None]


def observe(runner: Runner, asked: Asked, kill: Kill = os.kill) -> dict[str, Any]:
    """The dictionary that :mod:`keepalived_info` documents. A Keepalived that does not run or answer is an answer."""
    answer: dict[str, Any] = {
        "host": asked.host,
        "running": False,
        "holds_vip": False,
        "state": "STOPPED",
        "interface": None,
        "network": None,
        "vip_in_network": None,
        "priority": None,
        "effective_priority": None,
        "error": None,
    }
    try:
        vip = plain(asked.vip)
        addresses = parse_addresses(_output(runner, ["ip", "-json", "-4", "address", "show"], asked.timeout))
        answer["holds_vip"] = find(addresses, vip) is not None
        own = find(addresses, plain(asked.address))
        if own is not None:
            answer.update(interface=own.interface, network=own.network, vip_in_network=own.spans(vip))
        pid = _main_pid(runner, asked)
        answer["running"] = pid > 0
        if pid > 0:
            answer["state"] = "UNKNOWN"
            instance = instance_of(_fresh_dump(runner, asked, pid, kill), vip)
            answer.update(
                state=instance.state, priority=instance.priority, effective_priority=instance.effective_priority
            )
    except (AddressError, DumpError, ObserveError) as error:
        answer["error"] = str(error)
    return answer


class ObserveError(Exception):
    """A command of the host failed, or Keepalived did not answer in time."""


def _output(runner: Runner, argv: list[str], timeout: float) -> str:
    done = runner.run(argv, timeout=timeout)
    if not done.ok:
        raise ObserveError(f"`{' '.join(argv)}`: {done.reason}")
    return done.stdout


def _main_pid(runner: Runner, asked: Asked) -> int:
    """The process id of Keepalived's main process; 0 when the service does not run or does not exist."""
    text = _output(runner, ["systemctl", "show", "--property=MainPID", "--value", asked.unit], asked.timeout).strip()
    return int(text) if text.isdigit() else 0


def _fresh_dump(runner: Runner, asked: Asked, pid: int, kill: Kill) -> tuple[Instance, ...]:
    """Have Keepalived write its dump, and read it once it is newer than the signal and whole.

    The signal is handled after a reload's, so what comes back is never the state from before a reload.
    """
    number = _output(runner, ["keepalived", "--signum=JSON"], asked.timeout).strip()
    path = Path(asked.dump)
    before = _written(path)
    try:
        kill(pid, int(number))
    except (ProcessLookupError, ValueError, PermissionError) as error:
        raise ObserveError(f"cannot ask Keepalived (process {pid}, signal {number!r}): {error}") from error
    end = time.monotonic() + asked.timeout
    while True:
        if _written(path) != before:
            try:
                return parse_dump(path.read_text(encoding="utf-8"))
            except DumpError:
                if time.monotonic() >= end:
                    raise
        if time.monotonic() >= end:
            raise ObserveError(
                f"Keepalived (process {pid}) did not write {path} within {asked.timeout:g} s: it hangs, or was not set "
                f"up by the role keepalived. Next: systemctl status {asked.unit}"
            )
        time.sleep(POLL_S)


def _written(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino
