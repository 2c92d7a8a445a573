"""Documents and metrics, as clients read them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from role_probe.config import Config
from role_probe.handler import Handler
from role_probe.state import OnDisk, Replication, View
from role_probe_samples import NOW, PRIMARY_PEERS, SYSTEM, peer, primary, replica, view_of

ROWS = (
    Replication("replicator", "pg2", "192.0.2.22", "streaming", "quorum", 1, 10),
    Replication("replicator", "pg2", "192.0.2.22", "streaming", "quorum", 1, 20),
)
SAMPLE = re.compile(r'^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)+)\} (-?[0-9.e+-]+)$')


def handler(view: View, config: Config) -> Handler:
    return Handler(config, lambda: view, lambda: 100.0, lambda: {"requests_total": 7})


def test_a_primary_s_document(config: Config) -> None:
    """Patroni's keys for a primary."""
    response = handler(view_of(primary(replication=ROWS[:1])), config).respond("GET", "/")
    document = json.loads(response.body)
    assert response.status == 200
    assert {
        key: document[key] for key in ("state", "role", "server_version", "timeline", "database_system_identifier")
    } == {
        "state": "running",
        "role": "primary",
        "server_version": 170011,
        "timeline": 3,
        "database_system_identifier": "7711134767910273346",
    }
    assert document["xlog"] == {"location": 5000}
    assert document["postmaster_start_time"] == "1970-01-01 00:00:05+00:00"
    assert document["replication"][0]["application_name"] == "pg2"
    assert document["patroni"] == {"version": document["patroni"]["version"], "scope": "orders", "name": "pg1"}
    assert (document["reason"], document["problems"], document["fenced"]) == (None, {}, False)


def test_a_standby_s_document(config: Config) -> None:
    """Patroni's keys for a replica, and the lag in bytes and seconds."""
    view = view_of(replica(replayed=4000, paused=True), PRIMARY_PEERS)
    response = handler(view, config).respond("GET", "/primary")
    document = json.loads(response.body)
    assert response.status == 503
    assert document["reason"] == "role is replica"
    assert document["xlog"] == {
        "received_location": 5000,
        "replayed_location": 4000,
        "replayed_timestamp": "1970-01-01 00:01:30+00:00",
        "paused": True,
    }
    assert (document["lag_bytes"], document["lag_seconds"]) == (1000, 10.0)
    assert (document["sync_state"], document["replication_state"]) == ("quorum", "streaming")
    assert document["peers"]["pg2"]["role"] == "primary"


def test_the_document_of_a_server_that_hangs_claims_nothing(config: Config) -> None:
    """No role, no position: they were true once."""
    document = json.loads(handler(view_of(primary(), now=1005.0), config).respond("GET", "/patroni").body)
    assert (document["state"], document["role"]) == ("unknown", "unknown")
    assert "xlog" not in document


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/primary", 200),
        ("GET", "/primary/", 200),
        ("GET", "/primary?tag_x=1", 200),
        ("HEAD", "/", 200),
        ("OPTIONS", "/primary", 200),
        ("OPTIONS", "/replica", 503),
        ("GET", "/replica?lag=10MB", 503),
        ("GET", "/metrics", 200),
        ("GET", "/patroni", 200),
        ("GET", "/liveness", 200),
        ("GET", "/nonsense", 404),
        ("POST", "/primary", 405),
        ("DELETE", "/", 405),
        ("GET", "//[", 400),
    ],
)
def test_paths_and_methods(method: str, target: str, status: int, config: Config) -> None:
    """Of a healthy primary."""
    assert handler(view_of(primary()), config).respond(method, target).status == status


def metrics(view: View, config: Config) -> dict[str, float]:
    """Parse the exposition strictly: every sample belongs to the family above it, and no series comes twice."""
    response = handler(view, config).respond("GET", "/metrics")
    assert response.content_type.startswith("text/plain; version=0.0.4")
    family, kinds, found = "", {}, {}
    for line in response.body.decode().splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in kinds
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == family
            kinds[family] = line.split(" ")[3]
            assert kinds[family] in ("gauge", "counter")
        else:
            match = SAMPLE.match(line)
            assert match and match[1] == family, line
            labels = ",".join(part for part in match[2].split(",") if not part.startswith(("scope=", "name=")))
            key = f"{match[1]}{{{labels}}}" if labels else match[1]
            assert key not in found, f"series {key} comes twice"
            found[key] = float(match[3])
    return found


def test_a_primary_s_metrics(config: Config) -> None:
    """Patroni's names where Patroni has the figure."""
    found = metrics(view_of(primary(replication=ROWS), free_bytes=12345), config)
    assert (found["patroni_primary"], found["patroni_replica"], found["patroni_postgres_running"]) == (1, 0, 1)
    assert found["patroni_xlog_location"] == 5000
    assert found["role_probe_free_bytes"] == 12345
    assert found['role_probe_healthy{path="/primary"}'] == 1
    assert found['role_probe_standby_lag_bytes{application_name="pg2",sync_state="quorum"}'] == 20
    assert found["role_probe_requests_total"] == 7
    assert "role_probe_replication_lag_bytes" not in found


def test_a_standby_s_metrics(config: Config) -> None:
    """Lag in bytes and seconds."""
    found = metrics(view_of(replica(replayed=4000), PRIMARY_PEERS), config)
    assert (found["role_probe_replication_lag_bytes"], found["role_probe_replication_lag_seconds"]) == (1000, 10)
    assert (found["patroni_quorum_standby"], found["patroni_sync_standby"]) == (1, 0)
    assert found["patroni_postgres_streaming"] == 1


def test_a_stopped_server_s_metrics(config: Config) -> None:
    """The problem is a figure of its own; what is not known is left out."""
    found = metrics(view_of(None, fenced=None), config)
    assert found["patroni_postgres_running"] == 0
    assert found['role_probe_problem{problem="not_running"}'] == 1
    assert not {"role_probe_fenced", "role_probe_free_bytes", "role_probe_replication_lag_bytes"} & set(found)


def test_labels_are_escaped(config: Config) -> None:
    """A name may hold anything."""
    view = view_of(primary(), (peer('p"g\\2\n'),))
    assert 'role_probe_peer_answer_age_seconds{peer="p\\"g\\\\2\\n"}' in metrics(view, config)


HELD = {
    "verdict": "refused",
    "reason": "pg2 is primary on timeline 4, this server is on 3",
    "next": "rejoin.yml",
    "epoch": 4.0,
}
DISK = OnDisk(NOW - 0.5, {"timeline": 3, "system_identifier": SYSTEM, "has_data": True, "boot_guard": HELD})


def test_a_stopped_server_s_document_tells_what_lies_on_the_disk(config: Config) -> None:
    """Timeline and system identifier, so that a host that boots can ask; and why Postgres is held back."""
    view = replace(view_of(None), on_disk=DISK)
    response = handler(view, config).respond("GET", "/primary")
    document = json.loads(response.body)
    assert response.status == 503
    assert (document["state"], document["timeline"], document["database_system_identifier"]) == ("stopped", 3, SYSTEM)
    assert document["on_disk"]["age_seconds"] == 0.5
    assert "boot guard: pg2 is primary on timeline 4" in document["reason"] and "next: rejoin.yml" in document["reason"]


def test_a_running_server_s_timeline_is_its_own(config: Config) -> None:
    """The files may be older."""
    document = json.loads(
        handler(replace(view_of(primary()), on_disk=OnDisk(NOW, {"timeline": 2})), config).respond("GET", "/").body
    )
    assert document["timeline"] == 3


def test_whoever_asks_for_the_disk_has_it_looked_at(config: Config) -> None:
    """The answer is what is known; the next one is newer."""
    looked: list[int] = []
    asked = Handler(config, lambda: view_of(primary()), look_on_disk=lambda: looked.append(1))
    asked.respond("GET", "/patroni")
    assert looked == []
    assert asked.respond("GET", "/patroni?on_disk=now").status == 200
    assert looked == [1]


def test_what_the_guard_said_is_a_metric(config: Config) -> None:
    """One sample a verdict; none where there is no guard."""
    text = handler(replace(view_of(None), on_disk=DISK), config).respond("GET", "/metrics").body.decode()
    assert 'role_probe_boot_guard{scope="orders",name="pg1",verdict="refused"} 1' in text
    assert 'role_probe_boot_guard{scope="orders",name="pg1",verdict="allowed"} 0' in text
    assert 'role_probe_problem{scope="orders",name="pg1",problem="boot_guard"} 1' in text
    assert "role_probe_boot_guard{" not in handler(view_of(primary()), config).respond("GET", "/metrics").body.decode()
