"""Which orders bring a server from one state to another."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.plan import (
    UnknownServer,
    Wanted,
    merged,
    plan,
    select,
    standing,
    unseen,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.server_state import (
    FORCED_DRAIN,
    FORCED_MAINT,
    ServerState,
)

from .conftest import server

S = "set server postgresql_primary/pg1"
READY, DRAIN, MAINT = server("pg1"), server("pg1", admin=FORCED_DRAIN), server("pg1", admin=FORCED_MAINT)
UNCHECKED = server("pg1", admin=FORCED_MAINT, check_state=0)
LIGHT = server("pg1", admin=FORCED_MAINT, weight=0)
CAREFUL = f"{S} weight 0; {S} state ready; {S} health down; {S} weight"


@pytest.mark.parametrize(
    ("before", "wanted", "line", "state", "weight"),
    [
        (READY, Wanted("ready"), "", "ready", 1),
        (READY, Wanted("drain"), f"{S} state drain", "drain", 1),
        (READY, Wanted("maint"), f"{S} state maint", "maint", 1),
        (DRAIN, Wanted("ready"), f"{S} state ready", "ready", 1),
        (DRAIN, Wanted("drain"), "", "drain", 1),
        (DRAIN, Wanted("maint"), f"{S} state maint", "maint", 1),
        # Out of maintenance only after a check: no client meets a server that nobody has looked at.
        (MAINT, Wanted("ready"), f"{CAREFUL} 1", "ready", 1),
        (MAINT, Wanted("ready", weight=7), f"{CAREFUL} 7", "ready", 7),
        (MAINT, Wanted("drain"), f"{S} state drain", "drain", 1),
        (MAINT, Wanted("maint"), "", "maint", 1),
        # Without a check nothing would ever bring it up again; with weight 0 nobody is sent there anyway.
        (UNCHECKED, Wanted("ready"), f"{S} state ready", "ready", 1),
        (LIGHT, Wanted("ready"), f"{S} state ready", "ready", 0),
        (READY, Wanted(weight=1), "", "ready", 1),
        (READY, Wanted(weight=50), f"{S} weight 50", "ready", 50),
        (MAINT, Wanted(weight=50), f"{S} weight 50", "maint", 50),
        (READY, Wanted("maint", 50), f"{S} state maint; {S} weight 50", "maint", 50),
    ],
)
def test_each_change(before: ServerState, wanted: Wanted, line: str, state: str, weight: int) -> None:
    (change,) = plan([before], wanted)
    assert change.line == line
    assert (change.after.state, change.after.weight) == (state, weight)
    assert change.changed is bool(line)


def test_traffic_and_health_are_no_change() -> None:
    busy = server("pg1", operational=0, since_s=9, check_status=17, check_health=0)
    assert not plan([busy], Wanted("ready", 1))[0].changed


def test_an_unknown_server_is_named_with_those_that_exist() -> None:
    states = [server("pg1"), server("pg2")]
    assert select(states, ["postgresql_primary"], ["pg2"]) == (states[1],)
    with pytest.raises(UnknownServer) as refusal:
        select(states, ["postgresql_primary", "app"], ["pg1", "pg9"])
    assert str(refusal.value) == (
        "HAProxy has no server postgresql_primary/pg9, app/pg1, app/pg9; "
        "it has postgresql_primary/pg1, postgresql_primary/pg2"
    )


def test_servers_that_a_stopped_haproxy_has_not_seen_get_a_blank_entry() -> None:
    known = server("pg1", admin=FORCED_MAINT)
    pg1, pg2 = unseen(["postgresql_primary"], ["pg1", "pg2"], [known])
    assert pg1 == known
    assert (pg2.key, pg2.state, pg2.address) == (("postgresql_primary", "pg2"), "ready", "-")


def test_changes_are_merged_into_the_states() -> None:
    states = [server("pg1"), server("pg2")]
    after = merged(states, plan([states[0]], Wanted("maint")))
    assert [state.state for state in after] == ["maint", "ready"]


def test_a_diff_shows_orders_only() -> None:
    assert standing([MAINT]) == [{"backend": "postgresql_primary", "server": "pg1", "state": "maint", "weight": 1}]
