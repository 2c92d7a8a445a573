"""When a lease is over, and what its file may hold."""

from __future__ import annotations

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.lease import (
    Lease,
    parse,
    render,
    timer_command,
    timer_pattern,
)

LEASE = Lease(deadline_s=100.5, seconds=15.0, by="switchover on ops1")


@pytest.mark.parametrize(
    ("now", "due", "left"), [(0.0, False, 100.5), (100.0, False, 0.5), (100.5, True, 0), (200, True, 0)]
)
def test_when_it_is_over(now: float, due: bool, left: float) -> None:
    assert (LEASE.due(now), LEASE.remaining(now)) == (due, left)


def test_it_survives_its_file() -> None:
    assert parse(render(LEASE)) == LEASE


@pytest.mark.parametrize("text", ["", "\n"])
def test_no_lease(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"deadline_s": "soon", "seconds": 1}'])
def test_a_broken_file_is_a_lease_that_is_over(text: str) -> None:
    """Rather resume a pool too early than never."""
    found = parse(text)
    assert found is not None and found.due(0.0)


def test_each_deadline_has_a_timer_of_its_own() -> None:
    """A renewal must not have to replace a timer: between the two there would be none."""
    first, second = (timer_command("read_write", Lease(at, 15.0), "/program") for at in (100.5, 101.5))
    assert first != second
    name = next(word for word in first if word.startswith("--unit="))
    assert name.startswith("--unit=" + timer_pattern("read_write").split("*", maxsplit=1)[0])
    assert "--on-active=15s" in first and first[-2:] == ["/program", "read_write"]
