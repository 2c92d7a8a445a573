"""Pause, resume and reconnect against a PgBouncer on a real socket."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import lease, operate
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.console import NotRunning
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import Instance, LeaseError, lease_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.state import Refusal

from .conftest import FakePooler, FakeRunner

BOTH = ["PAUSE app", "PAUSE postgres"]


def test_a_pause_is_leased_first(instance: Instance, pooler: FakePooler, runner: FakeRunner) -> None:
    done = operate.pause(runner, instance, lease_s=8, by="switchover")
    assert (done["changed"], done["state"], sorted(pooler.seen)) == (True, "paused", sorted(BOTH))
    assert runner.seen[0][0] == "systemd-run" and "--on-active=8s" in runner.seen[0]
    assert lease_of(instance) == lease.Lease(lease_of(instance).deadline_s, 8, "switchover")  # type: ignore[union-attr]
    assert operate.info(runner, instance)["lease"]["by"] == "switchover"


def test_pausing_again_renews_the_lease_and_changes_nothing(instance: Instance, runner: FakeRunner) -> None:
    operate.pause(runner, instance, lease_s=8)
    first = lease_of(instance)
    again = operate.pause(runner, instance, lease_s=9)
    second = lease_of(instance)
    assert not again["changed"] and again["state"] == "paused"
    assert first and second and second.deadline_s > first.deadline_s and len(runner.seen) == 2


def test_without_a_timer_nothing_is_paused_and_an_older_lease_stays(
    instance: Instance, pooler: FakePooler, runner: FakeRunner
) -> None:
    operate.pause(runner, instance, ["app"], lease_s=8)
    before = lease_of(instance)
    runner.refuses = "Failed to start transient timer unit"
    with pytest.raises(LeaseError, match="Failed to start transient timer unit"):
        operate.pause(runner, instance, lease_s=20)
    assert lease_of(instance) == before and not pooler.databases["postgres"]


def test_without_the_program_nothing_is_paused(instance: Instance, pooler: FakePooler, runner: FakeRunner) -> None:
    Path(instance.program).unlink()
    with pytest.raises(LeaseError, match="nothing would end the lease"):
        operate.pause(runner, instance)
    assert pooler.seen == []


def test_a_transaction_that_does_not_end_is_named_and_the_pool_runs_on(
    instance: Instance, pooler: FakePooler, runner: FakeRunner
) -> None:
    pooler.open["app"] = 1
    with pytest.raises(operate.PauseTimedOut, match=r"app@app from 192\.0\.2\.9:4711 \(nightly\)") as caught:
        operate.pause(runner, instance, timeout_s=0.1)
    assert [one.user for one in caught.value.holders] == ["app"]
    assert pooler.databases == {"app": False, "postgres": False}
    assert lease_of(instance) is None


def test_resume_lets_go_and_ends_the_lease(instance: Instance, pooler: FakePooler, runner: FakeRunner) -> None:
    operate.pause(runner, instance)
    done = operate.resume(runner, instance)
    assert (done["changed"], done["state"], done["databases"]) == (True, "active", ["app", "postgres"])
    assert pooler.databases == {"app": False, "postgres": False} and lease_of(instance) is None
    assert runner.seen[-1] == ["systemctl", "stop", "pgbouncer-lease-read_write-*.timer"]
    again = operate.resume(runner, instance)
    assert not again["changed"] and again["commands"] == []


def test_the_lease_stays_while_another_database_is_paused(instance: Instance, runner: FakeRunner) -> None:
    operate.pause(runner, instance)
    assert operate.resume(runner, instance, ["app"])["state"] == "partly_paused"
    assert lease_of(instance) is not None
    assert operate.resume(runner, instance, ["postgres"])["state"] == "active"
    assert lease_of(instance) is None


@pytest.mark.parametrize(("held", "changed"), [("paused", True), ("suspended", True), ("", False), (None, False)])
def test_resume_ends_what_a_person_did_as_well(
    instance: Instance, pooler: FakePooler, runner: FakeRunner, held: str | None, changed: bool
) -> None:
    pooler.held = held
    done = operate.resume(runner, instance)
    assert (done["changed"], done["state"]) == (changed, "active")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"databases": ["other"]}, "the pool has no database other; it has app, postgres"),
        ({"timeout_s": 9, "lease_s": 9}, "longer than the timeout"),
        ({"timeout_s": 0.1, "lease_s": 0.5}, "a lease of 1 s or more"),
        ({"lease_s": 30}, "after 30 s (pgbouncer_query_wait_timeout) waiting clients get an error"),
    ],
)
def test_what_cannot_work_is_refused_before_anything(
    instance: Instance, pooler: FakePooler, runner: FakeRunner, arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(Refusal) as caught:
        operate.pause(runner, instance, **arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert pooler.seen == [] and runner.seen == []


def test_a_pool_without_limit_for_waiting_takes_any_lease(
    instance: Instance, pooler: FakePooler, runner: FakeRunner
) -> None:
    pooler.wait_timeout = "0"
    assert operate.pause(runner, instance, lease_s=600)["changed"]


def test_check_mode_says_the_same_and_touches_nothing(
    instance: Instance, pooler: FakePooler, runner: FakeRunner
) -> None:
    planned = operate.pause(runner, instance, check_mode=True)
    assert (planned["changed"], planned["commands"], pooler.seen, runner.seen) == (True, BOTH, [], [])
    operate.pause(runner, instance)
    pooler.seen.clear()
    planned = operate.resume(runner, instance, check_mode=True)
    assert (planned["changed"], pooler.seen, planned["commands"]) == (True, [], ["RESUME app", "RESUME postgres"])
    assert operate.reconnect(runner, instance, check_mode=True)["changed"] and pooler.seen == []


def test_reconnect_of_those_that_have_servers(instance: Instance, pooler: FakePooler, runner: FakeRunner) -> None:
    assert operate.reconnect(runner, instance, ["app"])["commands"] == ["RECONNECT app"] == pooler.seen


def test_nobody_there(tmp_path: Path, runner: FakeRunner) -> None:
    instance = Instance("read_only", run=str(tmp_path), etc=str(tmp_path))
    found = operate.info(runner, instance)
    assert (found["configured"], found["running"], found["state"], found["error"]) == (False, False, "stopped", None)
    (tmp_path / "read_only.ini").touch()
    found = operate.info(runner, instance)
    assert (found["configured"], found["running"], found["databases"]) == (True, False, [])
    assert "there is no socket in" in found["error"]
    with pytest.raises(NotRunning):
        operate.pause(runner, instance)


def test_one_that_hangs_is_not_taken_for_a_stopped_one(
    instance: Instance, pooler: FakePooler, runner: FakeRunner
) -> None:
    pooler.deaf = True
    found = operate.info(runner, instance, timeout_s=0.05)
    assert (found["running"], found["state"]) == (True, "unknown")
    assert "did not answer `SHOW DATABASES`" in found["error"]


def test_what_a_look_tells(instance: Instance, runner: FakeRunner) -> None:
    found = operate.info(runner, instance)
    assert (found["pool"], found["state"], found["version"], found["lease"]) == (
        "read_write", "active", "1.24.1", None,
    )  # fmt: skip
    assert found["databases"][0] == {
        "name": "app", "paused": False, "disabled": False, "clients_active": 2, "clients_waiting": 1,
        "servers_active": 0, "servers_idle": 2, "max_wait_s": 2.5,
    }  # fmt: skip
