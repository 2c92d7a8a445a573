"""Faults of the lab's hosts. Each is what happens to a real machine, as far as a container can show it.

The page cache of a killed container survives, so writes that never reached the disk are not lost here: these faults
do not test fsync.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lab import network
from tests.lab.estate import ADDRESSES, DATABASE_HOSTS, HOSTS_WITH_DISK, Lab
from tests.lab.shell import LabError, in_network, on_host, run, state_of

FILLER = "filler"
ALL = "all"


def power_cut(lab: Lab, host: str, argument: str = "") -> None:
    """Power loss: the link goes first, so that no FIN or RST leaves the host; then every process is killed."""
    _link_down(lab, host)
    _thaw_disk(lab, host)
    run("podman", "kill", "--signal", "KILL", lab.container(host))


def _link_down(lab: Lab, host: str) -> None:
    in_network(lab, host, "ip", "link", "set", "eth0", "down")
    # Not before: a frozen primary would go on for a moment, and answer. It is thawed because some kernels kill nothing
    # that is frozen.
    if state_of(lab, host) == "paused":
        run("podman", "unpause", lab.container(host))


def site_power_cut(lab: Lab) -> None:
    """The whole site loses its power: every link goes before the first process is killed."""
    up = [host for host in ADDRESSES if state_of(lab, host) in ("running", "paused")]
    for host in up:
        _link_down(lab, host)
    for host in up:
        _thaw_disk(lab, host)
    if up:
        run("podman", "kill", "--signal", "KILL", *(lab.container(host) for host in up))


def freeze(lab: Lab, host: str, argument: str = "") -> None:
    """A hung host: no process runs, its kernel still answers pings and accepts TCP."""
    run("podman", "pause", lab.container(host))


def sigkill(lab: Lab, host: str, argument: str = "") -> None:
    """Postgres is killed, all of it at once, as the kernel does when memory runs out; the host lives."""
    _only(host, DATABASE_HOSTS)
    on_host(lab, host, "pkill", "-KILL", "-u", "postgres", "-x", "postgres")


def disk_full(lab: Lab, host: str, argument: str = "") -> None:
    """The file system of the data directory, or of the repository, fills up to the last block."""
    _only(host, HOSTS_WITH_DISK)
    filler = _disk(lab, host) / FILLER
    with filler.open("ab", buffering=0) as file:
        for block in (1 << 20, 1 << 12, 1):
            chunk = bytes(block)
            try:
                while True:
                    file.write(chunk)
            except OSError:
                continue


def disk_stuck(lab: Lab, host: str, argument: str = "") -> None:
    """The disk does not answer: whoever writes to the data directory waits in the kernel, and survives SIGKILL."""
    _only(host, HOSTS_WITH_DISK)
    run("fsfreeze", "--freeze", str(_disk(lab, host)))


def _disk(lab: Lab, host: str) -> Path:
    return lab.state / "hosts" / host / "data"


def _thaw_disk(lab: Lab, host: str) -> bool:
    """True when it was stuck. Processes that were killed meanwhile end now; a power cut would not wait for them."""
    if host not in HOSTS_WITH_DISK:
        return False
    try:
        run("fsfreeze", "--unfreeze", str(_disk(lab, host)))
    except LabError as error:
        # The kernel has no way to ask: what was not frozen cannot be thawed (EINVAL).
        if "Invalid argument" in str(error):
            return False
        raise
    return True


def _only(host: str, hosts: Sequence[str]) -> None:
    if host not in hosts:
        raise LabError(f"{host}: not of this host; choose one of {', '.join(hosts)}")


# What a person types, and what it takes besides: hosts, or a rate.
FAULTS: dict[str, Callable[[Lab, str, str], None]] = {
    "power-cut": power_cut,
    "freeze": freeze,
    "sigkill": sigkill,
    "disk-full": disk_full,
    "disk-stuck": disk_stuck,
    "partition": network.partition,
    "partition-in": network.partition_in,
    "partition-out": network.partition_out,
    "partition-from": network.partition_from,
    "partition-but-clients": network.partition_but_clients,
    "throttle": network.throttle,
}


def break_host(lab: Lab, fault: str, host: str, argument: str = "") -> None:
    """Do the named fault to the host. ``all``: to the whole site, which can only lose its power."""
    if fault not in FAULTS:
        raise LabError(f"unknown fault {fault!r}; choose one of {', '.join(FAULTS)}")
    if host == ALL:
        if fault != "power-cut":
            raise LabError(f"{fault}: of one host at a time; the whole site can only lose its power (power-cut)")
        site_power_cut(lab)
        return
    state_of(lab, host)
    FAULTS[fault](lab, host, argument)


def _switch_on(lab: Lab, host: str) -> list[str]:
    undone = []
    state = state_of(lab, host)
    if state == "paused":
        run("podman", "unpause", lab.container(host))
        undone.append("thawed")
    # Before anything else of the disk is touched, which would wait for ever.
    if _thaw_disk(lab, host):
        undone.append("disk answers again")
    filler = _disk(lab, host) / FILLER
    if filler.exists():
        filler.unlink()
        undone.append("disk emptied")
    if state not in ("running", "paused"):
        run("podman", "start", lab.container(host))
        undone.append("switched on")
    return undone


def _wait_until_booted(lab: Lab, host: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    booting = ("", "offline", "initializing", "starting")
    while on_host(lab, host, "systemctl", "is-system-running", check=False) in booting:
        if time.monotonic() > deadline:
            raise LabError(f"{host} has not booted within {timeout:g} s")
        time.sleep(0.2)


def heal(lab: Lab, host: str, timeout: float = 30) -> list[str]:
    """Undo every fault of the host and wait until it has booted; returns what was undone.

    ``all``: every host; they are all switched on before the first one is waited for.
    """
    if host == ALL:
        undone = {one: _switch_on(lab, one) + network.heal_network(lab, one) for one in ADDRESSES}
        for one in ADDRESSES:
            _wait_until_booted(lab, one, timeout)
        return [f"{one} {what}" for one, done in undone.items() for what in done]
    done = _switch_on(lab, host) + network.heal_network(lab, host)
    _wait_until_booted(lab, host, timeout)
    return done
