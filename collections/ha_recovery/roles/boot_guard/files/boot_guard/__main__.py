# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point: ``python3 -I -S /usr/local/lib/ha_recovery/boot_guard check 17-main``."""

from __future__ import annotations

import sys
from pathlib import Path

# Run as a directory, Python puts the directory itself first on the path; its modules are a package of the parent.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from boot_guard.cli import main  # noqa: E402 - the path has to be right first

sys.exit(main())
