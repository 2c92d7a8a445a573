"""The order of the two parts of a disaster recovery, and what is said when a step fails."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.disaster_run import Disaster
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.restore_run import Outcome

from tests.unit.plugins.module_utils._recovery.calls import Hosts
from tests.unit.plugins.module_utils._recovery.test_restore_run import NOTE, PLAN, values

LOST = {**NOTE, "disaster": True, "discard": True, "aside": "", "old_primary": ""}


def run(hosts: Hosts, part: str, note: dict[str, Any]) -> Outcome:
    """One run of one part."""
    plan = {**PLAN, "note": note}
    disaster = Disaster(hosts, plan, {"pg1": "192.0.2.21"}, vip="192.0.2.100/24", port=5000, by="anna")
    return disaster.run_part(part)


ORDER = [
    ("from the beginning", "recover", "begun",
     ["restore_note", "rejoin_hold", "restore_files", "restore_recover", "restore_promote"]),
    ("it recovered", "recover", "recovering", ["restore_note", "restore_recover", "restore_promote"]),
    ("it was promoted", "recover", "promoted", []),
    ("the rest", "complete", "promoted", ["rejoin_synchronous", "restore_backup", "drain_enter", "drain_enter",
     "drain_enter", "client_check", "restore_finish"]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "phase", "asked"), [row[1:] for row in ORDER], ids=[row[0] for row in ORDER])
def test_the_order(part: str, phase: str, asked: list[str]) -> None:
    note = {**LOST, "phase": phase}
    hosts = Hosts(values(note))
    outcome = run(hosts, part, note)
    assert (hosts.asked, outcome.problems) == (asked, [])


def test_nothing_is_promoted_unproven() -> None:
    missed = {"state": "missed", "words": "recovery is at 0/1", "stopped": "", "lsn": "0/1", "commit_at": ""}
    hosts = Hosts(values(LOST, restore_recover=missed))
    outcome = run(hosts, "recover", LOST)
    assert "restore_promote" not in hosts.asked
    assert "was not promoted. Next: put that right, then ansible-playbook playbooks/disaster_recovery.yml" in str(
        outcome.problems
    )
