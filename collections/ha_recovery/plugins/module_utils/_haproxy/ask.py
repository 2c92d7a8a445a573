# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask this host's HAProxy what it thinks of its servers."""

from __future__ import annotations

import time
from typing import Any

from .._common.maintenance import read_note
from .info import SHOW_STAT, describe, silent
from .runtime_api import RuntimeApi, RuntimeApiError
from .server_state import ServerStateError


def ask(host: str, socket: str = "/run/haproxy/admin.sock", timeout: float = 2.0) -> dict[str, Any]:
    """The dictionary of :func:`info.describe`. A HAProxy that does not answer is an answer too."""
    api = RuntimeApi(socket, timeout)
    try:
        answers = [api.command(line) for line in ("show info", "show servers state", SHOW_STAT)]
        seen = describe(host, time.time(), *answers)
    except (RuntimeApiError, ServerStateError) as error:
        seen = silent(host, str(error))
    return {**seen, "maintenance": read_note()}
