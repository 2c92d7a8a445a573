"""Every row of the verdict's table, and the screen that people read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.status import (
    Report,
    report_json,
    report_of,
    status_lines,
)

from tests.unit.plugins.module_utils._recovery.estates import (
    BALANCERS,
    DATABASES,
    balancer,
    fenced,
    gone_balancer,
    orphan,
    primary,
    server,
    silent,
    standby,
)

Raws = tuple[dict[str, Any], ...]
NODES: Raws = (primary(), standby("pg2"), standby("pg3"))
NOTE = {
    "id": "20261127T053029Z",
    "phase": "recovering",
    "host": "pg2",
    "target": "the end of the archive",
    "undo": False,
    "disaster": False,
}
LBS: Raws = (balancer("lb1"), balancer("lb2"))
AFTER: Raws = (fenced("pg1"), primary("pg2", timeline=2), standby("pg3", "pg2", timeline=2))


def report(nodes: Raws = NODES, lbs: Raws = LBS) -> Report:
    """The report of these hosts."""
    return report_of(nodes_from(nodes, DATABASES), balancers_from(lbs, BALANCERS), cluster="orders", vip="192.0.2.100")


def stopped_haproxy(host: str, *, vip: bool) -> dict[str, Any]:
    """A load balancer whose HAProxy is down."""
    return balancer(host, vip=vip, haproxy={"running": False, "servers": [], "error": "stopped"})


def no_reads() -> dict[str, Any]:
    """A load balancer that sends no reads to pg3."""
    made = balancer("lb1")
    made["haproxy"]["servers"][-1] = server("postgresql_replicas", "pg3", "DOWN", "L7STS")
    return made


@pytest.mark.parametrize(
    ("verdict", "says", "after", "nodes", "lbs"),
    [
        ("green", None, None, NODES, LBS),
        ("red", "no writable primary", "failover.yml", (silent("pg1"), orphan("pg2"), orphan("pg3")), LBS),
        ("red", "none is reachable", "status.yml", NODES, (gone_balancer("lb1"), gone_balancer("lb2"))),
        ("red", "and so do others (lb1, lb2)", "journalctl -u keepalived", NODES, (LBS[0], balancer("lb2", vip=True))),
        ("red", "nobody holds the virtual IP", "systemctl status", NODES, (balancer("lb1", vip=False), LBS[1])),
        ("red", "routes writes to pg2", "failover.yml", NODES, (LBS[0], balancer("lb2", writes="pg2"))),
        (
            "red",
            "has pg1 as DOWN L4TOUT",
            "curl http://pg1:8008/primary",
            NODES,
            (balancer("lb1", dead=("pg1",)), LBS[1]),
        ),
        ("red", "HAProxy does not run", "site.yml", NODES, (stopped_haproxy("lb1", vip=True), LBS[1])),
        (
            "yellow",
            "pg1 has no WAL for it any more (slot pg3 is lost)",
            "rejoin.yml -e rejoin_host=pg3",
            (primary(slots=[{"name": "pg3", "wal_status": "lost"}]), standby("pg2"), standby("pg3")),
            LBS,
        ),
        ("yellow", "not reachable", "status.yml", (primary(), standby("pg2"), silent("pg3")), LBS),
        ("yellow", "not reachable (no answer)", "status.yml", NODES, (LBS[0], gone_balancer("lb2"))),
        ("yellow", "HAProxy does not run", "site.yml", NODES, (LBS[0], stopped_haproxy("lb2", vip=False))),
        ("yellow", "has pg1 as DOWN L4TOUT", "curl", NODES, (LBS[0], balancer("lb2", dead=("pg1",)))),
        ("yellow", "has pg1 as MAINT", "failover.yml", NODES, (LBS[0], balancer("lb2", maint=("pg1",)))),
        (
            "yellow",
            "pg1 is fenced but not in maintenance here",
            "failover.yml",
            AFTER,
            (balancer("lb1", writes="pg2", maint=("pg1",)), balancer("lb2", writes="pg2", dead=("pg1",))),
        ),
        ("yellow", "sends no reads to pg3 (DOWN L7STS)", "curl http://pg3:8008/replica", NODES, (no_reads(), LBS[1])),
    ],
)
def test_verdicts(verdict: str, says: str | None, after: str | None, nodes: Raws, lbs: Raws) -> None:
    """Verdict, reason and next command of each row."""
    made = report(nodes, lbs)
    assert made.verdict == verdict, made.reasons
    if says is None or after is None:
        assert made.reasons == ()
    else:
        found = [reason for reason in made.reasons if says in reason.observed]
        assert found, made.reasons
        assert after in found[0].next


def pooled(host: str, state: str = "active", **pool: Any) -> dict[str, Any]:
    """A load balancer with a pool."""
    one = {"pool": "read_write", "configured": True, "state": state, "error": None, "lease": None} | pool
    return balancer(host, pools=[one])


RESUME = "ansible {} -m sre.ha_recovery.pgbouncer_pool -a 'pool=read_write state=resumed'"


@pytest.mark.parametrize(
    ("verdict", "says", "after", "lbs"),
    [
        ("green", None, None, (pooled("lb1"), pooled("lb2"))),
        ("green", None, None, (pooled("lb1", "stopped", configured=False), LBS[1])),
        ("red", "does not run (no socket)", "systemctl status pgbouncer@read_write on lb1",
         (pooled("lb1", "stopped", error="no socket"), LBS[1])),
        ("yellow", "does not run", "systemctl status pgbouncer@read_write on lb2", (LBS[0], pooled("lb2", "stopped"))),
        ("red", "does not answer", "journalctl -u pgbouncer@read_write", (pooled("lb1", "unknown"), LBS[1])),
        ("red", "is paused, without a lease", RESUME.format("lb1"), (pooled("lb1", "paused"), LBS[1])),
        ("red", "is partly paused, without a lease", RESUME.format("lb1"), (pooled("lb1", "partly_paused"), LBS[1])),
        ("red", "is suspended, without a lease", RESUME.format("lb1"), (pooled("lb1", "suspended"), LBS[1])),
        ("yellow", "is paused, without a lease", RESUME.format("lb2"), (LBS[0], pooled("lb2", "paused"))),
        ("yellow", "is paused and resumes by itself in 9 s", "wait for the runbook",
         (pooled("lb1", "paused", lease={"remaining_s": 9.2}), LBS[1])),
    ],
)  # fmt: skip
def test_pools(verdict: str, says: str | None, after: str | None, lbs: Raws) -> None:
    """A pool that holds clients' queries is worth a line, and red where nothing ends it."""
    test_verdicts(verdict, says, after, NODES, lbs)


def test_pools_are_on_the_screen() -> None:
    """Beside what the load balancer routes."""
    lines = status_lines(report(lbs=(pooled("lb1", "partly_paused"), LBS[1])), {})
    assert any("; pools: read_write partly paused" in line for line in lines)


def test_no_holder_while_a_load_balancer_is_away_is_not_proven() -> None:
    """The one that nobody reached may hold it."""
    made = report(NODES, (gone_balancer("lb1"), LBS[1]))
    assert made.verdict == "yellow"
    assert not any("nobody holds" in reason.observed for reason in made.reasons)


def test_red_reasons_come_first() -> None:
    """What burns stands on top."""
    severities = [reason.severity for reason in report((primary(), standby("pg2"), silent("pg3")), (LBS[0],)).reasons]
    assert severities == sorted(severities, key=lambda severity: severity != "red")


def test_the_screen() -> None:
    """Every host is on it, aligned, with what it does."""
    lines = status_lines(report(), {"backup1": "reachable"})
    assert lines[0] == "orders: GREEN   primary pg1, timeline 1, virtual IP 192.0.2.100 on lb1"
    rows = {line.split()[0]: line for line in lines[3:]}
    assert set(rows) == {"pg1", "pg2", "pg3", "lb1", "lb2", "backup1"}
    assert "synchronous: pg2, pg3" in rows["pg1"]
    assert "streams from pg1" in rows["pg2"] and "0 B" in rows["pg2"]
    assert "VIP holder" in rows["lb1"] and "writes -> pg1; reads -> pg2, pg3" in rows["lb1"]
    assert len({line.index("TIMELINE") if "TIMELINE" in line else 0 for line in lines}) == 2


def test_the_screen_says_what_to_type() -> None:
    """Each reason has its command below it."""
    lines = status_lines(report((silent("pg1"), orphan("pg2"), orphan("pg3"))), {})
    at = next(number for number, line in enumerate(lines) if "no writable primary" in line)
    assert lines[at].startswith("RED  cluster")
    assert lines[at + 1].strip() == "next: ansible-playbook playbooks/failover.yml"


def test_json_has_primary_and_verdict_at_its_top() -> None:
    """What the demo and monitoring read."""
    made = report_json(report())
    assert (made["verdict"], made["primary"], made["vip_holders"]) == ("green", "pg1", ["lb1"])
    assert [row["host"] for row in made["hosts"]] == ["pg1", "pg2", "pg3", "lb1", "lb2"]


def test_copies_have_their_part() -> None:
    """In the verdict, in the column, and for machines."""
    of = {"app": {"stale": 1.0, "age_seconds": 108000.0}}
    dumps = {"backup1": {"reachable": True, "set_up": True, "told_s": 1, "max_age_s": 93600, "of": of}}
    whole = report_of(
        nodes_from(NODES, DATABASES),
        balancers_from(LBS, BALANCERS),
        cluster="orders",
        vip="192.0.2.100",
        copies={"files": {}, "file_hosts": {}, "dumps": dumps},
    )
    lines = status_lines(whole, {"backup1": "reachable"})
    assert whole.verdict == "yellow"
    assert any(line.endswith("reachable; dumps of 1 databases, the oldest 30.0 h old") for line in lines)
    assert any("no young dump of app (30.0 h old)" in line for line in lines)
    assert report_json(whole)["dumps"] == dumps
    assert "files" not in report_json(whole)


@pytest.mark.parametrize(
    ("more", "observed", "after"),
    [
        ({}, "a restore to the end of the archive is not complete (phase recovering)", "restore_undo=true goes back"),
        ({"undo": True}, "the way back from a restore is not complete (phase recovering)", "playbooks/restore.yml"),
        ({"disaster": True}, "a disaster recovery to the end of the archive is not", "playbooks/disaster_recovery.yml"),
    ],
)
def test_a_restore_that_is_not_complete_comes_first(more: dict[str, bool], observed: str, after: str) -> None:
    """One reason for all hosts, before what is wrong because of it."""
    there = {"restore": {**NOTE, **more}}
    behind = {"restore": {**NOTE, **more, "phase": "begun"}}
    found = report((primary(**behind), standby("pg2", **there), standby("pg3"))).reasons
    assert [(one.host, one.severity) for one in found] == [("pg2", "red")]
    assert found[0].observed.startswith(observed) and found[0].next.endswith(after)


@pytest.mark.parametrize(
    ("pg1", "pg2", "observed"),
    [
        ({"phase": "done"}, {"phase": "done"}, ""),
        ({"phase": "begun"}, {"phase": "done"}, ""),
        ({"phase": "begun", "id": "20261126T000000Z"}, {"phase": "done"}, ""),
        ({"phase": "done", "id": "20261126T000000Z"}, {"phase": "begun"}, "(phase begun)"),
        ({"phase": "done"}, {"phase": "aside", "undo": True}, "the way back"),
        ({"phase": "unreadable"}, {"phase": "done"}, "cannot be read"),
    ],
)
def test_the_newest_note_on_its_own_host_counts(pg1: dict[str, Any], pg2: dict[str, Any], observed: str) -> None:
    """A host that was away when a restore ended keeps an old note, which alarms nobody."""
    nodes = (primary(restore={**NOTE, **pg1}), standby("pg2", restore={**NOTE, **pg2}), standby("pg3"))
    found = report(nodes).reasons
    assert bool(found) == bool(observed)
    assert all(observed in one.observed for one in found)
