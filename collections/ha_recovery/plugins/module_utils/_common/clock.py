# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of day, as records write it."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> str:
    """Now, UTC, to the millisecond: 2026-03-01T03:12:09.250Z."""
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
