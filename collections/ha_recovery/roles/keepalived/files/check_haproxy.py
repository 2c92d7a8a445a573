# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""check_haproxy ADDRESS HTTP_PORT TCP_PORT...: does HAProxy answer on the ports of the virtual IP?

Keepalived runs it as vrrp_script. It asks every 0.2 s for 1.7 s; three failures in a row end it with status 1, and it
never ends on a failure that is not yet a verdict. A TCP connection alone proves little, for the kernel accepts it on
behalf of a hung process: hence the HTTP request, which only a living HAProxy answers.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Sequence

EVERY_S = 0.2
PATIENCE_S = 0.2
RUN_S = 1.7
FAILURES = 3

REQUEST = b"GET /health HTTP/1.0\r\n\r\n"


def answers(address: str, http_port: int, tcp_ports: Sequence[int], patience: float = PATIENCE_S) -> bool:
    """One look, of at most ``patience`` seconds in all: /health says 200 and every other port accepts."""
    end = time.monotonic() + patience
    try:
        with socket.create_connection((address, http_port), timeout=_left(end)) as connection:
            connection.sendall(REQUEST)
            reply = b""
            while len(reply) < 12:
                connection.settimeout(_left(end))
                chunk = connection.recv(4096)
                if not chunk:
                    return False
                reply += chunk
        if reply[8:12] != b" 200":
            return False
        for port in tcp_ports:
            socket.create_connection((address, port), timeout=_left(end)).close()
    except OSError:
        return False
    return True


def _left(end: float) -> float:
    return max(0.001, end - time.monotonic())


def watch(look: Callable[[], bool], clock: Callable[[], float], sleep: Callable[[float], None]) -> bool:
    """True after RUN_S with a good last look, False after FAILURES bad looks in a row."""
    begin = clock()
    failures = 0
    while True:
        started = clock()
        failures = 0 if look() else failures + 1
        if failures >= FAILURES:
            return False
        if not failures and clock() - begin >= RUN_S:
            return True
        sleep(max(0.0, started + EVERY_S - clock()))


def main(arguments: Sequence[str]) -> int:
    """Status 0 when HAProxy answers, 1 when it does not."""
    address, http_port, *tcp_ports = arguments
    ports = [int(port) for port in tcp_ports]
    return 0 if watch(lambda: answers(address, int(http_port), ports), time.monotonic, time.sleep) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
