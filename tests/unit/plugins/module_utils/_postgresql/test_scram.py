"""Verifiers that Postgres accepts, without the password being told."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import scram

# RFC 7677, section 3: user "user", password "pencil", this salt, 4096 rounds; the proof there was made with these keys.
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")


def test_keys_are_those_of_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server signature of the RFC's example follows from our ServerKey."""

    class Digest:
        def digest(self) -> bytes:
            return RFC_SALT + bytes(16)

    real = scram.hashlib.sha256
    monkeypatch.setattr(scram.hashlib, "sha256", lambda text=b"": Digest() if b"scram salt" in text else real(text))
    made = scram.verifier("pencil", "any")
    monkeypatch.undo()
    server_key = base64.b64decode(made.rsplit(":", 1)[1])
    auth_message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = scram._hmac(server_key, auth_message)
    assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_rerun_compares_equal_and_roles_differ() -> None:
    """The salt follows from cluster and role, never from the password."""
    first = scram.verifier("a long secret", "orders/app")
    assert first == scram.verifier("a long secret", "orders/app")
    assert first.split("$")[1] == scram.verifier("another one", "orders/app").split("$")[1]
    assert first.split("$")[1] != scram.verifier("a long secret", "orders/other").split("$")[1]


@pytest.mark.parametrize("password", ["", "naïve", "tab\there", "new\nline"])
def test_refused_passwords(password: str) -> None:
    """What SASLprep might change is refused, and the refusal does not repeat it."""
    with pytest.raises(ValueError, match="password") as refusal:
        scram.verifier(password, "x")
    assert not password or password not in str(refusal.value)
