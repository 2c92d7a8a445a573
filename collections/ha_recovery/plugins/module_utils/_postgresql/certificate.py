# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server certificate will still do, judged from what ``openssl`` prints.

Pure. Source: openssl-x509(1), openssl-verify(1).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Certificate:
    """What was found on the host. ``None`` means that the file is not there or could not be read."""

    names: frozenset[str] | None = None
    #: The certificate is valid for longer than the renewal period.
    lasts: bool = False
    #: The key on disk belongs to it.
    key_matches: bool = False
    #: The CA on disk signed it.
    ca_matches: bool = False


def parse_names(text: str) -> frozenset[str]:
    """Subject alternative names out of ``openssl x509 -noout -ext subjectAltName``, as 'DNS:pg1' and 'IP:10.0.0.1'."""
    names = set()
    for line in text.splitlines():
        for part in line.split(","):
            kind, colon, value = part.strip().partition(":")
            if colon and kind == "DNS":
                names.add(f"DNS:{value.lower()}")
            elif colon and kind == "IP Address":
                names.add(f"IP:{ipaddress.ip_address(value)}")
    return frozenset(names)


def wanted_names(names: Iterable[str]) -> frozenset[str]:
    """The names a certificate should carry; each is told apart as an address or a host name.

    ``DNS:192.0.2.21`` is an address as a host name, for clients that compare text and know no addresses.
    """
    result = set()
    for name in names:
        if name.startswith("DNS:"):
            result.add(f"DNS:{name[4:].lower()}")
            continue
        try:
            result.add(f"IP:{ipaddress.ip_address(name)}")
        except ValueError:
            result.add(f"DNS:{name.lower()}")
    return frozenset(result)


def why_renew(found: Certificate, wanted: frozenset[str]) -> str:
    """Why a new certificate is needed; empty when the one on disk will do.

    Names that are there but no longer wanted are a reason as well: they are addresses that this host has given up.
    """
    if found.names is None:
        return "there is no certificate"
    if not found.key_matches:
        return "the key on disk does not belong to the certificate"
    if not found.ca_matches:
        return "the cluster CA on disk did not sign the certificate"
    if not found.lasts:
        return "the certificate expires soon"
    missing = sorted(wanted - found.names)
    if missing:
        return f"the certificate lacks {', '.join(missing)}"
    surplus = sorted(found.names - wanted)
    return f"the certificate still carries {', '.join(surplus)}" if surplus else ""
