"""Which repositories an inventory may name."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.repositories import mistakes

S3 = {
    "type": "s3", "path": "/orders", "bucket": "backup", "endpoint": "s3.example.com:9000", "region": "eu",
    "key": "AKIAKEY", "key_secret": "hush-hush",
}  # fmt: skip


@pytest.mark.parametrize(
    "entries",
    [
        [{"path": "/var/lib/pgbackrest"}],
        [{"path": "/a", "type": "posix"}, {"path": "/b"}],
        [{"path": "/orders"}, S3],
        [S3, {**S3, "bucket": "other"}],
    ],
)
def test_what_can_be_made(entries: Any) -> None:
    """A folder and a bucket may have the same path."""
    assert mistakes(entries) == []


@pytest.mark.parametrize(
    ("entries", "observed", "allowed"),
    [
        ([], "is not a list", "each with a path"),
        ("/var/lib/pgbackrest", "is not a list", "each with a path"),
        (["/a"], "number 1 no dictionary", "one with a path"),
        ([{"path": "/a"}, {}], "number 2 one with the path ''", "an absolute path"),
        ([{"path": "a b"}], "one with the path 'a b'", "an absolute path"),
        ([{"path": "/a", "type": "gcs"}], "one of type 'gcs'", "posix, s3"),
        ([{"path": "/a"}, {"path": "/a"}], "names /a more than once", "a place of its own"),
        ([S3, S3], "names s3.example.com:9000 backup /orders more than once", "a place of its own"),
        ([{**S3, "bucket": ""}], "one of type s3 without bucket", "one with bucket, endpoint"),
        ([{"type": "s3", "path": "/a"}], "without bucket, endpoint, region, key, key_secret", "key_secret"),
        ([{**S3, "endpoint": "http://s3"}], "the endpoint 'http://s3'", "over TLS"),
        ([{**S3, "key_secret": "hush hush"}], "blanks or control characters in key_secret", "printable ASCII"),
        ([{**S3, "key": "a\nb"}], "blanks or control characters in key", "printable ASCII"),
    ],
)
def test_what_cannot(entries: Any, observed: str, allowed: str) -> None:
    """Each with what is allowed instead, and no secret."""
    ((said, instead),) = mistakes(entries)
    assert observed in said and allowed in instead and "hush" not in said
