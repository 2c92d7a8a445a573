"""What people may write for a failover."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.filter.failover_plan import failover_plan, priorities_from


def test_priorities_are_whole_numbers() -> None:
    """Text as an inventory file gives it, too."""
    assert priorities_from({"pg1": 1, "pg2": "-3"}) == {"pg1": 1, "pg2": -3}


@pytest.mark.parametrize("value", ["high", None, 1.5, ""])
def test_other_priorities_are_refused_by_name(value: object) -> None:
    """Nothing is guessed in an incident."""
    with pytest.raises(Exception, match=r"pg1: failover_priority is .*expected a whole number"):
        failover_plan({"nodes": [], "load_balancers": []}, priorities={"pg1": value})
