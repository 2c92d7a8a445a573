"""Whether anything has to be done about a service, a package or a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import host_state
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.host_state import Service
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed

RUNS = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
    "StateChangeTimestamp": "@1000",
}


@pytest.mark.parametrize(
    ("shown", "changed_at", "due"),
    [
        ({}, {}, []),
        ({}, {"/etc/a": 999.0}, []),
        ({}, {"/etc/a": 1000.9}, []),
        ({}, {"/etc/a": 1002.0, "/etc/b": 5.0}, ["does not run with /etc/a yet"]),
        ({"ActiveState": "failed"}, {"/etc/a": 1002.0}, ["does not run"]),
        ({"ActiveState": "reloading"}, {}, []),
        ({"UnitFileState": "disabled"}, {}, ["does not start at boot"]),
        ({"UnitFileState": "masked", "LoadState": "masked", "ActiveState": "inactive"}, {},
         ["is not known to systemd", "does not run", "does not start at boot"]),
        ({"NeedDaemonReload": "yes"}, {}, ["its unit changed on disk"]),
        ({"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}, {},
         ["is not known to systemd", "does not run", "does not start at boot"]),
    ],
)  # fmt: skip
def test_why_something_has_to_be_done(
    shown: Mapping[str, str], changed_at: Mapping[str, float], due: Sequence[str]
) -> None:
    service = host_state.service_from({**RUNS, **shown})
    assert host_state.due(service, host_state.stale_files(service, changed_at)) == due


def test_no_answer_of_systemd_is_nothing_that_runs() -> None:
    assert host_state.service_from({}) == Service(False, False, False, False, 0.0)


class Dpkg:
    """Answers as dpkg-query does."""

    def run(self, argv: Sequence[str], **_more: object) -> Completed:
        assert argv[0] == "dpkg-query"
        return Completed(1, "haproxy installed\nkeepalived config-files\n", "no packages found matching acl\n")


def test_packages_that_were_removed_or_never_seen_are_missing() -> None:
    assert host_state.missing_packages(Dpkg(), ["haproxy", "keepalived", "acl"]) == ["keepalived", "acl"]
    assert host_state.missing_packages(Dpkg(), []) == []


def test_users() -> None:
    assert host_state.missing_users(["root", "nobody_knows"]) == ["nobody_knows"]
