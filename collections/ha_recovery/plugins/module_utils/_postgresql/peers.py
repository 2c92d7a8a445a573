# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host sees when it asks the other database hosts' role probes.

A primary that the control node cannot reach may be alive and serving. So every host is asked what *it* sees, and the
asking happens for all peers at once: dead ones cost one short time limit, not one each.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def status_of(reply: bytes) -> int | None:
    """The status code of an HTTP reply's first line, or None when it is not one."""
    words = reply.split(b"\r\n", 1)[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None
    return int(words[1])


def ask_peer(address: str, port: int = 8008, path: str = "/primary", timeout: float = 0.7) -> dict[str, Any]:
    """One GET to one probe, ended after ``timeout`` seconds whatever happens.

    Returns address, tcp (the connection was accepted), primary_status (HTTP status or None) and seconds.
    """
    began = time.monotonic()
    deadline = began + timeout
    tcp = False
    status: int | None = None
    try:
        with socket.create_connection((address, port), timeout=timeout) as link:
            tcp = True
            request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            link.sendall(request.encode("ascii"))
            reply = b""
            while b"\r\n" not in reply and len(reply) < 4096:
                link.settimeout(max(0.01, deadline - time.monotonic()))
                chunk = link.recv(1024)
                if not chunk:
                    break
                reply += chunk
            status = status_of(reply)
    except OSError:
        pass
    return {"address": address, "tcp": tcp, "primary_status": status, "seconds": round(time.monotonic() - began, 3)}


def ask_peers(peers: Mapping[str, str], port: int = 8008, timeout: float = 0.7) -> dict[str, dict[str, Any]]:
    """:func:`ask_peer` for every name, all at once."""
    if not peers:
        return {}
    with ThreadPoolExecutor(max_workers=len(peers)) as pool:
        asked = {name: pool.submit(ask_peer, address, port, "/primary", timeout) for name, address in peers.items()}
        return {name: future.result() for name, future in asked.items()}
