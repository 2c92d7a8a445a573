"""When a server needs a new certificate."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.certificate import (
    Certificate,
    parse_names,
    wanted_names,
    why_renew,
)

GOOD = Certificate(names=frozenset({"DNS:pg1", "IP:192.0.2.21"}), lasts=True, key_matches=True, ca_matches=True)
WANTED = wanted_names(["PG1", "192.0.2.21"])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (GOOD, ""),
        (Certificate(), "there is no certificate"),
        (replace(GOOD, key_matches=False), "the key on disk does not belong to the certificate"),
        (replace(GOOD, ca_matches=False), "the cluster CA on disk did not sign the certificate"),
        (replace(GOOD, lasts=False), "the certificate expires soon"),
        (replace(GOOD, names=frozenset({"DNS:pg1"})), "the certificate lacks IP:192.0.2.21"),
        (replace(GOOD, names=frozenset({*WANTED, "IP:192.0.2.9"})), "the certificate still carries IP:192.0.2.9"),
    ],
)
def test_why_renew(found: Certificate, reason: str) -> None:
    """One row per reason, and one for a certificate that will do."""
    assert why_renew(found, WANTED) == reason


def test_parse_names() -> None:
    """openssl's own words; IPv6 is written in its one short form."""
    text = "X509v3 Subject Alternative Name: \n    DNS:Pg1, IP Address:192.0.2.21, IP Address:2001:DB8:0:0:0:0:0:1\n"
    assert parse_names(text) == {"DNS:pg1", "IP:192.0.2.21", "IP:2001:db8::1"}
    assert parse_names("No extensions in certificate\n") == frozenset()


def test_an_address_as_a_host_name() -> None:
    """For clients that compare text: it is another name than the address."""
    wanted = wanted_names(["pg1", "192.0.2.21", "DNS:192.0.2.21"])
    assert wanted == {"DNS:pg1", "IP:192.0.2.21", "DNS:192.0.2.21"}
    assert parse_names("DNS:pg1, DNS:192.0.2.21, IP Address:192.0.2.21") == wanted
