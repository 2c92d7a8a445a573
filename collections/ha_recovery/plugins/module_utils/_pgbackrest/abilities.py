# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the installed version can do. Pure.

================================  =======  ==============================================
option                            since    without it
================================  =======  ==============================================
bundles (``repo-bundle``)         2.39     one file a file of the database
annotations of backups            2.41     (every packaged version has them)
block incremental (``repo-block``)  2.46   a changed file is stored whole (Debian 12)
``backup-standby=prefer``         2.54     a standby is tried, then the primary (Debian 12)
================================  =======  ==============================================
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Abilities:
    """What may be put into the configuration."""

    bundle: bool
    block: bool
    prefer_standby: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def parse_version(text: str) -> str:
    """``2.55.1`` out of ``pgBackRest 2.55.1``; empty when there is none."""
    found = re.search(r"pgBackRest (\d+(?:\.\d+)+)", text)
    return found.group(1) if found else ""


def abilities(version: str) -> Abilities:
    """By version; of none at all, nothing."""
    parts = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return Abilities(bundle=parts >= (2, 39), block=parts >= (2, 46), prefer_standby=parts >= (2, 54))
