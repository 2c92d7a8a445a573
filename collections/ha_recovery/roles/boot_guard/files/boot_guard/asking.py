# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask every other host at once. Whoever does not answer within the limit has not answered."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable

from .config import Config, Other
from .decision import DATABASE, LOAD_BALANCER, Voice
from .hearing import balancer_voice, database_voice, files_age

LARGEST = 1 << 20
AGAIN_S = 0.03
#: The probe looks at its host's files when it is asked like this (docs/role_probe.md).
PROBE_PATH = "/patroni?on_disk=now"
STATS_PATH = "/stats;csv;norefresh"


def get(other: Other, path: str, deadline: float) -> tuple[int, bytes]:
    """Status and body of one GET, by ``deadline`` of the monotonic clock. Raises OSError."""
    left = max(0.001, deadline - time.monotonic())
    with socket.create_connection((other.address, other.port), timeout=left) as channel:
        channel.sendall(f"GET {path} HTTP/1.0\r\nHost: {other.name}\r\n\r\n".encode())
        answer = b""
        while len(answer) <= LARGEST:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            channel.settimeout(left)
            part = channel.recv(65536)
            if not part:
                break
            answer += part
    head, _blank, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]) if len(words) > 2 and words[1].isdigit() else 0), body


def ask_database(other: Other, timeout: float) -> Voice:
    """Ask a role probe until it has looked at its host's files after we began to ask, or the time is over."""
    began = time.monotonic()
    deadline = began + timeout
    voice = Voice(other.name, DATABASE, error="does not answer")
    try:
        while True:
            document = json.loads(get(other, PROBE_PATH, deadline)[1])
            age = files_age(document)
            fresh = age is not None and age < time.monotonic() - began
            voice = database_voice(other.name, document, fresh=fresh)
            if fresh or time.monotonic() + AGAIN_S >= deadline:
                return voice
            time.sleep(AGAIN_S)
    except OSError as error:
        # An earlier answer stays: it may say that somebody went on.
        why = f"does not answer ({error.strerror or error})"
        return voice if voice.system_identifier else Voice(other.name, DATABASE, error=why)
    except (ValueError, TypeError, AttributeError) as error:
        return Voice(other.name, DATABASE, error=f"answers something unreadable ({type(error).__name__})")


def ask_load_balancer(other: Other, server: str, timeout: float) -> Voice:
    """Ask HAProxy's statistics."""
    try:
        status, body = get(other, STATS_PATH, time.monotonic() + timeout)
    except OSError as error:
        return Voice(other.name, LOAD_BALANCER, error=f"does not answer ({error.strerror or error})")
    if status != 200:
        return Voice(other.name, LOAD_BALANCER, error=f"answers {status} to {STATS_PATH}")
    return balancer_voice(other.name, body.decode(errors="replace"), server)


def ask_all(config: Config) -> list[Voice]:
    """One voice for each other host, in the order of the configuration."""
    limit = config.ask_timeout

    def database(other: Other) -> Callable[[], Voice]:
        return lambda: ask_database(other, limit)

    def balancer(other: Other) -> Callable[[], Voice]:
        return lambda: ask_load_balancer(other, config.name, limit)

    asked = [(other, DATABASE, database(other)) for other in config.databases]
    asked += [(other, LOAD_BALANCER, balancer(other)) for other in config.load_balancers]
    found: dict[str, Voice] = {}
    threads = [
        threading.Thread(target=_note, args=(found, other.name, ask), daemon=True) for other, _kind, ask in asked
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + limit + 0.2
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [found.get(other.name) or Voice(other.name, kind, error="does not answer") for other, kind, _ask in asked]


def _note(found: dict[str, Voice], name: str, ask: Callable[[], Voice]) -> None:
    found[name] = ask()
