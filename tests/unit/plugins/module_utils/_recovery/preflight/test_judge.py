"""What applies to what is planned, who would become primary, what waivers do, and what is never fine."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.judge import preflight
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.look import (
    PURPOSES,
    Limits,
    limits_from,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.table import (
    BY_NAME,
    CHECKS,
    WAIVERS,
    parse_waivers,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.preflight.text import (
    finding_lines,
    refusal_lines,
    screen,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.module_utils._recovery.estates import balancer, fenced, gone_balancer, orphan, silent
from tests.unit.plugins.module_utils._recovery.preflight.sound import (
    Estate,
    Spoil,
    both,
    estate,
    judged,
    look,
    put,
    setting,
    slot,
)

MIB = 1024 * 1024


def replication(**rows: tuple[str, int]) -> Spoil:
    """The primary's view: sync_state and lag by standby."""
    shown = [
        {"application_name": name, "state": "streaming", "sync_state": state, "lag_bytes": lag}
        for name, (state, lag) in rows.items()
    ]
    return put("nodes.pg1", replication=shown)


@pytest.mark.parametrize(
    ("chosen", "spoil"),
    [
        ("pg2", put("nodes")),
        ("pg3", replication(pg2=("async", 0), pg3=("sync", 0))),
        ("pg3", replication(pg2=("async", 0), pg3=("potential", 0))),
        ("pg3", replication(pg2=("quorum", 3 * MIB), pg3=("quorum", 1 * MIB))),
        ("pg2", replication(pg2=("quorum", 1000), pg3=("quorum", 0))),
        ("pg3", replication(pg3=("async", 0))),
        ("pg3", put("nodes.pg2", replay_paused=True)),
        ("pg3", put("facts.pg2.sql", slots=[slot("pg3")])),
        ("pg3", put("nodes.pg2", wal_receiver=None)),
        ("pg2", both(put("nodes.pg2", replay_paused=True), put("nodes.pg3", replay_paused=True))),
        ("pg3", put("nodes", pg2=fenced("pg2"))),
        (None, put("nodes", pg2=silent("pg2"), pg3=fenced("pg3"))),
    ],
)
def test_the_candidate_of_a_switchover(chosen: str | None, spoil: Spoil) -> None:
    """No block, streams, synchronous, least lag, name."""
    assert look(spoil).candidate == chosen


@pytest.mark.parametrize(
    ("chosen", "spoil"),
    [
        ("pg3", put("nodes")),
        ("pg2", replication(pg2=("quorum", 0), pg3=("async", 0))),
        ("pg2", replication(pg2=("quorum", 0), pg3=("quorum", 3 * MIB))),
        ("pg2", put("nodes.pg3", replay_paused=True)),
    ],
)
def test_a_priority_decides_between_standbys_that_are_as_good(chosen: str, spoil: Spoil) -> None:
    """A host that people prefer, unless something speaks against it."""
    assert look(spoil, priorities={"pg3": 1}).candidate == chosen


@pytest.mark.parametrize(
    ("candidate", "purpose", "target"),
    [
        ("pg2", "switchover", None),
        ("pg2", "general", None),
        ("pg2", "rolling", None),
        ("pg2", "maintenance", "pg1"),
        (None, "maintenance", "pg2"),
        (None, "maintenance", "lb1"),
        (None, "lb_failover", None),
    ],
)
def test_whether_anybody_becomes_primary(candidate: str | None, purpose: str, target: str | None) -> None:
    """Only where the present primary goes."""
    assert look(None, purpose, target=target).candidate == candidate


def test_a_failover_chooses_by_position() -> None:
    """The one that has the most, as the failover itself does."""
    gone = both(
        put("nodes", pg1=silent("pg1"), pg2=orphan("pg2"), pg3=orphan("pg3", received="0/6000000")),
        lambda made: made["facts"].pop("pg1"),
    )
    assert look(gone, "failover").candidate == "pg3"
    assert judged(gone, "failover").level != "block"


@pytest.mark.parametrize("purpose", PURPOSES)
def test_only_what_applies_is_judged(purpose: str) -> None:
    """Nothing above the level that the table allows for the purpose."""
    seen = judged(put("facts.pg1.sql", backups=[{"pid": 1}]), purpose)
    assert {one.check for one in seen.verdicts} <= {check.name for check in CHECKS if purpose in check.levels}
    for one in seen.verdicts:
        assert one.level != "block" or BY_NAME[one.check].levels[purpose] == "block"


@pytest.mark.parametrize("purpose", [one for one in PURPOSES if one != "failover"])
def test_a_sound_estate_is_clear_for_everything(purpose: str) -> None:
    """No warning either."""
    seen = judged(None, purpose)
    assert seen.level == "ok", [one for one in seen.verdicts if one.level != "ok"]


@pytest.mark.parametrize(
    ("level", "purpose", "target", "spoil"),
    [
        ("ok", "maintenance", "pg3", put("nodes")),
        ("block", "maintenance", "pg3", replication(pg3=("quorum", 0))),
        ("ok", "maintenance", "pg3", replication(pg2=("quorum", 0))),
        ("block", "rolling", None, replication(pg2=("quorum", 0))),
        ("warn", "switchover", None, replication(pg2=("quorum", 0))),
    ],
)
def test_whether_commits_go_through_meanwhile(level: str, purpose: str, target: str | None, spoil: Spoil) -> None:
    """Which standby may be taken away depends on who is left."""
    seen = judged(spoil, purpose, target=target)
    assert [one.level for one in seen.verdicts if one.check == "sync_remaining"] == [level]


@pytest.mark.parametrize(
    ("level", "purpose", "target", "spoil"),
    [
        ("ok", "lb_failover", None, put("nodes")),
        ("ok", "lb_failover", "lb2", put("nodes")),
        ("block", "lb_failover", None, put("balancers", lb2=gone_balancer("lb2"))),
        ("block", "lb_failover", "lb2", put("balancers", lb2=balancer("lb2", dead=("pg1",)))),
        ("block", "maintenance", "lb1", put("balancers", lb2=gone_balancer("lb2"))),
        ("ok", "maintenance", "lb2", put("nodes")),
        ("block", "maintenance", "lb2", put("balancers", lb1=gone_balancer("lb1"))),
        ("warn", "maintenance", "pg3", put("balancers", lb2=gone_balancer("lb2"))),
    ],
)
def test_whether_the_virtual_ip_has_somewhere_to_go(level: str, purpose: str, target: str | None, spoil: Spoil) -> None:
    """Whoever is to hold it must serve."""
    seen = judged(spoil, purpose, target=target)
    assert [one.level for one in seen.verdicts if one.check == "spare_balancer"] == [level]


def test_a_waiver_is_recorded_where_it_was_needed() -> None:
    """With what it accepts; one that was not needed is not."""
    spoil = put("facts.pg1.sql", backups=[{"pid": 9, "kind": "base backup", "user": "replicator"}])
    seen = judged(spoil, waive="base_backup,lag_bytes")
    assert (seen.level, seen.waivers) == ("ok", ("base_backup",))
    plain = seen.as_dict()
    assert plain["waivers"] == [{"name": "base_backup", "accepts": "the backup is broken off"}]
    (one,) = [one for one in plain["verdicts"] if one["level"] == "waived"]
    assert set(one) == {"check", "host", "level", "observed", "expected", "fix"}


def test_waivers_are_parsed() -> None:
    """A list or a text, and mistakes are named with what is allowed."""
    assert parse_waivers("lag_bytes, base_backup,") == {"lag_bytes", "base_backup"}
    assert parse_waivers(["lag_bytes"]) == {"lag_bytes"} and parse_waivers(None) == frozenset()
    with pytest.raises(
        ValueError, match=r"preflight_waive is everything \(no such check\); allowed: .*, base_backup, "
    ):
        parse_waivers("everything")
    with pytest.raises(ValueError, match=r"one_primary \(this check cannot be waived\)"):
        parse_waivers("one_primary")


def test_limits_are_parsed() -> None:
    """Numbers, and names that exist."""
    assert limits_from({"lag_warn_bytes": "5"}).lag_warn_bytes == 5
    assert limits_from(None) == Limits()
    with pytest.raises(ValueError, match="preflight_limits has lag; allowed: archive_block_files, "):
        limits_from({"lag": 1})
    with pytest.raises(ValueError, match="allowed: numbers"):
        limits_from({"lag_warn_bytes": "much"})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"purpose": "dinner"}, "preflight_for is 'dinner'; allowed: switchover, "),
        ({"named": "pg9"}, "the candidate is 'pg9'; allowed: pg1, pg2, pg3"),
        ({"target": "pg9"}, "the host is 'pg9'; allowed: pg1, pg2, pg3, lb1, lb2"),
    ],
)
def test_what_was_asked_for_must_exist(wrong: dict[str, Any], says: str) -> None:
    """A misspelt name is not a host that is away."""
    with pytest.raises(ValueError, match=says):
        look(None, **wrong)


def _leaves(place: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in the facts of the hosts, from the top down."""
    found = []
    items = place.items() if isinstance(place, dict) else enumerate(place) if isinstance(place, list) else ()
    for key, value in items:
        found += [(*path, key), *_leaves(value, (*path, key))]
    return found


PLACES = [path for path in _leaves(estate()["facts"]) if path[-1] != "host" and isinstance(path[-1], str)]
#: Keys that say nothing by themselves, or whose absence means the same as their value in a sound estate.
HARMLESS = {
    "error", "sql_error", "path", "device", "pid", "user", "application", "age_s", "name", "type", "active",
    "temporary", "wal_status", "failover", "synced", "retained_bytes", "last_failed_age_s", "last_failed_wal",
    "last_archived_age_s", "archive_command", "max_replication_slots", "data_checksums",
    "wal_log_hints", "recovery_min_apply_delay",
}  # fmt: skip


def _without(path: tuple[Any, ...]) -> Spoil:
    def spoil(made: Estate) -> None:
        place = made["facts"]
        for key in path[:-1]:
            if key not in place if isinstance(place, dict) else key >= len(place):
                return
            place = place[key]
        place.pop(path[-1], None)

    return spoil


@settings(max_examples=150, deadline=None)
@given(st.sets(st.sampled_from(PLACES), min_size=1, max_size=4))
def test_what_is_not_known_is_never_fine(paths: set[tuple[Any, ...]]) -> None:
    """Whatever is taken out of the facts: nobody stumbles, and what the primary lacks is said."""
    seen = judged(both(*[_without(path) for path in sorted(paths, key=len, reverse=True)]), named="pg2")
    sayers = [path for path in paths if path[-1] not in HARMLESS and path[-2:] != ("wal", "total_bytes")]
    matter = [path for path in sayers if path[0] == "pg1" and "pg3" not in path]
    assert seen.level != "ok" or not matter


@settings(max_examples=100, deadline=None)
@given(
    st.sets(st.sampled_from(sorted(WAIVERS))), st.sampled_from(PURPOSES), st.sets(st.sampled_from(PLACES), max_size=3)
)
def test_waivers_only_waive(waived: set[str], purpose: str, paths: set[tuple[Any, ...]]) -> None:
    """Same findings with and without; only those that were named change their level, and only to 'waived'."""
    seen = look(both(*[_without(path) for path in sorted(paths, key=len, reverse=True)]), purpose)
    plain, mild = preflight(seen).verdicts, preflight(seen, frozenset(waived)).verdicts
    for one, other in zip(plain, mild, strict=True):
        expected = "waived" if one.check in waived and one.level != "ok" else one.level
        assert (one.check, one.host, other.level) == (other.check, other.host, expected)


def test_the_screen() -> None:
    """What is planned, a row a host, and everything that is not fine in full; what is fine is counted."""
    spoil = both(
        put("nodes.pg2", replay_paused=True), put("facts.pg1.sql", backups=[{"pid": 9, "kind": "base backup"}])
    )
    lines = screen(judged(spoil, named="pg2", waive="base_backup"), "orders")
    assert lines[0] == "orders: switchover is BLOCKED   (primary pg1, candidate pg2)"
    assert lines[2].split() == ["HOST", "BLOCK", "WARN", "WAIVED", "OK"]
    rows = {line.split()[0]: line.split()[1:4] for line in lines[3:9]}
    assert rows["pg2"] == ["1", "-", "-"] and rows["pg1"] == ["-", "-", "1"] and set(rows) >= {"cluster", "lb1", "lb2"}
    at = lines.index("BLOCK  replay_paused  pg2: replay is paused; expected: replaying")
    assert lines[at + 1] == "     fix: SELECT pg_wal_replay_resume() on pg2"
    assert lines[at + 2].startswith("WAIVED  base_backup  pg1: a backup runs")
    assert lines[at + 3] == "     accepted: the backup is broken off"


def test_a_block_names_its_waiver_if_it_has_one() -> None:
    """And what is accepted by it."""
    lines = refusal_lines(judged(setting("pg1", "full_page_writes", "off")))
    assert lines[-1].endswith("-e preflight_waive=rewind_possible")
    assert not any(
        "preflight_waive" in line for line in finding_lines(judged(put("nodes.pg2", replay_paused=True)).verdicts)
    )
