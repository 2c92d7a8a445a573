"""Ask a Postgres for a session over TLS, without a client library, and print what it says first.

Source: PostgreSQL manual, "Message Flow" and "Message Formats". Arguments: address, database, user.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys


def main() -> None:
    """Print 'R' and what follows (the server asks for a password) or the server's error."""
    address, database, user = sys.argv[1:4]
    with socket.create_connection((address, 5432), timeout=5) as plain:
        plain.sendall(struct.pack("!ii", 8, 80877103))
        if plain.recv(1) != b"S":
            sys.exit("no TLS")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(plain) as session:
            body = b"user\0%s\0database\0%s\0\0" % (user.encode(), database.encode())
            session.sendall(struct.pack("!ii", len(body) + 8, 196608) + body)
            print(session.recv(4096).replace(b"\0", b" ").decode(errors="replace"))


if __name__ == "__main__":
    main()
