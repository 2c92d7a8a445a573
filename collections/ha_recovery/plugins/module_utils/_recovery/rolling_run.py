# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out one turn over open sessions.

A host's turn is maintenance in one go: it leaves, its packages are brought up to date where that is due, and it comes
back. Interrupted in between it is out for maintenance, with a note that says by what, and the next run brings it back.

A primary whose settings become lower is restarted in place: the pools hold queries, it stops cleanly and starts again.
What fails is undone as in a switchover: it is started, and the pools go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import Done, StepFailed
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance_run import Maintenance
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.switchover_run import Switchover

UPDATE_S = 900.0


class HostTurn(Maintenance):
    """Out, up to date, in. ``packages``: none where only a restart is due."""

    packages: tuple[str, ...] = ()

    def run(self) -> Done:
        """Never raises for what a host does. ``restored``: it could not leave, and serves as before."""
        try:
            if not self.plan["begun"]:
                self.leave_service()
            self._undo.clear()
            if self.packages:
                wanted: Mapping[str, Any] = {"packages": list(self.packages), "timeout": UPDATE_S}
                self._one("Bring its packages up to date", "packages_update", UPDATE_S + 20, wanted)
            self.come_back()
        except StepFailed as failure:
            self.outcome.problems.append(str(failure))
            if self._undo:
                self._take_back()
        else:
            self.verify()
        self.outcome.changed = True
        return self.outcome


class PrimaryRestart(Switchover):
    """To nobody else: ``plan`` is a switchover's, with a standby as ``new`` that only watches, and no siblings."""

    def run(self) -> Done:  # type: ignore[override]
        """Never raises for what a host does. ``restored``: it runs as before, with its old settings or the new ones."""
        try:
            self._before()
            self._stop()
            self._step("Start the primary again", {self.old: {"hand_over_start": {}}}, 90)
            self._step("Let the load balancers use it again", self._turn("turn_back"), 10)
            self._step("Have them use it at once", self._turn("turn_to_promoted", new=self.old), 10)
        except StepFailed as failure:
            self.outcome.problems.append(str(failure))
            self._take_back()
            return self.outcome
        for pool in ("read_write", "read_only"):
            self._forward("Let the queries go on", self._pools("pgbouncer_resume", pool), 8)
        self.outcome.held_s = round(self.clock() - self._held_since, 3)
        where, limit = str(self.plan["verify_from"]), self.limits.verify
        asked = {"address": self.vip, "port": self.port, "by": self.by, "timeout": limit}
        values = self._forward("Write and read through the virtual IP", {where: {"client_check": asked}}, limit + 5)
        self._verified(values.get(where, {}), f"{self.vip}:{self.port}")
        return self.outcome
