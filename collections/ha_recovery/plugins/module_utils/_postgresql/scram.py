# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SCRAM-SHA-256 verifiers, so that a password never reaches the server and so never its log.

Source: RFC 5802, RFC 7677; PostgreSQL manual, pg_authid.rolpassword.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

ITERATIONS = 4096


def verifier(password: str, salt_from: str, iterations: int = ITERATIONS) -> str:
    """What Postgres stores for ``password``.

    The salt follows from ``salt_from`` (cluster and role name), so that a rerun compares equal. It is unique per role
    and cluster, which is what a salt is for; it must not follow from the password, or it would help to guess it.
    Passwords are ASCII, for which SASLprep changes nothing.
    """
    if not password:
        raise ValueError("the password is empty")
    if not password.isascii() or not password.isprintable():
        raise ValueError("the password holds characters other than printable ASCII")
    salt = hashlib.sha256(f"ha_recovery scram salt\0{salt_from}".encode()).digest()[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored_key = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    server_key = _hmac(salted, b"Server Key")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
