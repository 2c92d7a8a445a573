"""Commands that cannot be run, do not end, or fail are answers, never exceptions."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner


def test_a_command_that_is_not_installed() -> None:
    done = HostRunner().run(["ha_recovery_no_such_command"], timeout=5)
    assert (done.rc, done.ok, done.reason) == (127, False, "ha_recovery_no_such_command: command not found")


def test_a_command_that_nobody_may_run(tmp_path: Path) -> None:
    program = tmp_path / "setpriv"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    done = HostRunner().run([str(program)], timeout=5)
    assert (done.rc, done.ok, done.reason) == (126, False, f"{program}: Permission denied")


def test_a_command_that_does_not_end() -> None:
    done = HostRunner().run(["sleep", "20"], timeout=0.1)
    assert (done.rc, done.timed_out, done.reason) == (124, True, "sleep: no answer within 0.1 s")


def test_a_command_that_fails_says_why() -> None:
    done = HostRunner().run(["sh", "-c", "echo first >&2; echo last >&2; exit 3"], timeout=5)
    assert (done.rc, done.reason) == (3, "last")
