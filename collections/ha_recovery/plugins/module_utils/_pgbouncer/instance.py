# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One PgBouncer process of a load balancer: where its files are, and the lease of its pause on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy import state_store
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import lease as leases

POOLS = ("read_write", "read_only")
LOCK_WAIT_S = 5.0


class LeaseError(Exception):
    """The timer that ends the lease could not be started; nothing was paused."""


@dataclass(frozen=True)
class Instance:
    """One PgBouncer process. ``run``: where runtime files are; ``etc``: where its configuration is."""

    pool: str
    run: str = "/run"
    etc: str = "/etc/pgbouncer"
    program: str = "/usr/local/lib/ha_recovery/pgbouncer_lease"

    @property
    def configured(self) -> bool:
        """Whether this host is meant to run it."""
        return Path(self.etc, f"{self.pool}.ini").exists()

    @property
    def socket_directory(self) -> str:
        """Where the console's socket is."""
        return f"{self.run}/pgbouncer/{self.pool}"

    @property
    def lease_file(self) -> str:
        """Where the lease is written down. It is forgotten at boot, as PgBouncer forgets a pause."""
        return f"{self.run}/ha_recovery/pgbouncer_{self.pool}.lease"


def lease_of(instance: Instance) -> leases.Lease | None:
    """The lease as it is written down; None when there is none."""
    return leases.parse(state_store.read(instance.lease_file))


def arm(
    runner: Runner, instance: Instance, seconds: float, by: str, clock: Callable[[], float] = time.monotonic
) -> None:
    """Start the timer, then move the deadline: whatever fails in between leaves the lease as it was."""
    lease = leases.Lease(deadline_s=clock() + seconds, seconds=seconds, by=by)
    if not Path(instance.program).exists():
        raise LeaseError(f"{instance.program} is not installed, so that nothing would end the lease")
    done = runner.run(leases.timer_command(instance.pool, lease, instance.program), timeout=5)
    if not done.ok:
        raise LeaseError(f"systemd did not start the timer that ends the lease: {done.reason}")
    Path(instance.lease_file).parent.mkdir(mode=0o755, exist_ok=True)
    with state_store.lock(instance.lease_file, LOCK_WAIT_S):
        state_store.write(instance.lease_file, leases.render(lease))


def disarm(runner: Runner, instance: Instance) -> None:
    """Forget the lease; timers that are left would find none, and are stopped for tidiness."""
    with state_store.lock(instance.lease_file, LOCK_WAIT_S):
        Path(instance.lease_file).unlink(missing_ok=True)
    runner.run(["systemctl", "stop", leases.timer_pattern(instance.pool)], timeout=5)
