"""Who holds a cluster, in words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.holder import (
    SILENCE_S,
    Holder,
    held_by,
    holder_from,
    nobody_reached,
    order,
    refusal,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import DEFAULT_SILENCE_S

RAW: dict[str, Any] = {
    "cluster": "orders", "runbook": "switchover", "who": "anna", "control_host": "ops1", "pid": 4711, "began": "8123",
    "since": "2026-03-01T03:12:09Z",
}  # fmt: skip
ANNA = Holder(**RAW)


def test_the_refusal_names_who_where_and_since_when() -> None:
    """And what to do next."""
    assert refusal("lb1", ANNA) == (
        "refused: lb1 is held by switchover of cluster orders, begun by anna on ops1 (process 4711) at "
        "2026-03-01T03:12:09Z; expected no other runbook under way. Nothing was done.\n"
        "Next: ps -p 4711 on ops1 shows it; when it has ended, run the same command again. "
        "The lock of a run that died ends by itself, within 10 s at the latest"
    )
    assert "by a runbook that has not said yet who it is" in refusal("lb1", None)


def test_a_holder_goes_over_the_wire_and_back() -> None:
    """As plain data."""
    assert holder_from(ANNA.as_dict()) == ANNA
    assert "anna on ops1" in held_by(holder_from(ANNA.as_dict()))


@pytest.mark.parametrize("raw", [None, {}, {"who": "anna"}, RAW | {"pid": "many"}, RAW | {"pid": None}])
def test_what_is_no_holder(raw: dict[str, Any] | None) -> None:
    """A damaged file names nobody."""
    assert holder_from(raw) is None


@pytest.mark.parametrize(
    ("same", "changes"),
    [
        (True, {"runbook": "maintenance", "since": "later", "who": "root"}),
        (False, {"pid": 4712}),
        (False, {"began": "9000"}),
        (False, {"control_host": "ops2"}),
    ],
)
def test_the_same_run(same: bool, changes: dict[str, Any]) -> None:
    """A process of a machine, not its number alone."""
    assert ANNA.is_run(Holder(**RAW | changes)) is same


def test_nobody_reached() -> None:
    """Each host with its reason."""
    text = nobody_reached({"pg1": "no answer on port 22 within 1 s", "lb1": "refused"})
    assert text.splitlines()[1:3] == ["  lb1: refused", "  pg1: no answer on port 22 within 1 s"]


def test_one_order_for_everybody() -> None:
    """However the inventory lists them."""
    assert order(["pg1", "lb2", "lb1", "pg1"]) == ["lb1", "lb2", "pg1"]


def test_the_time_that_is_promised() -> None:
    """The agent is done before it is over."""
    assert DEFAULT_SILENCE_S + 1 < SILENCE_S
