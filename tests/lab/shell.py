"""Commands of this machine, and of a lab's host from the outside."""

from __future__ import annotations

import subprocess

from tests.lab.estate import Lab


class LabError(RuntimeError):
    """The lab cannot do what was asked; the message says why and what to do."""


def run(*argv: str, stdin: str | None = None, check: bool = True, timeout: float = 60) -> str:
    """What the command printed; LabError when it failed and ``check`` is true."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode:
        raise LabError(f"{' '.join(argv[:4])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def state_of(lab: Lab, host: str) -> str:
    """What podman says of the host: running, paused, exited."""
    state = run("podman", "inspect", "--format", "{{.State.Status}}", lab.container(host), check=False)
    if not state:
        raise LabError(f"{host} does not exist in lab {lab.name!r}: `make lab` makes it")
    return state


def pid_of(lab: Lab, host: str) -> str:
    """The process id of the host's systemd on this machine."""
    pid = run("podman", "inspect", "--format", "{{.State.Pid}}", lab.container(host))
    if pid == "0":
        raise LabError(f"{host} is off: `make heal HOST={host}` switches it on")
    return pid


def in_network(lab: Lab, host: str, *argv: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a command of this machine in the network of the host."""
    return run("nsenter", "--target", pid_of(lab, host), "--net", *argv, stdin=stdin, check=check)


def on_host(lab: Lab, host: str, *argv: str, check: bool = True, timeout: float = 60) -> str:
    """Run a command of the host on the host, as root."""
    return run("podman", "exec", lab.container(host), *argv, check=check, timeout=timeout)
