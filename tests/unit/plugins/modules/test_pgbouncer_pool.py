"""The module from its arguments to its answer, against a PgBouncer on a real socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import Instance
from ansible_collections.sre.ha_recovery.plugins.modules import pgbouncer_pool

from tests.unit.plugins.module_utils._pgbouncer.conftest import FakePooler, FakeRunner, instance, pooler, runner

__all__ = ["instance", "pooler", "runner"]


class Module:
    """Runs the module and reads its answer."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, **arguments: Any) -> dict[str, Any]:
        with patch_module_args({"pool": "read_write", **arguments}), pytest.raises(SystemExit):
            pgbouncer_pool.main()
        return dict(json.loads(self.capsys.readouterr().out))


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, instance: Instance, runner: FakeRunner
) -> Module:
    """A module that finds a PgBouncer."""
    monkeypatch.setattr(pgbouncer_pool, "Instance", lambda pool: instance)
    monkeypatch.setattr(pgbouncer_pool, "HostRunner", lambda: runner)
    return Module(capsys)


def test_paused_then_nothing_then_resumed_then_nothing(run: Module) -> None:
    first = run(state="paused", lease=8, by="switchover")
    assert (first["changed"], first["pooler"]["state"], first["pooler"]["lease"]["by"]) == (
        True,
        "paused",
        "switchover",
    )
    assert first["diff"] == {"before": {"paused": []}, "after": {"paused": ["app", "postgres"]}}
    assert "seconds" in first
    assert not run(state="paused")["changed"]
    done = run(state="resumed")
    assert (done["changed"], done["pooler"]["state"], done["pooler"]["lease"]) == (True, "active", None)
    assert done["diff"] == {"before": {"paused": ["app", "postgres"]}, "after": {"paused": []}}
    assert not run(state="resumed")["changed"]


def test_check_mode_shows_the_same_difference(run: Module, pooler: FakePooler) -> None:
    planned = run(state="paused", databases=["app"], _ansible_check_mode=True)
    assert pooler.seen == [] and planned["pooler"]["state"] == "active"
    done = run(state="paused", databases=["app"])
    assert {key: planned[key] for key in ("changed", "commands", "diff")} == {
        key: done[key] for key in ("changed", "commands", "diff")
    }


def test_a_look_changes_nothing(run: Module, pooler: FakePooler) -> None:
    found = run()
    assert (found["changed"], found["pooler"]["state"], pooler.seen) == (False, "active", [])


def test_reconnect(run: Module) -> None:
    done = run(state="reconnected")
    assert (done["changed"], done["commands"]) == (True, ["RECONNECT app", "RECONNECT postgres"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"databases": ["other"]}, "the pool has no database other"),
        ({"lease": 30}, "waiting clients get an error"),
        ({"timeout": 20, "lease": 10}, "longer than the timeout"),
    ],
)
def test_refusals(run: Module, arguments: dict[str, Any], words: str) -> None:
    failed = run(state="paused", **arguments)
    assert failed["failed"] and words in failed["msg"]


def test_an_open_transaction_is_named(run: Module, pooler: FakePooler) -> None:
    pooler.open["app"] = 1
    failed = run(state="paused", timeout=0.1)
    assert failed["failed"] and "did not end within 0.1 s: app@app from 192.0.2.9:4711" in failed["msg"]
    assert failed["holders"][0]["application"] == "nightly"


def test_a_timer_that_does_not_start(run: Module, runner: FakeRunner) -> None:
    runner.refuses = "no systemd here"
    assert "no systemd here. Nothing was paused. Next: run the role pgbouncer" in run(state="paused")["msg"]


def test_a_pool_that_does_not_run(run: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgbouncer_pool, "Instance", lambda pool: Instance(pool, run="/nonexistent"))
    assert "Next: systemctl status pgbouncer@read_write" in run(state="paused")["msg"]
    assert run()["pooler"]["state"] == "stopped"
