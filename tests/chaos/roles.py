"""Who is who in an experiment, in the estate as it was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.lab.estate import DATABASE_HOSTS, REPOSITORY_HOST, Lab
from tests.lab.faults import ALL
from tests.lab.network import CONTROL
from tests.lab.shell import on_host

BALANCERS = ("lb1", "lb2")


class Roles(Mapping[str, str]):
    """Who is who. ``candidate`` is looked up when it is first named, ``promoted`` is set by the engine."""

    def __init__(self, lab: Lab, seen: Mapping[str, Any]) -> None:
        self._lab = lab
        holder = next(iter(seen["vip_holders"]), BALANCERS[0])
        self._known = {
            "primary": str(seen["primary"]),
            "holder": holder,
            "spare": next(host for host in BALANCERS if host != holder),
            "all": ALL,
            "control": CONTROL,
            "repository": REPOSITORY_HOST,
        }

    def _choose(self) -> None:
        """As failover.yml does: who has the most, then the name."""
        standbys = sorted(host for host in DATABASE_HOSTS if host != self._known["primary"])
        sql = "SELECT coalesce(pg_last_wal_receive_lsn(), '0/0') - '0/0'"
        ask = ["su", "postgres", "-c", f'psql -XAtqc "{sql}"']
        received = {host: float(on_host(self._lab, host, *ask, check=False) or 0) for host in standbys}
        standbys.sort(key=lambda host: -received[host])
        self._known["candidate"], self._known["other"] = standbys

    def __getitem__(self, role: str) -> str:
        if role in ("candidate", "other") and role not in self._known:
            self._choose()
        return self._known[role]

    def __setitem__(self, role: str, host: str) -> None:
        self._known[role] = host

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._known))

    def __len__(self) -> int:
        return len(self._known)
