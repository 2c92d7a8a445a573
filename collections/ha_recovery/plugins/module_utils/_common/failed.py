# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How logic that modules and sessions share says that it did not work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Failed(Exception):
    """The message is for people and names the next command; ``result`` holds what is known nevertheless."""

    def __init__(self, message: str, result: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.result = dict(result or {})
