# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands on the host, always with an end.

Every command is a list (no shell), runs in the C locale so that its output can be parsed, and has a timeout:
a runbook that waits for ever on a hung disk is worse than one that reports the hang.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Completed:
    """What a command left behind: output, whether it timed out, and its exit status.

    124: timeout, 126: may not be run, 127: not installed.
    """

    rc: int
    stdout: str
    stderr: str
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """True when the command ended by itself with status 0."""
        return self.rc == 0 and not self.timed_out

    @property
    def reason(self) -> str:
        """One line that says why the command failed, for messages to people."""
        if self.timed_out:
            return self.stderr.strip() or "no answer within the time limit"
        text = self.stderr.strip() or self.stdout.strip()
        return text.splitlines()[-1] if text else f"exit status {self.rc}"


class Runner(Protocol):
    """How code that needs a command asks for it; tests hand in a table of answers instead."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run ``argv`` for at most ``timeout`` seconds. Never raises for the command's own failure."""


class HostRunner:
    """Runs commands on this host."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """See :class:`Runner`. On timeout the whole process group is killed, so that no child keeps the pipes open."""
        environment = {**os.environ, "LC_ALL": "C", **(env or {})}
        try:
            # Not AnsibleModule.run_command: it has no timeout.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                list(argv),
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd="/",
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except FileNotFoundError:
            return Completed(rc=127, stdout="", stderr=f"{argv[0]}: command not found")
        except OSError as problem:
            # No right to run it, no memory, no process left: an answer like any other, not the end of the look.
            return Completed(rc=126, stdout="", stderr=f"{argv[0]}: {problem.strerror or problem}")
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill_group(process)
            return Completed(rc=124, stdout="", stderr=f"{argv[0]}: no answer within {timeout:g} s", timed_out=True)
        return Completed(rc=process.returncode, stdout=out, stderr=err)


def _kill_group(process: subprocess.Popen[str]) -> None:
    """Kill the command's process group, and give up on a child that is stuck in the kernel (a frozen disk)."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=1)
