# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the role probe what lies on the disk, over a unix socket that systemd made. One question at a time."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

FIRST_DESCRIPTOR = 3  # sd_listen_fds(3)
SEND_S = 1.0


def serve(answer: Callable[[], bytes]) -> None:
    """Answer every connection with what is true now. Until it is ended."""
    with socket.socket(fileno=FIRST_DESCRIPTOR) as listener:
        listener.setblocking(True)
        while True:
            answer_one(listener, answer)


def answer_one(listener: socket.socket, answer: Callable[[], bytes]) -> None:
    """One connection. What goes wrong with one question is no reason to leave the next one without an answer."""
    channel, _peer = listener.accept()
    with channel:
        channel.settimeout(SEND_S)
        try:
            channel.sendall(answer())
        except Exception as error:
            print(f"boot guard: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
