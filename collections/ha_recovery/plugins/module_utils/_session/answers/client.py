# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write and read as a client does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.verify import VerifyFailed, run_check
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed


def client_check(args: Mapping[str, Any]) -> dict[str, Any]:
    """As M(sre.ha_recovery.client_check) documents it."""
    try:
        return run_check(HostRunner(), args)
    except VerifyFailed as error:
        raise CallFailed(str(error)) from error
