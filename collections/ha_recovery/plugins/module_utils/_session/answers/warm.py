# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load the code of calls that are about to come, while nobody waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import find_call


def warm(args: Mapping[str, Any]) -> dict[str, Any]:
    """``calls``: names, soonest first."""
    for name in args["calls"]:
        find_call(str(name))
    return {"changed": False}
