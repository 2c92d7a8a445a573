# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a lost cluster back from its backups, over open sessions, as planned: the two parts on both sides of site.yml.

First: note down, hold, restore, recover, prove, promote. Then, with standbys and load balancers there: synchronous
replication, a full backup, traffic, proof. Interrupted at any step, a rerun goes on from the notes.
"""

from __future__ import annotations

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.conductor import StepFailed
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.disaster import DISASTER, WRITABLE
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_run import Outcome, Restore


class Disaster(Restore):
    """One run of one part. What ``rest`` are here have no data yet."""

    alone = True

    def run_part(self, part: str) -> Outcome:
        """``part``: recover or complete. Never raises for what a host does."""
        try:
            if part == "recover":
                self._recover()
            else:
                self._complete()
        except StepFailed as failure:
            text = str(failure).rstrip(".")
            self.outcome.problems.append(f"{text}. Next: put that right, then {DISASTER} goes on")
        self.outcome.changed = any(step["result"] == "changed" for step in self.outcome.steps)
        return self.outcome

    def _recover(self) -> None:
        if self._phase in WRITABLE:
            return
        noted = self._step("Write down what is to be done", self._all("restore_note", {"note": self.note}), 15)
        self.note = dict(noted[self.host]["note"])
        if self._phase == "begun":
            hold = {"by": self.by, "reason": "disaster_recovery.yml restores the cluster", "new_primary": self.host,
                    "lift_with": DISASTER}  # fmt: skip
            self._here("Keep Postgres from starting", "rejoin_hold", hold, 60)
        self._restore()

    def _complete(self) -> None:
        sync = {self.host: {"rejoin_synchronous": {"host": self.host}}}
        self._step("Switch synchronous replication on again", sync, 10)
        self._back_up()
        self._let_in()
