# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What provisioning needs to know of a database host before it changes anything there."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.certificate import (
    Certificate,
    parse_names,
    wanted_names,
    why_renew,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout

#: The Postgres that each Debian release carries.
RELEASE_VERSIONS = {"12": "15", "13": "17"}
#: cgroups without a limit say so with 'max' (version 2) or a number near 2^63 (version 1).
_NO_LIMIT = 1 << 60


def release(root: str = "/") -> str:
    """Debian's release number, such as 13; empty on anything else."""
    try:
        text = Path(root, "etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return ""
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return fields.get("VERSION_ID", "").split(".")[0] if fields.get("ID") == "debian" else ""


def memory_bytes(root: str = "/") -> int:
    """Memory that Postgres may use, in bytes: the machine's, or the control group's limit when that is lower."""
    meminfo = Path(root, "proc/meminfo").read_text(encoding="ascii")
    found = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    total = int(found.group(1)) * 1024 if found else 0
    for name in ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(root, name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < _NO_LIMIT:
            total = min(total, int(text))
    return total


def disk_bytes(directory: Path) -> int:
    """Size of the filesystem that holds, or will hold, ``directory``."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    stat = os.statvfs(directory)
    return stat.f_frsize * stat.f_blocks


def missing_packages(wanted: Sequence[str], root: str = "/") -> list[str]:
    """Those of ``wanted`` that dpkg does not list as installed. Its status file is cheaper than apt."""
    try:
        text = Path(root, "var/lib/dpkg/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return list(wanted)
    installed = set()
    for block in text.split("\n\n"):
        if "\nStatus: install ok installed" in block:
            installed.add(block.split("\n", 1)[0].removeprefix("Package: "))
    return [name for name in wanted if name not in installed]


def data_version(directory: Path) -> str:
    """PG_VERSION of a data directory; empty when there is none."""
    try:
        return (directory / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def other_clusters(layout: Layout) -> list[str]:
    """Data of this cluster in another major version, as readable text. Clusters of other names do not matter."""
    base = Path(layout.root, "var/lib/postgresql")
    own = layout.data_directory()
    return [
        f"{path.parent} (Postgres {data_version(path.parent)})"
        for path in sorted(base.glob(f"*/{layout.cluster}/PG_VERSION"))
        if path.parent != own
    ]


def certificate(runner: Runner, directory: Path, renew_before_days: int) -> Certificate:
    """The server certificate in ``directory``; its private key is read by openssl on this host only."""
    crt, key, ca = (str(directory / name) for name in ("server.crt", "server.key", "ca.crt"))
    if not all(Path(name).exists() for name in (crt, key, ca)):
        return Certificate()
    names = runner.run(["openssl", "x509", "-in", crt, "-noout", "-ext", "subjectAltName"], timeout=5)
    if not names.ok:
        return Certificate()
    lasts = runner.run(
        ["openssl", "x509", "-in", crt, "-noout", "-checkend", str(renew_before_days * 86400)], timeout=5
    )
    signed = runner.run(["openssl", "verify", "-no-CApath", "-CAfile", ca, crt], timeout=5)
    public = runner.run(["openssl", "x509", "-in", crt, "-noout", "-pubkey"], timeout=5)
    private = runner.run(["openssl", "pkey", "-in", key, "-pubout"], timeout=5)
    return Certificate(
        names=parse_names(names.stdout),
        lasts=lasts.ok,
        key_matches=public.ok and private.ok and public.stdout == private.stdout,
        # An expired certificate is the renewal's business, not a sign of a foreign CA.
        ca_matches=signed.ok or "certificate has expired" in signed.stdout + signed.stderr,
    )


def ca_fingerprint(runner: Runner, path: Path) -> str:
    """SHA-256 fingerprint of the CA certificate on disk; empty when there is none."""
    if not path.exists():
        return ""
    done = runner.run(["openssl", "x509", "-in", str(path), "-noout", "-fingerprint", "-sha256"], timeout=5)
    return done.stdout.strip().rpartition("=")[2] if done.ok else ""


def observe_host(
    runner: Runner,
    *,
    version: str,
    cluster: str,
    packages: Sequence[str],
    certificate_names: Sequence[str],
    renew_before_days: int,
    root: str = "/",
) -> dict[str, Any]:
    """All of the above for one host. ``%v`` in a package's name stands for the major version."""
    number = release(root)
    chosen = version or RELEASE_VERSIONS.get(number, "")
    layout = Layout(chosen or "0", cluster, root)
    directory = layout.data_directory()
    tls = layout.config_dir / "tls"
    found = certificate(runner, tls, renew_before_days)
    return {
        "release": number,
        "version": chosen,
        "memory_bytes": memory_bytes(root),
        "disk_bytes": disk_bytes(directory),
        "missing_packages": missing_packages([name.replace("%v", chosen) for name in packages], root),
        "data_directory": str(directory),
        "data_version": data_version(directory),
        "data_directory_is_mount": os.path.ismount(directory),
        "standby_signal": (directory / "standby.signal").exists(),
        "other_clusters": other_clusters(layout),
        "tls": {
            "reason": why_renew(found, wanted_names(certificate_names)),
            "ca_fingerprint": ca_fingerprint(runner, tls / "ca.crt"),
        },
    }
