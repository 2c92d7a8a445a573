# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the repositories of an inventory can be made. Pure. Secrets are judged and never repeated.

==============================================  ==========================================================
an entry                                        has
==============================================  ==========================================================
type posix, or without a type                   an absolute path
type s3                                         path, bucket, endpoint, region, key and key_secret
two of them                                     different places
==============================================  ==========================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

TYPES = ("posix", "s3")
S3_NEEDS = ("bucket", "endpoint", "region", "key", "key_secret")
_ENDPOINT = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")
_PATH = re.compile(r"/[^\s=#]*")
_SECRET = re.compile(r"[!-~]+")


def place_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the repository is."""
    if entry.get("type", "posix") == "s3":
        return (str(entry.get("endpoint")), str(entry.get("bucket")), str(entry.get("path")))
    return (str(entry.get("path")),)


def mistakes(entries: Any) -> list[tuple[str, str]]:
    """(what was observed, what is allowed), of each mistake."""
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        return [("is not a list of one repository or more", "a list of dictionaries, each with a path")]
    found: list[tuple[str, str]] = []
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, Mapping):
            found += [(f"has as number {number} {what}", allowed) for what, allowed in _of_one(entry)]
        else:
            found.append((f"has as number {number} no dictionary", "one with a path"))
    places = [place_of(one) for one in entries if isinstance(one, Mapping)]
    twice = sorted({" ".join(one) for one in places if places.count(one) > 1})
    if twice:
        found.append((f"names {', '.join(twice)} more than once", "a place of its own for each repository"))
    return found


def _of_one(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    kind = entry.get("type", "posix")
    if kind not in TYPES:
        return [(f"one of type {kind!r}", ", ".join(TYPES))]
    found: list[tuple[str, str]] = []
    path = str(entry.get("path") or "")
    if not _PATH.fullmatch(path):
        found.append((f"one with the path {path!r}", "an absolute path without blanks"))
    if kind == "posix":
        return found
    missing = [name for name in S3_NEEDS if not entry.get(name)]
    if missing:
        found.append((f"one of type s3 without {', '.join(missing)}", f"one with {', '.join(S3_NEEDS)}"))
    endpoint = str(entry.get("endpoint") or "")
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        found.append((f"the endpoint {endpoint!r}", "host or host:port, which is spoken to over TLS"))
    unfit = [name for name in ("key", "key_secret") if entry.get(name) and not _SECRET.fullmatch(str(entry[name]))]
    if unfit:
        found.append((f"blanks or control characters in {', '.join(unfit)}", "printable ASCII"))
    return found
