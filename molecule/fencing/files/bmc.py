"""The management board of a host of the lab: `bmc.py off pg1` cuts its power, `bmc.py status pg1` asks for it.

The status ends with 0 when, and only when, the host is off.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.lab.estate import Lab
from tests.lab.faults import break_host
from tests.lab.shell import state_of


def main() -> int:
    """Do what the command line says."""
    order, host = sys.argv[1:]
    lab = Lab()
    off = state_of(lab, host) == "exited"
    if order == "off" and not off:
        break_host(lab, "power-cut", host)
    elif order == "status":
        print("off" if off else "on")
        return 0 if off else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
