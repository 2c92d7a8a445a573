"""Faults of the lab's hosts. Each is what happens to a real machine, as far as a container can show it.

The page cache of a killed container survives, so writes that never reached the disk are not lost here: these faults
do not test fsync.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tests.lab.estate import DATABASE_HOSTS, Lab

PARTITION_TABLE = "ha_lab_partition"
FILLER = "filler"


class LabError(RuntimeError):
    """The lab cannot do what was asked; the message says why and what to do."""


def _run(*argv: str, stdin: str | None = None, check: bool = True, timeout: float = 60) -> str:
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode:
        raise LabError(f"{' '.join(argv[:4])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def state_of(lab: Lab, host: str) -> str:
    """What podman says of the host: running, paused, exited."""
    state = _run("podman", "inspect", "--format", "{{.State.Status}}", lab.container(host), check=False)
    if not state:
        raise LabError(f"{host} does not exist in lab {lab.name!r}: `make lab` makes it")
    return state


def _inside(lab: Lab, host: str, *argv: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a command of this machine in the network of the host."""
    pid = _run("podman", "inspect", "--format", "{{.State.Pid}}", lab.container(host))
    if pid == "0":
        raise LabError(f"{host} is off: `make heal HOST={host}` switches it on")
    return _run("nsenter", "--target", pid, "--net", *argv, stdin=stdin, check=check)


def power_cut(lab: Lab, host: str) -> None:
    """Power loss: the link goes first, so that no FIN or RST leaves the host; then every process is killed."""
    if state_of(lab, host) == "paused":
        _run("podman", "unpause", lab.container(host))
    _inside(lab, host, "ip", "link", "set", "eth0", "down")
    _run("podman", "kill", "--signal", "KILL", lab.container(host))


def freeze(lab: Lab, host: str) -> None:
    """A hung host: no process runs, its kernel still answers pings and accepts TCP."""
    _run("podman", "pause", lab.container(host))


def partition(lab: Lab, host: str) -> None:
    """The host is cut off from everybody: packets are dropped both ways, nobody is told."""
    rules = f"""
        table inet {PARTITION_TABLE} {{
          chain in  {{ type filter hook input priority -300; policy drop; iif lo accept; }}
          chain out {{ type filter hook output priority -300; policy drop; oif lo accept; }}
        }}
    """
    _inside(lab, host, "nft", "-f", "-", stdin=rules)


def disk_full(lab: Lab, host: str) -> None:
    """The file system of the data directory fills up to the last block."""
    if host not in DATABASE_HOSTS:
        raise LabError(f"{host} has no data disk; choose one of {', '.join(DATABASE_HOSTS)}")
    filler = lab.state / "hosts" / host / "data" / FILLER
    with filler.open("ab", buffering=0) as file:
        for block in (1 << 20, 1 << 12, 1):
            chunk = bytes(block)
            try:
                while True:
                    file.write(chunk)
            except OSError:
                continue


FAULTS: dict[str, Callable[[Lab, str], None]] = {
    "power-cut": power_cut,
    "freeze": freeze,
    "partition": partition,
    "disk-full": disk_full,
}


def break_host(lab: Lab, fault: str, host: str) -> None:
    """Do the named fault to the host."""
    if fault not in FAULTS:
        raise LabError(f"unknown fault {fault!r}; choose one of {', '.join(FAULTS)}")
    state_of(lab, host)
    FAULTS[fault](lab, host)


def heal(lab: Lab, host: str, timeout: float = 30) -> list[str]:
    """Undo every fault of the host and wait until it has booted; returns what was undone."""
    undone = []
    state = state_of(lab, host)
    if state == "paused":
        _run("podman", "unpause", lab.container(host))
        undone.append("thawed")
    filler = lab.state / "hosts" / host / "data" / FILLER
    if filler.exists():
        filler.unlink()
        undone.append("disk emptied")
    if state not in ("running", "paused"):
        _run("podman", "start", lab.container(host))
        undone.append("switched on")
    if PARTITION_TABLE in _inside(lab, host, "nft", "list", "tables"):
        _inside(lab, host, "nft", "delete", "table", "inet", PARTITION_TABLE)
        undone.append("network restored")
    deadline = time.monotonic() + timeout
    booting = ("", "offline", "initializing", "starting")
    while _run("podman", "exec", lab.container(host), "systemctl", "is-system-running", check=False) in booting:
        if time.monotonic() > deadline:
            raise LabError(f"{host} has not booted within {timeout:g} s")
        time.sleep(0.2)
    return undone
