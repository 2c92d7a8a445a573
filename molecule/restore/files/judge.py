# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a storm's journal with the orders that are there after a restore to a time.

judge.py JOURNAL TARGET < IDS   ids of the orders that are there, one a line; TARGET in seconds since 1970.
Every order acknowledged before the target has to be there, none whose BEGIN was sent after it. One JSON object comes
out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> int:
    """Status 1 when an order is missing or should not be there."""
    target, there = float(sys.argv[2]), {line.strip() for line in sys.stdin if line.strip()}
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    began = float(lines[0]["wall"])
    before = {one["id"] for one in lines if one["e"] == "ack" and began + one["m"] < target}
    behind = {one["id"] for one in lines if one["e"] == "intent" and began + one["m"] > target}
    found = {"there": len(there), "acknowledged_before": len(before), "sent_after": len(behind),
             "missing": len(before - there), "too_many": len(behind & there)}  # fmt: skip
    print(json.dumps(found))
    return 1 if found["missing"] or found["too_many"] else 0


if __name__ == "__main__":
    sys.exit(main())
