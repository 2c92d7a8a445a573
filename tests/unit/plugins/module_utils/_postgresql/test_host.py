"""What a database host offers and lacks, read from made-up hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import host
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout

MEMINFO = "MemTotal:        8000000 kB\nMemFree: 1 kB\n"


class Silent:
    """No command is there."""

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Not installed."""
        return Completed(127, "", "not installed")


def write(root: Path, name: str, text: str = "") -> None:
    """One file of the made-up host."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('ID=debian\nVERSION_ID="13"\n', "13"),
        ('VERSION_ID="12"\nID=debian\n', "12"),
        ('ID=ubuntu\nVERSION_ID="24.04"\nID_LIKE=debian\n', ""),
        ("ID=debian\n", ""),
    ],
)
def test_release(tmp_path: Path, text: str, number: str) -> None:
    """Debian's number; nothing for anything else."""
    write(tmp_path, "etc/os-release", text)
    assert host.release(str(tmp_path)) == number


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 8000000 * 1024),
        ({"sys/fs/cgroup/memory.max": "max\n"}, 8000000 * 1024),
        ({"sys/fs/cgroup/memory.max": "1073741824\n"}, 1 << 30),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8000000 * 1024),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n"}, 1 << 29),
        ({"sys/fs/cgroup/memory.max": str(1 << 50)}, 8000000 * 1024),
    ],
)
def test_memory(tmp_path: Path, limits: dict[str, str], expected: int) -> None:
    """The machine's memory, or its control group's limit when that is lower."""
    write(tmp_path, "proc/meminfo", MEMINFO)
    for name, text in limits.items():
        write(tmp_path, name, text)
    assert host.memory_bytes(str(tmp_path)) == expected


def test_missing_packages(tmp_path: Path) -> None:
    """Removed but still configured counts as missing; without dpkg everything is."""
    assert host.missing_packages(["a"], str(tmp_path)) == ["a"]
    write(
        tmp_path,
        "var/lib/dpkg/status",
        "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: deinstall ok config-files\n\n",
    )
    assert host.missing_packages(["a", "b", "c"], str(tmp_path)) == ["b", "c"]


def test_other_majors_of_the_same_cluster(tmp_path: Path) -> None:
    """Another cluster's name and our own data do not count."""
    for name, version in (("15/main", "15"), ("17/main", "17"), ("16/reports", "16")):
        write(tmp_path, f"var/lib/postgresql/{name}/PG_VERSION", version + "\n")
    found = host.other_clusters(Layout("17", "main", str(tmp_path)))
    assert found == [f"{tmp_path}/var/lib/postgresql/15/main (Postgres 15)"]


def test_a_bare_host(tmp_path: Path) -> None:
    """Nothing is installed, nothing is assumed, and the release's own version is chosen."""
    write(tmp_path, "etc/os-release", 'ID=debian\nVERSION_ID="13"\n')
    write(tmp_path, "proc/meminfo", MEMINFO)
    seen = host.observe_host(
        Silent(),
        version="",
        cluster="main",
        packages=["postgresql-%v"],
        certificate_names=["pg1"],
        renew_before_days=60,
        root=str(tmp_path),
    )
    assert (seen["version"], seen["missing_packages"], seen["data_version"]) == ("17", ["postgresql-17"], "")
    assert seen["tls"] == {"reason": "there is no certificate", "ca_fingerprint": ""}
    assert seen["disk_bytes"] > 0
    assert not seen["standby_signal"]


def test_a_version_that_was_asked_for_wins(tmp_path: Path) -> None:
    """Over the release's own."""
    write(tmp_path, "proc/meminfo", MEMINFO)
    seen = host.observe_host(
        Silent(),
        version="16",
        cluster="main",
        packages=["postgresql-%v"],
        certificate_names=[],
        renew_before_days=1,
        root=str(tmp_path),
    )
    assert (seen["version"], seen["missing_packages"]) == ("16", ["postgresql-16"])


class Openssl:
    """An openssl that says of one certificate what it is told to."""

    def __init__(self, verify: str = "", lasts: bool = True, private: str = "KEY") -> None:
        self.verify, self.lasts, self.private = verify, lasts, private

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Answer one command."""
        if "verify" in argv:
            return Completed(2 if self.verify else 0, "", self.verify)
        if "-checkend" in argv:
            assert argv[-1] == str(60 * 86400)
            return Completed(0 if self.lasts else 1, "", "")
        if "pkey" in argv:
            return Completed(0, self.private, "")
        return Completed(0, "KEY" if "-pubkey" in argv else "DNS:pg1", "")


@pytest.mark.parametrize(
    ("openssl", "key", "ca", "lasts"),
    [
        (Openssl(), True, True, True),
        (Openssl(private="OTHER"), False, True, True),
        (Openssl(verify="self-signed certificate in chain"), True, False, True),
        (Openssl(verify="error 10: certificate has expired", lasts=False), True, True, False),
    ],
)
def test_certificate(tmp_path: Path, openssl: Openssl, key: bool, ca: bool, lasts: bool) -> None:
    """An expired certificate of our CA is worn out, not foreign."""
    for name in ("server.crt", "server.key", "ca.crt"):
        write(tmp_path, name)
    found = host.certificate(openssl, tmp_path, 60)
    assert (found.names, found.key_matches, found.ca_matches, found.lasts) == (frozenset({"DNS:pg1"}), key, ca, lasts)
