# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a host's SSH answer? Asked directly and briefly, so that a dead host does not cost a whole SSH timeout.

A frozen host's kernel still accepts TCP; only a living SSH server sends its banner (RFC 4253, 4.2). So both are asked.
"""

from __future__ import annotations

import socket
import time
from typing import Any


def reach(address: str, port: int = 22, *, connect_timeout: float = 1.0, banner_timeout: float = 4.0) -> dict[str, Any]:
    """Returns ok, tcp (the connection was accepted), why (empty when ok) and seconds. Never raises for the network."""
    began = time.monotonic()
    tcp = False
    why = ""
    try:
        with socket.create_connection((address, port), timeout=connect_timeout) as link:
            tcp = True
            link.settimeout(banner_timeout)
            if not link.recv(4).startswith(b"SSH-"):
                why = f"port {port} answers, but not with SSH"
    except TimeoutError:
        limit = banner_timeout if tcp else connect_timeout
        why = f"port {port} accepts connections and nobody answers within {limit:g} s (a hung host?)" if tcp else ""
        why = why or f"no answer on port {port} within {limit:g} s"
    except OSError as error:
        why = f"port {port}: {error.strerror or error}"
    return {"ok": not why, "tcp": tcp, "why": why, "seconds": round(time.monotonic() - began, 3)}
