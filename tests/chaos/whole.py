"""The lab is whole again, whatever happened to it: the gentlest way first, a new lab last."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.control_node import ROOT, Playbook
from tests.lab.estate import DATABASE_HOSTS, Lab
from tests.lab.faults import ALL, heal
from tests.lab.shell import LabError, on_host, state_of

ARTIFACTS = ROOT / "artifacts"
ASYNC_FILE = "/etc/postgresql/*/main/conf.d/99-chaos.conf"


class NotWhole(RuntimeError):
    """Nothing made the lab whole; nothing can be tried on it."""


def status(folder: Path, *options: str) -> dict[str, Any]:
    """What status.yml says."""
    path = ARTIFACTS / "status.json"
    path.unlink(missing_ok=True)
    log = folder / "status.log"
    Playbook("status.yml", options, log).wait(120)
    if not path.exists():
        return {"verdict": "unknown", "reasons": [{"host": "", "observed": log.read_text()[-500:]}], "primary": ""}
    return dict(json.loads(path.read_text()))


def status_when_green(folder: Path, *options: str, within: float = 40.0) -> dict[str, Any]:
    """What status.yml says once it is green, or at the end of the wait."""
    end = time.monotonic() + within
    seen = status(folder, *options)
    while seen["verdict"] != "green" and time.monotonic() < end:
        time.sleep(1)
        seen = status(folder, *options)
    return seen


def ask(lab: Lab, host: str, sql: str) -> str:
    """What the server of a host answers its superuser."""
    return on_host(lab, host, "runuser", "-u", "postgres", "--", "psql", "-XAtqc", sql)


def asynchronous(lab: Lab, hosts: Sequence[str] = DATABASE_HOSTS) -> None:
    """Commits wait for no standby, on whichever host is primary."""
    write = f"for f in {ASYNC_FILE.replace('99-chaos', '10-ha_recovery')}; do f=${{f%/*}}/99-chaos.conf; "
    write += "echo \"synchronous_standby_names = ''\" > $f; chmod 644 $f; done"
    for host in hosts:
        on_host(lab, host, "sh", "-c", write)
        _reload(lab, host)


def synchronous(lab: Lab) -> None:
    """As the inventory has it, on every host that is on."""
    for host in DATABASE_HOSTS:
        if state_of(lab, host) == "running":
            on_host(lab, host, "sh", "-c", f"rm -f {ASYNC_FILE}")
            _reload(lab, host)


def _reload(lab: Lab, host: str) -> None:
    sql = "SELECT pg_reload_conf()"
    on_host(lab, host, "su", "postgres", "-c", f'psql -XAtqc "{sql}"', check=False)


def make_whole(lab: Lab, folder: Path, say: Callable[[str], None] = print) -> str:
    """Returns what it took; raises NotWhole."""
    try:
        heal(lab, ALL)
        synchronous(lab)
    except LabError as error:
        say(f"heal: {error}")
    if status_when_green(folder, within=20)["verdict"] == "green":
        return "healed"
    for name in ("failover.yml", "rejoin.yml", "site.yml"):
        say(f"not green: {name}")
        log = folder / f"whole-{Path(name).name}.log"
        Playbook(name, [], log).wait(600)
        if status_when_green(folder, within=15)["verdict"] == "green":
            return Path(name).name
    for name in ("../molecule/default/destroy.yml", "../molecule/default/create.yml", "site.yml"):
        say(f"a new lab: {name}")
        Playbook(name, [], folder / f"whole-{Path(name).name}.log").wait(900)
    if status_when_green(folder)["verdict"] == "green":
        return "a new lab"
    raise NotWhole(f"the lab is broken and nothing mended it; what was tried: {folder}/whole-*.log")
