"""Files and command lines of a scratch instance."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import scratch

PLACE = scratch.Place("/var/lib/ha_recovery/drill/drill", "/run/pgbackrest/drill", 54329)
AIM = scratch.Aim("20261126-150233F")
CONTROL = """\
Database system identifier:           7577
Data page checksum version:           1
max_connections setting:              200
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           3
max_locks_per_xact setting:           64
"""


def test_the_server_gets_what_recovery_requires_and_nothing_of_the_original() -> None:
    text = scratch.server_config(PLACE, scratch.learned(CONTROL), {"shared_preload_libraries": "timescaledb"})
    settings = dict(line.split(" = ", 1) for line in text.splitlines())
    assert settings["max_connections"] == "'200'"
    assert settings["max_prepared_transactions"] == "'3'"
    assert settings["shared_preload_libraries"] == "'timescaledb'"
    assert settings["listen_addresses"] == settings["primary_conninfo"] == settings["primary_slot_name"] == "''"
    assert settings["archive_mode"] == settings["hot_standby"] == "'off'"
    assert settings["max_logical_replication_workers"] == "'0'"


@pytest.mark.parametrize("name", ["listen_addresses", "archive_mode", "port", "data_directory", "primary_conninfo"])
def test_nobody_opens_it_by_a_setting(name: str) -> None:
    plain = scratch.server_config(PLACE, {}, {})
    assert sorted(scratch.server_config(PLACE, {}, {name: "x"}).splitlines()) == sorted(plain.splitlines())


def test_a_control_file_without_settings_is_named() -> None:
    with pytest.raises(ValueError, match="max_connections, max_locks_per_transaction"):
        scratch.learned("max_wal_senders setting: 1\nmax_worker_processes setting: 1\nmax_prepared_xacts setting: 0\n")


@pytest.mark.parametrize(("version", "on"), [("1", True), ("0", False)])
def test_checksums(version: str, on: bool) -> None:
    assert scratch.checksums_on(f"Data page checksum version:           {version}\n") is on


GET = (
    "restore_command = '/usr/bin/pgbackrest --config=/var/lib/ha_recovery/drill/drill/pgbackrest.conf "
    '--config-include-path=/etc/pgbackrest/conf.d --stanza=orders --repo=1 archive-get %f "%p"\'\n'
)
ENDS = [
    (AIM, "latest", ""),
    (scratch.Aim("A", kind="immediate", timeline="3"), "3", "recovery_target = 'immediate'\n"),
    (scratch.Aim("A", kind="label"), "latest", "recovery_target = 'immediate'\n"),
    (
        scratch.Aim("A", kind="time", value="2026-03-01 01:59:41.000000+00", inclusive=False),
        "latest",
        "recovery_target_time = '2026-03-01 01:59:41.000000+00'\nrecovery_target_inclusive = 'off'\n",
    ),
    (
        scratch.Aim("A", kind="name", value="it's here"),
        "latest",
        "recovery_target_name = 'it''s here'\nrecovery_target_inclusive = 'on'\n",
    ),
]


@pytest.mark.parametrize(("aim", "timeline", "end"), ENDS, ids=[row[0].kind for row in ENDS])
def test_where_recovery_ends(aim: scratch.Aim, timeline: str, end: str) -> None:
    text = scratch.recovery_config(PLACE, "orders", aim)
    assert text == f"{GET}recovery_target_timeline = '{timeline}'\n{end}recovery_target_action = 'promote'\n"


def test_wal_comes_out_of_any_repository_when_one_does_not_have_to_do() -> None:
    aim = scratch.Aim("20261126-151044F", repository=2)
    assert " --repo=2 archive-get " in scratch.recovery_config(PLACE, "orders", aim)
    assert "--repo" not in scratch.recovery_config(PLACE, "orders", aim, alone=False)


def test_the_repository_is_found_and_no_other_server() -> None:
    original = (
        "[global]\nrepo1-path=/var/lib/pgbackrest\nrepo1-bundle=y\nrepo1-retention-full=2\nrepo2-s3-key=k\n"
        "backup-standby=prefer\ntls-server-address=10.0.0.1\nio-timeout=30\n\n[orders]\npg1-host=10.0.0.2\n"
    )
    text = scratch.repository_config(original, PLACE, "orders", 2)
    assert text.splitlines()[:4] == ["[global]", "repo1-path=/var/lib/pgbackrest", "repo2-s3-key=k", "io-timeout=30"]
    assert text.endswith("[orders]\npg1-path=/var/lib/ha_recovery/drill/drill/data\n")
    assert "host" not in text and "tls-server" not in text


def test_tablespaces_and_other_databases_do_not_land_elsewhere() -> None:
    argv = scratch.restore_argv(PLACE, "orders", AIM, ("app",))
    assert {"--set=20261126-150233F", "--type=none", "--db-include=app", "--repo=1"} < set(argv)
    assert "--tablespace-map-all=/var/lib/ha_recovery/drill/drill/tablespaces" in argv


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("P01 DETAIL: restore file /x/data/base/5/1259 (120KB, 33.32%) checksum 2ab1", 33.32),
        ("P01 DETAIL: restore file /x/data/base/5/12 (bundle 1/8192, 8KB, 100.00%) checksum 2ab1", 100.0),
        ("P00   INFO: restore command end: completed successfully (2210ms)", None),
    ],
)
def test_progress(line: str, seen: float | None) -> None:
    assert scratch.percent(line) == seen


@pytest.mark.parametrize(("free", "enough"), [(1 << 30, False), ((1 << 30) + 110, True), ((1 << 30) + 109, False)])
def test_room(free: int, enough: bool) -> None:
    assert (scratch.no_room(100, free, "/x") == "") is enough


INFO = json.dumps(
    [
        {
            "name": "orders",
            "db": [{"id": 1, "version": "15"}, {"id": 2, "version": "17"}],
            "archive": [
                {"id": "15-1", "max": "0000000100000000000000FF", "database": {"repo-key": 1}},
                {"id": "17-2", "max": "000000020000000A00000003", "database": {"repo-key": 1}},
                {"id": "17-2", "max": None, "database": {"repo-key": 2}},
            ],
        }
    ]
)


def test_the_newest_segment_and_the_version() -> None:
    newest = scratch.newest_segment(INFO, "orders")
    assert newest == scratch.Segment(1, "17-2", "000000020000000A00000003")
    assert newest.begins == 0xA03000000
    assert newest == scratch.newest_segment(INFO, "orders", 1) and scratch.newest_segment(INFO, "orders", 2) is None
    assert scratch.server_version(INFO, "orders") == "17"


@pytest.mark.parametrize("answer", ["[]", "no", '[{"name": "orders"}]'])
def test_nothing_is_known_of_a_stanza_that_is_not_there(answer: str) -> None:
    assert scratch.newest_segment(answer, "orders") is None
    assert scratch.server_version(answer, "orders") == ""


@pytest.mark.parametrize(
    ("listing", "at"),
    [('{"00A-1.zst": {"time": 5}, "00B-2.zst": {"time": 7}}', 7), ('{"00A-1.zst": {"time": 5}}', None), ("x", None)],
)
def test_when_a_segment_was_archived(listing: str, at: int | None) -> None:
    assert scratch.segment_time(listing, "00B") == at


@pytest.mark.parametrize(
    ("root", "socket", "said"),
    [
        ("/var/lib/ha_recovery/drill", "/run/pgbackrest/drill", ""),
        ("/var/lib", "/run/pgbackrest/drill", "the scratch path is '/var/lib'"),
        ("relative/to/what/x", "/run/pgbackrest/drill", "the scratch path"),
        ("/var/lib/x/../../etc", "/run/pgbackrest/drill", "without `..`"),
        ("/var/lib/ha_recovery/drill", f"/run/pgbackrest/{'x' * 80}", "80 or fewer"),
    ],
)
def test_a_place_that_must_not_be_removed(root: str, socket: str, said: str) -> None:
    found = "; ".join(scratch.mistakes(root, socket))
    assert said in found and bool(found) is bool(said)


@pytest.mark.parametrize("raw", [{"label": "../etc"}, {"label": "20261126-150233F", "kind": "tide"}, {"label": ""}])
def test_what_is_no_aim(raw: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="nothing that can be restored"):
        scratch.aim_from(raw)


def test_an_aim_is_read_back() -> None:
    assert (
        scratch.aim_from({"label": "20261126-150233F_20261127-010000I", "kind": "xid", "value": "7", "x": 1}).value
        == "7"
    )
