"""How much WAL an old primary had written beyond the fork, read from its disk while it is off. Not by asking it: it
would have to be started for that, and would write more."""

from __future__ import annotations

import re
import subprocess

from tests.lab.estate import Lab
from tests.lab.shell import LabError, on_host

FOLDER = "/tmp/chaos_wal"  # noqa: S108 on a host of the lab
RECORD = re.compile(r"len \(rec/tot\): *\d+/ *(\d+),.* lsn: ([0-9A-F]+/[0-9A-F]+)")


def position(lsn: str) -> int:
    """Bytes."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def end_of(dump: str, start: str) -> int:
    """The end of the last whole record that pg_waldump showed; where it began when there is none."""
    ends = [position(lsn) + (int(length) + 7) // 8 * 8 for length, lsn in RECORD.findall(dump)]
    return max([*ends, position(start)])


def fork_of(history: str) -> tuple[int, str]:
    """The timeline that was left, and where, from the last line of a timeline history file."""
    lines = [line.split("\t") for line in history.splitlines() if line.strip() and not line.startswith("#")]
    return int(lines[-1][0]), lines[-1][1]


def bytes_beyond_fork(lab: Lab, old: str, new: str, major: str) -> int:
    """WAL that ``old``, whose power is off, had beyond the point at which ``new`` left its timeline."""
    data = f"/var/lib/postgresql/{major}/main/pg_wal"
    history = on_host(lab, new, "sh", "-c", f"cat $(ls {data}/*.history | tail -n 1)")
    timeline, fork = fork_of(history)
    source = lab.state / "hosts" / old / "data" / major / "main" / "pg_wal"
    first = f"{timeline:08X}{position(fork) >> 32:08X}{(position(fork) & 0xFFFFFFFF) >> 24:08X}"
    names = sorted(path.name for path in source.glob(f"{timeline:08X}*") if len(path.name) == 24 and path.name >= first)
    if not names:
        raise LabError(f"{old} has no WAL of timeline {timeline} from {fork} on in {source}")
    on_host(lab, new, "sh", "-c", f"rm -rf {FOLDER}; mkdir {FOLDER}")
    with subprocess.Popen(["tar", "-C", str(source), "-cf", "-", *names], stdout=subprocess.PIPE) as packing:
        unpack = ["podman", "exec", "-i", lab.container(new), "tar", "-C", FOLDER, "-xf", "-"]
        subprocess.run(unpack, stdin=packing.stdout, check=True, timeout=60)
    dump = f"/usr/lib/postgresql/{major}/bin/pg_waldump"
    shown = on_host(lab, new, "sh", "-c", f"{dump} -p {FOLDER} -t {timeline} -s {fork}; rm -rf {FOLDER}", check=False)
    return end_of(shown, fork) - position(fork)
