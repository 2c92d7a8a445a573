"""A restore whose repository fell silent is stopped; one that copies a large file, or ends meanwhile, is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import restore, restore_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.restore_files import RestoreFailed, Wanted

from .test_plans import Host, ok

WANTED = Wanted("orders", 2, "20261127-051810F", 1)
RUNS, ENDED = ok("ActiveState=activating\nJob=17\n"), ok("ActiveState=inactive\nJob=\n")
SILENT = Completed(124, "", "", timed_out=True)
REFUSED = Completed(49, "", "ERROR: [049]: unable to connect to '192.0.2.31:8432'")


@pytest.mark.parametrize(
    ("quiet_s", "answer", "then", "asked", "stopped"),
    [
        (restore_files.QUIET_S - 1, SILENT, RUNS, False, False),
        (restore_files.QUIET_S, ok(), RUNS, True, False),
        (restore_files.QUIET_S, SILENT, ENDED, True, False),
        (restore_files.QUIET_S, SILENT, RUNS, True, True),
        (restore_files.QUIET_S, REFUSED, RUNS, True, True),
    ],
)
def test_silence(quiet_s: float, answer: Completed, then: Completed, asked: bool, stopped: bool) -> None:
    """Nothing in the log and no sign of life from the repository, both."""
    host = Host({"repo-ls": answer, "show": then, "stop": ok()})
    if stopped:
        with pytest.raises(RestoreFailed, match=r"for 60 s, and repository 2 does not answer.*goes on with it"):
            restore_files.stop_when_silent(host, WANTED, quiet_s)
    else:
        restore_files.stop_when_silent(host, WANTED, quiet_s)
    assert any("--repo=2" in argv and "repo-ls" in argv for argv in host.ran) == asked
    assert (["systemctl", "stop", restore.UNIT] in host.ran) == stopped


def test_quiet_since_the_last_line(tmp_path: Path) -> None:
    """The log's age; without a log nothing is known."""
    log = tmp_path / "log"
    assert restore_files.quiet_for(log, 1000.0) == 0.0
    log.write_text("41%\n")
    os.utime(log, (930, 930))
    assert restore_files.quiet_for(log, 1000.0) == 70.0


def test_a_wait_that_lasts_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of each wait."""
    log = tmp_path / "log"
    log.write_text("P01 DETAIL: restore file /base/1 (8KB, 41.00%)\n")
    os.utime(log, (1, 1))
    monkeypatch.setattr(restore, "LOG", str(log))
    with pytest.raises(RestoreFailed, match="does not answer"):
        restore_files.wait(Host({"repo-ls": SILENT, "show": RUNS, "stop": ok()}), WANTED, 0)
    assert restore_files.wait(Host({"repo-ls": ok(), "show": RUNS}), WANTED, 0) is not None
    assert restore_files.wait(Host({"show": ENDED}), WANTED, 0) is None
