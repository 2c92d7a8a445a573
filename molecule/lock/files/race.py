"""Begin the same command twice in one instant; when one has ended, let the other end. Prints how both ended, as JSON.

usage: race.py END_FILE COMMAND...
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Whichever ends while nothing has told it to was turned away."""
    end = Path(sys.argv[1])
    end.unlink(missing_ok=True)
    runs = [
        subprocess.Popen(
            [*sys.argv[2:], "-e", f"drill_end={end}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _number in range(2)
    ]
    deadline = time.monotonic() + 60
    while all(run.poll() is None for run in runs) and time.monotonic() < deadline:
        time.sleep(0.05)
    end.touch()
    said = [run.communicate(timeout=60)[0] for run in runs]
    print(json.dumps([{"rc": run.returncode, "said": text} for run, text in zip(runs, said, strict=True)]))


if __name__ == "__main__":
    main()
