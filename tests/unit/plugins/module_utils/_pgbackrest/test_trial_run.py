"""Starting and following what works with a scratch instance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import trial_run
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.trial_plan import Seen, TrialRefused


@dataclass
class Systemd:
    """A host whose unit is in these states, one after the other; the last one stays."""

    states: list[str]
    said: str = ""
    starts: list[Sequence[str]] = field(default_factory=list)

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """See Runner."""
        assert timeout > 0
        if argv[:2] == ["systemctl", "show"]:
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            return Completed(0, f"ActiveState={state}\nJob=0\n", "")
        if argv[0] == "systemd-run":
            self.starts.append(argv)
        return Completed(0, self.said, "")


def host(tmp_path: Path) -> Seen:
    """Whose state is below that folder."""
    settings = {"metrics": str(tmp_path / "pgbackrest.prom"), "scratch": {"path": str(tmp_path), "timeout_s": 60}}
    return Seen("backup1", settings, 1, "17", True)


def test_it_is_started_with_what_was_asked_in_a_file(tmp_path: Path) -> None:
    systemd = Systemd(["inactive"])
    trial_run.start(systemd, "table", host(tmp_path), {"tables": ["$HOME"]})
    request = tmp_path / "table_request.json"
    assert json.loads(request.read_text()) == {"tables": ["$HOME"]}
    assert systemd.starts[0][-3:] == ["table", "--request", str(request)]
    assert "--property=TimeoutStartSec=22260" in systemd.starts[0]


def test_the_same_that_runs_is_followed_and_another_one_is_refused(tmp_path: Path) -> None:
    systemd = Systemd(["activating"])
    (tmp_path / "drill_request.json").write_text('{"random": true}')
    trial_run.start(systemd, "drill", host(tmp_path), {"random": True})
    with pytest.raises(TrialRefused, match="another run of this kind is under way"):
        trial_run.start(systemd, "drill", host(tmp_path), {"label": "A"})
    assert systemd.starts == []


def test_it_is_followed_to_its_result(tmp_path: Path) -> None:
    (tmp_path / "drill.json").write_text('{"good": true, "at": 105}')
    systemd = Systemd(["activating", "activating", "inactive"])
    found = trial_run.follow(systemd, "drill", host(tmp_path), 100.7, 60, clock=lambda: 0.0, sleep=lambda _s: None)
    assert found == ({"good": True, "at": 105}, {})


@pytest.mark.parametrize("left", ['{"good": true, "at": 99}', "", "no"], ids=["of an earlier run", "none", "half"])
def test_a_killed_one_is_no_success(tmp_path: Path, left: str) -> None:
    (tmp_path / "drill.json").write_text(left)
    systemd = Systemd(["failed"], said="pgbackrest_job drill: copying the backup\n")
    with pytest.raises(trial_run.TrialFailed, match="without a result: pgbackrest_job drill: copying the backup"):
        trial_run.follow(systemd, "drill", host(tmp_path), 100.0, 60)


def test_while_it_runs_a_person_is_told_how_far_it_is(tmp_path: Path) -> None:
    progress: dict[str, Any] = {"message": "copying the backup", "percent": 12.5}
    (tmp_path / "drill_progress.json").write_text(json.dumps(progress))
    found = trial_run.follow(Systemd(["activating"]), "drill", host(tmp_path), 100.0, 0)
    assert found == ({}, progress)
    assert trial_run.told(progress, 31.4) == "copying the backup 12.5 %, 31 s so far"
    assert trial_run.told({}, 0.2) == "it begins, 0 s so far"


def test_what_is_known_of_a_host(tmp_path: Path) -> None:
    assert trial_run.look("backup1", "17", str(tmp_path)).settings == {}
    (tmp_path / "etc/pgbackrest").mkdir(parents=True)
    (tmp_path / trial_run.SETTINGS).write_text('{"scratch": {"path": "/not/there"}}')
    (tmp_path / "usr/lib/postgresql/17/bin").mkdir(parents=True)
    (tmp_path / "usr/lib/postgresql/17/bin/postgres").touch()
    seen = trial_run.look("backup1", "17", str(tmp_path))
    assert (seen.server, seen.free_bytes > 0) == (True, True)
