"""Is more than one node writable, at any moment? Asked of every node itself, every 50 ms, past every proxy.

One psql a host asks with `\\watch` and is started again when its server goes away. Clocks need not agree: all hosts of
the lab are on one machine, and each answer carries that machine's time.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

EVERY_S = 0.05
# Each answer is this old at most when the next one comes; two nodes writable within it overlap for all we know.
OVERLAP_S = 0.0
_LOOP = """
while :; do
  printf 'SELECT extract(epoch FROM clock_timestamp()), NOT pg_is_in_recovery() \\\\watch %s\\n' "$1" |
    psql -XAtq -d postgres 2>/dev/null
  sleep 0.05
done
"""


@dataclass
class Samples:
    """Of one node: when it answered (seconds since 1970), and whether it was writable."""

    host: str
    answers: list[tuple[float, bool]] = field(default_factory=list)

    def writable(self, gap_s: float = 1.0) -> list[tuple[float, float]]:
        """Spans in which every answer said writable; an absence of more than ``gap_s`` ends one."""
        spans: list[tuple[float, float]] = []
        denied = True
        for at, yes in sorted(self.answers):
            if not yes:
                denied = True
                continue
            if not denied and at - spans[-1][1] <= gap_s:
                spans[-1] = (spans[-1][0], at)
            else:
                spans.append((at, at))
            denied = False
        return spans


def overlaps(all_samples: Sequence[Samples]) -> list[tuple[str, str, float]]:
    """Pairs of hosts that were writable at the same time, and for how many seconds."""
    found = []
    for index, one in enumerate(all_samples):
        for other in all_samples[index + 1 :]:
            for begin, end in one.writable():
                for start, stop in other.writable():
                    seconds = min(end, stop) - max(begin, start)
                    if seconds > OVERLAP_S:
                        found.append((one.host, other.host, round(seconds, 3)))
    return found


class Sampler:
    """Samples until told to stop. ``containers``: name of the podman container of each host."""

    def __init__(self, containers: dict[str, str]) -> None:
        self._containers = containers
        self.samples = {host: Samples(host) for host in containers}
        self._processes: list[subprocess.Popen[str]] = []
        self._stopped = threading.Event()

    def __enter__(self) -> Sampler:
        for host in self._containers:
            threading.Thread(target=self._follow, args=(host,), daemon=True).start()
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._stopped.set()
        for process in self._processes:
            process.terminate()
        for container in self._containers.values():
            argv = ["podman", "exec", container, "pkill", "-u", "postgres", "-f", "ha_recovery_sampler"]
            subprocess.run(argv, check=False, capture_output=True, timeout=20)

    def promoted(self, old: str, since: float) -> str | None:
        """The host other than ``old`` that was last seen writable, after ``since``."""
        for host, samples in self.samples.items():
            last = samples.answers[-1:]
            if host != old and last and last[0][1] and last[0][0] >= since:
                return host
        return None

    def _follow(self, host: str) -> None:
        """A host without power ends the exec; it is tried again until the end."""
        loop = ["sh", "-c", _LOOP, "ha_recovery_sampler", str(EVERY_S)]
        while not self._stopped.is_set():
            process = subprocess.Popen(
                ["podman", "exec", "-u", "postgres", self._containers[host], *loop],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            self._processes.append(process)
            for line in process.stdout or ():
                at, _bar, yes = line.strip().partition("|")
                if yes in ("t", "f"):
                    self.samples[host].answers.append((float(at), yes == "t"))
            process.wait()
            self._stopped.wait(0.5)
