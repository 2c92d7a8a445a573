"""Makes the role's program importable as it is on a host."""

from __future__ import annotations

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[4] / "collections" / "ha_recovery" / "roles" / "boot_guard" / "files"))
