# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fence a host from outside, by the way its inventory variables name. Runs on the control node, with a time limit."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed, HostRunner, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.fencing import Way, off

STATUS_EVERY_S = 0.5

Run = Callable[[Sequence[str], float], Completed]


def local(way: Way, runner: Runner) -> Run:
    """Runs a command here; the password is in its environment, never in its arguments."""
    return lambda argv, timeout: runner.run(argv, timeout=timeout, env=way.environment)


def remote(way: Way) -> Run:
    """Runs a command on the management host. Its key has to be known already."""
    import paramiko  # pylint: disable=import-outside-toplevel  # needed by few, and slow to load

    def run(argv: Sequence[str], timeout: float) -> Completed:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        ends_at = time.monotonic() + timeout
        # paramiko's time limits are of single steps, and waiting for the exit status has none: the whole is cut.
        watchdog = threading.Timer(timeout, client.close)
        watchdog.daemon = True
        watchdog.start()
        late = Completed(124, "", f"{way.address}: no answer within {timeout:g} s", timed_out=True)
        try:
            if way.known_hosts_file:
                client.load_host_keys(way.known_hosts_file)
            else:
                client.load_system_host_keys()
            client.connect(
                way.address,
                port=way.port,
                username=way.user or None,
                key_filename=way.key_file or None,
                password=way.password or None,
                timeout=timeout,
                banner_timeout=timeout,
                auth_timeout=timeout,
            )
            _stdin, out, err = client.exec_command(shlex.join(argv), timeout=timeout)
            said, complained = out.read().decode(errors="replace"), err.read().decode(errors="replace")
            status = out.channel.recv_exit_status()
            return late if time.monotonic() >= ends_at else Completed(status, said, complained)
        except TimeoutError:
            return late
        except (OSError, EOFError, paramiko.SSHException) as error:
            if time.monotonic() >= ends_at:
                return late
            return Completed(255, "", f"{way.address}: {str(error) or type(error).__name__}")
        finally:
            watchdog.cancel()
            client.close()

    return run


def fence_from_outside(way: Way, run: Run, clock: Callable[[], float] = time.monotonic) -> dict[str, Any]:
    """Do it, and ask until it is proven or the time is over. ``proven``, ``detail`` and ``seconds``; never raises."""
    began = clock()
    command, status = way.local

    def ended(proven: bool, detail: str) -> dict[str, Any]:
        return {"proven": proven, "detail": detail, "seconds": round(clock() - began, 3), "failed": not proven}

    done = run(command, way.timeout)
    # A host whose power was lost may not want to be switched off; what counts is what its status says.
    if not status:
        return ended(done.ok, "the command ended well" if done.ok else f"the command failed: {done.reason}")
    while True:
        left = way.timeout - (clock() - began)
        if left <= 0:
            why = f", and the command failed: {done.reason}" if not done.ok else ""
            return ended(False, f"within {way.timeout:g} s nothing proved that it is off{why}")
        seen = run(status, left)
        if seen.ok and off(way.method, seen.stdout):
            return ended(True, "the status command says that it is off")
        time.sleep(min(STATUS_EVERY_S, max(0.0, left)))


def hook_for(ways: Mapping[str, Way]) -> Callable[[str], dict[str, Any]]:
    """What a failover calls, by host."""

    def hook(host: str) -> dict[str, Any]:
        began = time.time()
        try:
            way = ways[host]
            answer = fence_from_outside(way, remote(way) if way.method == "ssh" else local(way, HostRunner()))
        except ImportError as error:
            answer = {"proven": False, "failed": True, "seconds": 0.0, "detail": f"{error}; method ssh needs paramiko"}
        except Exception as error:  # the runbook waits for a word, whatever happens
            why = f"it could not be tried: {type(error).__name__}: {error}"
            answer = {"proven": False, "failed": True, "seconds": 0.0, "detail": why}
        return {**answer, "started_at": began, "changed": True, "msg": "" if answer["proven"] else answer["detail"]}

    return hook
