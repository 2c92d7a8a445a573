"""The module from its arguments to its answer, against a HAProxy on a real socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.sre.ha_recovery.plugins.modules import haproxy_info, haproxy_server

from tests.unit.plugins.module_utils._haproxy.conftest import FakeHaproxy, haproxy, listening

__all__ = ["haproxy", "listening"]


class Module:
    """Runs a module and reads its answer."""

    def __init__(self, capsys: pytest.CaptureFixture[str], socket: Path, folder: Path) -> None:
        self.capsys = capsys
        self.paths = {"socket": str(socket), "master_socket": str(socket), "state_file": str(folder / "state")}

    def __call__(self, module: Any = haproxy_server, /, **arguments: Any) -> dict[str, Any]:
        known = self.paths if module is haproxy_server else {"socket": self.paths["socket"]}
        with patch_module_args({**known, **arguments}), pytest.raises(SystemExit):
            module.main()
        return dict(json.loads(self.capsys.readouterr().out))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], listening: Path, tmp_path: Path) -> Module:
    """A module that finds a HAProxy."""
    return Module(capsys, listening, tmp_path)


def test_maintenance_then_nothing_then_ready(run: Module) -> None:
    first = run(servers=["pg1", "pg1"], state="maint")
    assert (first["changed"], first["persisted"], len(first["commands"])) == (True, True, 2)
    assert [s["state"] for s in first["diff"]["before"]["servers"]] == ["ready", "ready"]
    assert first["diff"]["after"]["servers"] == first["servers"]
    again = run(servers=["pg1"], state="maint")
    assert (again["changed"], again["commands"], again["servers"]) == (False, [], first["servers"])
    assert run(servers=["pg1"], state="ready")["changed"]


def test_check_mode_answers_the_same(run: Module, haproxy: FakeHaproxy) -> None:
    when = {"started_at": None, "seconds": None}
    planned = run(servers=["pg1"], state="drain", _ansible_check_mode=True)
    assert haproxy.servers["postgresql_primary", "pg1"].state == "ready"
    assert {**run(servers=["pg1"], state="drain"), **when} == {**planned, **when}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"servers": ["pg9"], "state": "maint"}, "no server postgresql_primary/pg9, postgresql_replicas/pg9; it has"),
        ({"servers": ["pg1"], "weight": 257}, "weight is 257, allowed is 0 to 256"),
        ({"servers": ["pg1"]}, "one of the following is required: state, weight"),
        ({"servers": ["pg1"], "state": "maint", "socket": "/nonexistent/s"}, "does not listen on /nonexistent/s"),
        ({"servers": ["pg1"], "state": "maint", "state_file": "/nonexistent/f"}, "Next: run the role haproxy"),
    ],
)
def test_a_refusal_says_why(run: Module, arguments: dict[str, Any], message: str) -> None:
    answer = run(**arguments)
    assert answer["failed"] and message in answer["msg"]


def test_info_is_what_server_has_done(run: Module) -> None:
    run(servers=["pg1"], backends=["postgresql_replicas"], state="maint", persist=False)
    haproxy = run(haproxy_info, host="lb1")["haproxy"]
    assert (haproxy["running"], haproxy["version"], haproxy["error"]) == (True, "3.0.11", None)
    found = {(s["backend"], s["server"]): s["admin_state"] for s in haproxy["servers"]}
    assert found["postgresql_replicas", "pg1"] == ["maint"] and found["postgresql_primary", "pg1"] == []


def test_info_of_a_host_without_haproxy_is_an_answer(run: Module) -> None:
    haproxy = run(haproxy_info, host="lb1", socket="/nonexistent/s")["haproxy"]
    assert (haproxy["running"], haproxy["servers"]) == (False, [])
    assert "does not listen on /nonexistent/s" in haproxy["error"]
