# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What any host can say of itself before a change: its clock, the rights we have on it, certificates, disks.

Every fact that could not be had is None, with the reason beside it; a judge must never take that for "fine".
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner


def expiry_of(text: str) -> int | None:
    """Seconds since 1970 at which a certificate ends, out of ``openssl x509 -enddate``; None for anything else."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() == "notAfter":
            try:
                return int(ssl.cert_time_to_seconds(value.strip()))
            except ValueError:
                return None
    return None


def read_certificate(runner: Runner, path: Path, timeout: float = 2.0) -> dict[str, Any]:
    """``path``, ``expires_at`` (seconds since 1970 or None) and ``error`` of one PEM certificate."""
    if not path.exists():
        return {"path": str(path), "expires_at": None, "error": "it is not there"}
    done = runner.run(["openssl", "x509", "-in", str(path), "-noout", "-enddate"], timeout=timeout)
    expires = expiry_of(done.stdout) if done.ok else None
    return {"path": str(path), "expires_at": expires, "error": None if expires is not None else done.reason}


def read_certificates(runner: Runner, paths: Sequence[Path], timeout: float = 2.0) -> list[dict[str, Any]]:
    """:func:`read_certificate` of each, all at once."""
    if not paths:
        return []
    with ThreadPoolExecutor(max_workers=len(paths)) as pool:
        return list(pool.map(lambda path: read_certificate(runner, path, timeout), paths))


def read_disk(directory: Path) -> dict[str, Any]:
    """``path``, ``device``, ``total_bytes``, ``free_bytes`` (without what is kept for root), ``error``.

    ``directory`` may not exist yet: then the file system that will hold it is meant.
    """
    place = directory
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        size, device = os.statvfs(place), place.stat().st_dev
    except OSError as problem:
        unknown = {"device": None, "total_bytes": None, "free_bytes": None}
        return {"path": str(directory), **unknown, "error": problem.strerror or str(problem)}
    return {
        "path": str(directory),
        "device": device,
        "total_bytes": size.f_frsize * size.f_blocks,
        "free_bytes": size.f_frsize * size.f_bavail,
        "error": None,
    }


def read_privilege(runner: Runner, as_user: Callable[[str, Sequence[str]], list[str]], user: str) -> dict[str, Any]:
    """``root``: we are root; ``user``: we can become that user (True, False, None: not tried); ``error``."""
    root = os.geteuid() == 0
    if not user:
        return {"root": root, "user": None, "error": None}
    done = runner.run(as_user(user, ["id", "-un"]), timeout=2.0)
    became = done.ok and done.stdout.strip() == user
    return {"root": root, "user": became, "error": None if became else done.reason}


class Clock:
    """When looking began and ended by this host's clock, for whoever sent the question and knows when that was."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._first = now()

    def read(self) -> dict[str, float]:
        """``first`` and ``last``, seconds since 1970 with fractions."""
        return {"first": self._first, "last": self._now()}
