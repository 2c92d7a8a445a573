"""What restic says, and which snapshot is meant."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import openssh
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup import observe, snapshots

FIRST = {"time": "2026-03-01T00:31:02.123456789Z", "hostname": "lb1", "paths": ["/etc/haproxy"], "id": "aaaa1111" * 8}
SECOND = {"time": "2026-03-02T01:31:02+01:00", "hostname": "lb1", "paths": None, "id": "aaaa2222" * 8}


def test_snapshots_are_sorted_by_their_time() -> None:
    found = snapshots.parse_snapshots(json.dumps([SECOND, FIRST]))
    assert [one.short for one in found] == ["aaaa1111", "aaaa2222"]
    assert [one.when for one in found] == ["2026-03-01T00:31:02Z", "2026-03-02T00:31:02Z"]
    assert snapshots.age_s(found, found[-1].at + 60) == 60


@pytest.mark.parametrize("text", ["", "{", '[{"id": "a"}]', '[{"time": "now", "id": "a", "hostname": "h"}]', "[1]"])
def test_another_answer_is_an_error(text: str) -> None:
    with pytest.raises(snapshots.SnapshotError):
        snapshots.parse_snapshots(text)


def test_no_snapshots_is_an_answer() -> None:
    assert snapshots.parse_snapshots("null") == []
    assert snapshots.age_s([], 1.0) is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("latest", "aaaa2222"),
        ("aaaa1111", "aaaa1111"),
        ("aaaa1111aaaa", "aaaa1111"),
        ("aaaa", None),
        ("aaa", None),
        ("bbbb", None),
    ],
)
def test_which_snapshot_is_meant(wanted: str, expected: str | None) -> None:
    found = snapshots.parse_snapshots(json.dumps([FIRST, SECOND]))
    if expected is None:
        with pytest.raises(snapshots.SnapshotError):
            snapshots.choose(found, wanted)
    else:
        assert snapshots.choose(found, wanted).short == expected


def test_entries_are_the_nodes_of_the_listing() -> None:
    lines = [
        {"struct_type": "snapshot", "id": "x"},
        {"struct_type": "node", "path": "/etc", "type": "dir", "mtime": "2026-03-01T00:00:00Z"},
        {"struct_type": "node", "path": "/etc/a", "type": "file", "size": 3, "mtime": "2026-03-01T00:00:00.5Z"},
    ]
    found = snapshots.parse_entries("\n".join(json.dumps(one) for one in lines))
    assert [(one.path, one.kind, one.size) for one in found] == [("/etc", "dir", 0), ("/etc/a", "file", 3)]
    assert found[1].mtime - found[0].mtime == 0.5


@pytest.mark.parametrize(
    ("there", "done", "state"),
    [
        (False, Completed(0, "[]", ""), "missing"),
        (True, Completed(127, "", "restic: command not found"), "unknown"),
        (True, Completed(12, "", "Fatal: wrong password or no key found"), "locked_out"),
        (True, Completed(1, "", "Fatal: wrong password or no key found"), "locked_out"),
        (True, Completed(1, "", "Fatal: unable to open config file"), "unreadable"),
        (True, Completed(124, "", "no answer within 60 s", True), "unreadable"),
        (True, Completed(0, "{", ""), "unreadable"),
        (True, Completed(0, "[]", ""), "open"),
    ],
)
def test_what_a_repository_is_like(there: bool, done: Completed, state: str) -> None:
    assert observe.state_of(there, done)[0] == state


def test_the_reason_is_the_complaint_and_not_a_notice() -> None:
    said = "rclone: 2026 NOTICE: Config file not found\nFatal: unable to open repository\n"
    assert snapshots.reason(said, 1) == "Fatal: unable to open repository"
    assert snapshots.reason("", 3) == "exit status 3"


def test_the_last_summary_counts() -> None:
    assert (
        snapshots.summary_of('{"message_type":"status"}\n{"message_type":"summary","snapshot_id":"x"}\n')["snapshot_id"]
        == "x"
    )
    assert snapshots.summary_of("noise\n1\n") == {}


def test_who_is_let_in_is_read_back() -> None:
    line = 'restrict,from="192.0.2.1",command="umask 0077; rclone serve restic --stdio x/lb1" ssh-ed25519 AAAA lb1\n'
    assert openssh.authorized(f"# comment\n{line}ssh-ed25519 BBBB somebody\n") == {"lb1": "ssh-ed25519 AAAA"}
    assert observe.known_host_keys("# c\nfile_backup_repository ssh-ed25519 CCCC\n") == ["ssh-ed25519 CCCC"]
