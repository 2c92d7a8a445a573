# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""check_haproxy ADDRESS HTTP_PORT TCP_PORT[/postgresql]... [hears=ADDRESS:PORT,...]: are its ports answered?

Keepalived runs it as vrrp_script. It asks every 0.2 s for 1.7 s; three failures in a row end it with status 1, and it
never ends on a failure that is not yet a verdict. A TCP connection alone proves little, for the kernel accepts it on
behalf of a hung process: hence the HTTP request, which only a living HAProxy answers, and on the pooler's ports the
question for encryption by GSSAPI (PostgreSQL manual, "Message Flow"), which a living pooler answers at once with a no,
paused or not, and without a line in its log (a question for TLS would have to be followed by a handshake).

A host that hears nobody cannot serve anybody, and yet its adverts may still arrive: hence the witnesses (the other load
balancer, the database hosts), of which one at least has to be heard. A refused connection was heard.
"""

from __future__ import annotations

import errno
import selectors
import socket
import sys
import time
from collections.abc import Callable, Sequence

EVERY_S = 0.2
PATIENCE_S = 0.2
RUN_S = 1.7
FAILURES = 3

REQUEST = b"GET /health HTTP/1.0\r\n\r\n"
GSS_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x30"


def answers(address: str, http_port: int, ports: Sequence[str], patience: float = PATIENCE_S) -> bool:
    """One look, of at most ``patience`` seconds in all: /health says 200, every other port accepts, a port that ends in
    /postgresql answers as Postgres does."""
    end = time.monotonic() + patience
    try:
        if _ask((address, http_port), REQUEST, 12, end)[8:12] != b" 200":
            return False
        for port in ports:
            number, _slash, protocol = port.partition("/")
            question = GSS_REQUEST if protocol == "postgresql" else b""
            if _ask((address, int(number)), question, 1, end) != (b"N" if question else b""):
                return False
    except OSError:
        return False
    return True


def _ask(address: tuple[str, int], question: bytes, length: int, end: float) -> bytes:
    """The first ``length`` bytes of the answer, or more; fewer when the connection ends before. Nothing to nothing."""
    with socket.create_connection(address, timeout=_left(end)) as connection:
        if not question:
            return b""
        connection.sendall(question)
        reply = b""
        while len(reply) < length:
            connection.settimeout(_left(end))
            chunk = connection.recv(4096)
            if not chunk:
                break
            reply += chunk
        return reply


def _left(end: float) -> float:
    return max(0.001, end - time.monotonic())


class Witnesses:
    """Hosts of which one at least is heard, unless this one is deaf."""

    def __init__(self, addresses: Sequence[tuple[str, int]]) -> None:
        self._addresses = list(addresses)

    def heard(self, patience: float = PATIENCE_S) -> bool:
        """Whether anybody answers, with yes or no; true without witnesses. Who did is asked first next time."""
        if not self._addresses:
            return True
        first = _first_to_answer(self._addresses[:1], patience / 4) or _first_to_answer(self._addresses, patience)
        if first is None:
            return False
        self._addresses.remove(first)
        self._addresses.insert(0, first)
        return True


def _first_to_answer(addresses: Sequence[tuple[str, int]], patience: float) -> tuple[str, int] | None:
    end = time.monotonic() + patience
    with selectors.DefaultSelector() as selector:
        try:
            for address in addresses:
                asked = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                asked.setblocking(False)
                status = asked.connect_ex(address)
                if status in {0, errno.ECONNREFUSED}:
                    asked.close()
                    return address
                if status == errno.EINPROGRESS:
                    selector.register(asked, selectors.EVENT_WRITE, address)
                else:
                    asked.close()
            while selector.get_map() and (left := end - time.monotonic()) > 0:
                for key, _events in selector.select(left):
                    asked = key.fileobj
                    if asked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in {0, errno.ECONNREFUSED}:
                        return key.data
                    selector.unregister(asked)
                    asked.close()
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()
    return None


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
    """Status 0 when every port is answered and somebody is heard, 1 when not."""
    address, http_port, *more = arguments
    ports = [word for word in more if not word.startswith("hears=")]
    named = ",".join(word.partition("=")[2] for word in more if word.startswith("hears="))
    pairs = [one.rpartition(":") for one in named.split(",") if one]
    witnesses = Witnesses([(host, int(number)) for host, _colon, number in pairs])

    def look() -> bool:
        return answers(address, int(http_port), ports) and witnesses.heard()

    return 0 if watch(look, time.monotonic, time.sleep) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
