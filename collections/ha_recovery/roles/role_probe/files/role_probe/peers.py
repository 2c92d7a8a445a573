# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the probes of the other database hosts, one thread each, so that a dead host delays nobody.

What they know and this host cannot: whether a newer primary exists, how far its WAL goes, and whether it counts this
host as synchronous.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .config import Config, PeerAddress
from .state import Peer

LARGEST_ANSWER = 262144
FADES = 0.8


def fetch(address: PeerAddress, timeout: float, clock: Callable[[], float]) -> Any:
    """GET /patroni of a peer, decoded. The limit holds for the whole exchange. Raises OSError or ValueError."""
    deadline = clock() + timeout
    with socket.create_connection((address.address, address.port), timeout=timeout) as channel:
        channel.sendall(f"GET /patroni HTTP/1.0\r\nHost: {address.name}\r\n\r\n".encode())
        answer = b""
        while len(answer) <= LARGEST_ANSWER:
            left = deadline - clock()
            if left <= 0:
                raise TimeoutError("timed out")
            channel.settimeout(left)
            part = channel.recv(65536)
            if not part:
                break
            answer += part
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def read_answer(before: Peer, document: Any, asked_at: float, answered_at: float) -> Peer:
    """What a peer's document says. Raises ValueError when it is not a probe's document."""
    if not isinstance(document, Mapping) or "state" not in document:
        raise ValueError("the answer is not a status document")
    xlog = document.get("xlog") or {}
    positions = [xlog.get(key) for key in ("location", "received_location", "replayed_location")]
    position = max((int(one) for one in positions if one is not None), default=None)
    return replace(
        before,
        asked_at=asked_at,
        answered_at=answered_at,
        error="",
        state=str(document["state"]),
        role=str(document.get("role", "")),
        timeline=int(document.get("timeline") or 0),
        system_identifier=str(document.get("database_system_identifier", "")),
        position=position,
        rate=_rate(before, position, answered_at),
        sync_states={
            str(item.get("application_name")): str(item.get("sync_state"))
            for item in document.get("replication") or []
            if item.get("state") == "streaming"
        },
    )


def _rate(before: Peer, position: int | None, now: float) -> float:
    """Bytes a second since the last answer; a burst is remembered for some seconds, and fades."""
    if position is None or before.position is None or before.answered_at is None or now <= before.answered_at:
        return before.rate * FADES
    return max((position - before.position) / (now - before.answered_at), before.rate * FADES)


class Peers:
    """The last answer of every peer."""

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float],
        get: Callable[[PeerAddress, float, Callable[[], float]], Any] = fetch,
    ) -> None:
        self._config, self._clock, self._get = config, clock, get
        self._known: dict[str, Peer] = {address.name: Peer(name=address.name) for address in config.peers}

    def known(self) -> tuple[Peer, ...]:
        """What is known now. Safe from any thread."""
        return tuple(self._known.values())

    def ask(self, address: PeerAddress) -> None:
        """Ask one peer once. Failing to reach it counts as having asked."""
        before, asked_at = self._known[address.name], self._clock()
        try:
            document = self._get(address, self._config.peer_timeout, self._clock)
            # Knowledge is as old as the question.
            self._known[address.name] = read_answer(before, document, asked_at, asked_at)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self._known[address.name] = replace(before, asked_at=asked_at, error=str(error) or type(error).__name__)

    def run(self, address: PeerAddress, stop: threading.Event) -> None:
        """Ask one peer at the configured interval until ``stop`` is set."""
        while not stop.is_set():
            began = self._clock()
            self.ask(address)
            stop.wait(max(0.05, self._config.peer_interval - (self._clock() - began)))
