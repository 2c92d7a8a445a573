# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host sees when it asks the other database hosts' role probes.

A primary that the control node cannot reach may be alive and serving. So every host is asked what *it* sees, and the
asking happens for all peers at once: dead ones cost one short time limit, not one each.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.lsn import format_lsn

LARGEST = 65536
#: A server that may start is up, or says that it starts, within this time.
ABOUT_TO_START_S = 30.0


def status_of(reply: bytes) -> int | None:
    """The status code of an HTTP reply's first line, or None when it is not one."""
    words = reply.split(b"\r\n", 1)[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None
    return int(words[1])


def coming_back(reply: bytes) -> str:
    """Why a host is about to be a primary: it starts, or its boot guard has just let it go; '' when it is not."""
    try:
        document = json.loads(reply.partition(b"\r\n\r\n")[2])
        on_disk = document.get("on_disk") or {}
        if document["state"] == "running" or on_disk.get("standby"):
            return ""
        if document["state"] == "starting":
            return "Postgres is starting"
        guard = on_disk.get("boot_guard") or {}
        age = float(guard.get("age_seconds") or 0) + float(on_disk.get("age_seconds") or 0)
        if guard.get("verdict") == "allowed" and age < ABOUT_TO_START_S:
            return f"its boot guard let Postgres start {age:.0f} s ago"
    except (ValueError, TypeError, AttributeError, KeyError):
        pass
    return ""


def stalled(reply: bytes) -> str:
    """Why commits there do not reach the disk (stuck, or full), though the server answers; '' when all is well."""
    try:
        problems = json.loads(reply.partition(b"\r\n\r\n")[2])["problems"]
        return str(problems.get("wal_stalled") or problems.get("disk_low") or "")
    except (ValueError, TypeError, AttributeError, KeyError):
        return ""


def heard(reply: bytes) -> dict[str, dict[str, Any]]:
    """What this host's own probe heard last of each primary: ``lsn``, ``age_s``, ``bytes_per_s``; {} when of none."""
    try:
        peers = json.loads(reply.partition(b"\r\n\r\n")[2])["peers"].items()
        return {
            str(name): {
                "lsn": format_lsn(int(peer["location"])),
                "age_s": float(peer["answered_seconds_ago"]),
                "bytes_per_s": int(peer.get("bytes_per_second") or 0),
            }
            for name, peer in peers
            if peer.get("location") is not None and peer.get("answered_seconds_ago") is not None
        }
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}


def ask_peer(address: str, port: int = 8008, path: str = "/primary", timeout: float = 0.7) -> dict[str, Any]:
    """One GET to one probe, ended after ``timeout`` seconds whatever happens.

    Returns address, tcp (the connection was accepted), primary_status (HTTP status or None), coming_back (why its
    Postgres is about to run, or ''), stalled (why its commits do not reach the disk, or ''), heard (see there) and
    seconds.
    """
    began = time.monotonic()
    deadline = began + timeout
    tcp = False
    status: int | None = None
    reply = b""
    try:
        with socket.create_connection((address, port), timeout=timeout) as link:
            tcp = True
            request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            link.sendall(request.encode("ascii"))
            # The status is in the first line; what is behind another status than 200 stands in the document.
            while len(reply) < LARGEST and (b"\r\n" not in reply or status_of(reply) == 503):
                link.settimeout(max(0.01, deadline - time.monotonic()))
                chunk = link.recv(65536)
                if not chunk:
                    break
                reply += chunk
    except OSError:
        pass
    status = status_of(reply)
    return {
        "address": address,
        "tcp": tcp,
        "primary_status": status,
        "coming_back": coming_back(reply) if status == 503 else "",
        "stalled": stalled(reply) if status == 503 else "",
        "heard": heard(reply) if status == 503 else {},
        "seconds": round(time.monotonic() - began, 3),
    }


def ask_peers(peers: Mapping[str, str], port: int = 8008, timeout: float = 0.7) -> dict[str, dict[str, Any]]:
    """:func:`ask_peer` for every name, all at once."""
    if not peers:
        return {}
    with ThreadPoolExecutor(max_workers=len(peers)) as pool:
        asked = {name: pool.submit(ask_peer, address, port, "/primary", timeout) for name, address in peers.items()}
        return {name: future.result() for name, future in asked.items()}
