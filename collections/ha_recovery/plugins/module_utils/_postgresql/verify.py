# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write and read back as a client does: over the network, with TLS and a password, through the virtual IP.

Each try opens connections of its own, as a client that lost its connection would.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import conninfo_value
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, detect_version

# psql puts :'name' in as a quoted literal, so that no value is ever part of the statement's text.
WRITE = """
INSERT INTO ha_recovery.verification (id, written_at, by) VALUES (:'id', clock_timestamp(), :'by');
"""
READ = """
SELECT json_build_object(
  'found', EXISTS (SELECT 1 FROM ha_recovery.verification WHERE id = :'id'),
  'server_address', host(inet_server_addr()),
  'in_recovery', pg_is_in_recovery(),
  'timeline', CASE WHEN NOT pg_is_in_recovery()
    THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END)
"""


@dataclass(frozen=True)
class Target:
    """Where and as whom to connect. The password is in ``passfile`` (libpq's), never in the command."""

    address: str
    port: int
    user: str
    database: str
    passfile: str
    sslmode: str
    sslrootcert: str | None
    connect_timeout: int = 2

    def conninfo(self) -> str:
        """The connection string."""
        pairs = {
            "host": self.address,
            "port": str(self.port),
            "user": self.user,
            "dbname": self.database,
            "passfile": self.passfile,
            "sslmode": self.sslmode,
            "connect_timeout": str(self.connect_timeout),
        }
        if self.sslrootcert:
            pairs["sslrootcert"] = self.sslrootcert
        return " ".join(f"{key}={conninfo_value(value)}" for key, value in pairs.items())


class VerifyFailed(Exception):
    """No write was acknowledged and read back in time: the last error, and how many ``tries`` there were."""

    def __init__(self, message: str, tries: int) -> None:
        super().__init__(message)
        self.tries = tries


def _psql(runner: Runner, layout: Layout, target: Target, sql: str, variables: dict[str, str], limit: float) -> Any:
    argv = [str(layout.bin_dir / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1"]
    for name, value in variables.items():
        argv += ["-v", f"{name}={value}"]
    # Of the transaction, not of the session: a pooler lends its sessions to others, and takes no settings at the start.
    bounded = f"BEGIN; SET LOCAL statement_timeout = {int(limit * 1000)};{sql.rstrip().rstrip(';')}; COMMIT;\n"
    env = {"PGAPPNAME": "ha_recovery verify"}
    return runner.run([*argv, "-d", target.conninfo(), "-f", "-"], timeout=limit + 0.5, stdin=bounded, env=env)


def write_and_read(
    runner: Runner,
    layout: Layout,
    target: Target,
    *,
    by: str,
    timeout: float,
    attempt_timeout: float = 3.0,
    every: float = 0.1,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Try until a row was written, acknowledged, and read back over a second connection, or ``timeout`` seconds passed.

    Returns server_address, timeline, tries, seconds (until the acknowledgement) and read_seconds (until read back).
    """
    began = clock()
    tries = 0
    last = "nothing tried"
    while True:
        tries += 1
        limit = max(0.2, min(attempt_timeout, timeout - (clock() - began)))
        variables = {"id": str(uuid.uuid4()), "by": by}
        done = _psql(runner, layout, target, WRITE, variables, limit)
        acknowledged = clock() - began
        if done.ok:
            done = _psql(runner, layout, target, READ, variables, limit)
            if done.ok:
                row = json.loads(done.stdout)
                if row["found"] and not row["in_recovery"]:
                    return {
                        "server_address": row["server_address"],
                        "timeline": row["timeline"],
                        "tries": tries,
                        "seconds": round(acknowledged, 3),
                        "read_seconds": round(clock() - began, 3),
                    }
                last = f"the row that {row['server_address']} acknowledged is not there"
        if not done.ok:
            last = done.reason
        if clock() - began >= timeout:
            raise VerifyFailed(last, tries)
        sleep(every)


DEFAULTS: dict[str, Any] = {
    "port": 5000,
    "user": "ha_verify",
    "database": "postgres",
    "passfile": "/etc/ha_recovery/verify.pgpass",
    "sslmode": "verify-ca",
    "sslrootcert": None,
    "version": None,
    "cluster": "main",
    "by": "client_check",
    "timeout": 15.0,
    "attempt_timeout": 3.0,
}


def run_check(runner: Runner, given: Mapping[str, Any]) -> dict[str, Any]:
    """What module and sessions share: parameters of M(sre.ha_recovery.client_check) in, its answer out.

    Raises VerifyFailed, whose message says what to do next.
    """
    params = {**DEFAULTS, **given}
    version = params["version"] or detect_version(params["cluster"])
    if version is None:
        raise VerifyFailed("no Postgres on this host, so no psql to test with; run this on a database host", 0)
    layout = Layout(version, params["cluster"])
    root = params["sslrootcert"] or str(layout.config_dir / "tls" / "ca.crt")
    names = ("address", "port", "user", "database", "passfile", "sslmode")
    target = Target(**{name: params[name] for name in names}, sslrootcert=root)
    limits = {name: params[name] for name in ("by", "timeout", "attempt_timeout")}
    try:
        return write_and_read(runner, layout, target, **limits)
    except VerifyFailed as problem:
        raise VerifyFailed(
            f"no write through {params['address']}:{params['port']} was acknowledged within {params['timeout']:g} s "
            f"({problem.tries} tries): {problem}. Next: ansible-playbook playbooks/status.yml",
            problem.tries,
        ) from problem
