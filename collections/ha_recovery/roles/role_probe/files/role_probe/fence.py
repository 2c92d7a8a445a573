# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the fence marker present? It is left by whoever took this host out of the cluster, and means: keep stopped."""

from __future__ import annotations

from pathlib import Path


def read_fence(pattern: str, server_version: int | None) -> bool | None:
    """True when the marker of the running server's major version exists, None when nobody lets us look.

    :param pattern: path with ``{major}`` in it; while no server runs, a marker of any version counts.
    """
    if server_version is not None:
        return _exists(Path(pattern.replace("{major}", str(server_version // 10000))))
    before, _marker, after = pattern.partition("{major}")
    if not after:
        return _exists(Path(pattern))
    try:
        majors = sorted(entry.name for entry in Path(before or ".").iterdir() if entry.name.isdigit())
    except FileNotFoundError:
        return False
    except OSError:
        return None
    found = [_exists(Path(f"{before}{major}{after}")) for major in majors]
    return True if True in found else (None if None in found else False)


def _exists(path: Path) -> bool | None:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return None
    return True
