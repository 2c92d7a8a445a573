# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of one borrower: what it left behind is undone, while the session and its lock stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._session import agent


def undo(args: Mapping[str, Any]) -> dict[str, Any]:
    """Names of what was ``undone``, and ``problems``."""
    return {"changed": False, **agent.undo(everything=False)}
