"""When a stanza is made and when a backup is taken; what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import backup, command, stanza
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.abilities import abilities, parse_version
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import merged, parse_info
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.metrics import render
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.observe import (
    key_environment,
    look,
    release_of,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.verify_run import verify

from .test_info import NOISE, answer, second
from .test_info import stanza as seen
from .test_verify import DAMAGED, GOOD

SYSTEM = "7712492094763907917"
NOW = 1795709459.0


class Host:
    """Answers by the words of a command; remembers what was run."""

    def __init__(self, answers: Mapping[str, Completed | list[Completed]]) -> None:
        self.answers = dict(answers)
        self.ran: list[list[str]] = []
        self.env: list[Mapping[str, str]] = []

    def run(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, **_more: Any) -> Completed:
        """See Runner."""
        self.ran.append(list(argv))
        self.env.append(env or {})
        for word, found in self.answers.items():
            if word in argv:
                return found.pop(0) if isinstance(found, list) else found
        return Completed(127, "", f"{argv[0]}: command not found")


def ok(text: str = "") -> Completed:
    """A command that went well."""
    return Completed(0, text, "")


@pytest.mark.parametrize(
    ("code", "message", "create"),
    [(0, "ok", False), (2, "no valid backups", False), (1, "missing stanza path", True), (3, "missing data", True)],
)  # fmt: skip
def test_a_stanza_is_made_where_it_is_missing(code: int, message: str, create: bool) -> None:
    """And nowhere else."""
    assert stanza.plan(seen(code=code, message=message), SYSTEM).create is create


@pytest.mark.parametrize(
    ("more", "system", "says"),
    [
        ({"code": 99, "message": NOISE}, SYSTEM, "the key does not open it"),
        ({}, "123", "holds backups of the cluster with the system identifier"),
        ({"code": 99, "message": "[PathOpenError] Permission denied"}, SYSTEM, "Permission denied"),
    ],
)
def test_what_is_refused_of_a_repository(more: dict[str, Any], system: str, says: str) -> None:
    """With the next command."""
    with pytest.raises(stanza.StanzaRefused, match=says) as refusal:
        stanza.plan(seen(**more), system)
    assert "Nothing was changed. Next:" in str(refusal.value)


@pytest.mark.parametrize(
    ("max_age", "backups", "action"),
    [(None, None, "take"), (5.0, None, "take"), (60.0, None, "keep"), (60.0, [], "take")],
)
def test_a_backup_is_taken_when_the_newest_is_too_old(max_age: float | None, backups: Any, action: str) -> None:
    """The newest is ten seconds old."""
    found = seen() if backups is None else seen(backup=backups, code=2, message="no valid backups")
    assert backup.plan(found, max_age=max_age, now=NOW, label="").action == action


def test_what_is_refused_of_a_backup() -> None:
    """A label that could be an option, and a repository that knows nothing of the cluster."""
    with pytest.raises(backup.BackupRefused, match="the label is '--no"):
        backup.plan(seen(), max_age=None, now=NOW, label="--no")
    with pytest.raises(backup.BackupRefused, match=r"missing stanza path.*playbooks/site\.yml"):
        backup.plan(seen(code=1, message="missing stanza path"), max_age=None, now=NOW, label="")


def test_a_backup_that_is_followed_to_its_end() -> None:
    """Queued, at work, over."""
    states = [ok("ActiveState=inactive\nJob=7"), ok("ActiveState=activating\nJob=0"), ok("ActiveState=inactive\nJob=0")]
    host = Host({"show": states, "info": ok(answer())})
    found, _stanza = backup.follow(host, "orders", NOW - 20, 60, clock=lambda: 0.0, sleep=lambda _s: None)
    assert found is not None and found.type == "incr"


def test_a_backup_that_takes_longer_than_one_call() -> None:
    """None, and how far it is."""
    lock = {"code": 0, "lock": {"backup": {"held": True, "size": 4, "size-cplt": 1}}, "message": "ok"}
    host = Host({"show": ok("ActiveState=activating\nJob=0"), "info": ok(answer(status=lock))})
    found, now = backup.follow(host, "orders", NOW, 0, clock=lambda: 0.0, sleep=lambda _s: None)
    assert found is None and backup.answer(now, found, NOW, 1.0)["message"] == "25 % copied"


def test_a_backup_that_failed_says_why() -> None:
    """In the words of what took it."""
    said = ok("Starting\npgbackrest_job backup: full backup failed: ERROR: [056]: unable to find primary cluster\n")
    host = Host({"show": ok("ActiveState=failed\nJob=0"), "info": ok(answer()), f"--unit={backup.UNIT}": said})
    with pytest.raises(backup.BackupFailed, match="unable to find primary cluster"):
        backup.follow(host, "orders", NOW, 60)


def test_the_label_is_one_argument() -> None:
    """Never part of a shell's line."""
    assert backup.start_argv("full", "a b")[-4:] == ["backup", "full", "--label", "a b"]
    assert backup.start_argv("incr", "", 3600.0)[-4:] == ["backup", "incr", "--max-age", "3600"]


@pytest.mark.parametrize(
    ("version", "bundle", "block", "prefer"),
    [
        ("2.45", True, False, False),
        ("2.55.1", True, True, True),
        ("2.46", True, True, False),
        ("", False, False, False),
    ],
)
def test_abilities(version: str, bundle: bool, block: bool, prefer: bool) -> None:
    """Debian 12, Debian 13, one in between, none."""
    found = abilities(version)
    assert (found.bundle, found.block, found.prefer_standby) == (bundle, block, prefer)
    assert parse_version(f"pgBackRest {version}\n") == version


def test_what_pgbackrest_complains_of() -> None:
    """Errors before warnings, with their hints, and a time limit in our words."""
    text = "WARN: unable to check pg3: [HostConnectError]\nERROR: [082]: WAL segment was not archived\n   HINT: check\n"
    assert command.reason(Completed(82, "", text)) == "WAL segment was not archived [082] HINT: check"
    assert command.reason(Completed(124, "", "pgbackrest: no answer within 3 s", timed_out=True)).endswith("3 s")
    assert command.reason(Completed(2, "", "")) == "exit status 2"


def test_the_key_is_in_no_argument(tmp_path: Any) -> None:
    """It is in the environment of the one call."""
    key = "k" * 32
    host = Host({"version": ok("pgBackRest 2.55.1\n"), "info": ok(answer())})
    found = look(host, "orders", now=NOW, cipher_pass=key, root=str(tmp_path))
    assert found["installed"] and found["age_s"] == 10.0 and found["error"] == ""
    assert key not in str(host.ran) and host.env[-1]["PGBACKREST_REPO1_CIPHER_PASS"] == key
    assert key_environment("", [1]) == {}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("", [1]),
        ("repo1-path=/a\nrepo1-bundle=y\n", [1]),
        ("repo1-path=/a\nrepo2-type=s3\nrepo2-path=/b\n", [1, 2]),
        ("repo1-host=backup1\nrepo2-host=backup1\nrepo2-host-port=22\n", [1, 2]),
    ],
)
def test_repositories_of_a_configuration(config: str, expected: list[int]) -> None:
    """On the repository host by their paths, on a database host by their host."""
    assert command.repository_keys(config) == expected


BOTH = merged("orders", {1: answer(), 2: second()}, {})
ONE_EMPTY = merged("orders", {1: answer(), 2: second(code=2, message="no valid backups", backup=[])}, {})


@pytest.mark.parametrize(
    ("told", "max_age", "action", "reason"),
    [
        (ONE_EMPTY, 10**6, "take", "there is no backup yet in repository 2"),
        (BOTH, 200, "take", "20261126-151044F_20261126-161044I ended 4 min ago"),
        (BOTH, 300, "keep", "20261126-151044F_20261126-161044I ended 4 min ago"),
    ],
)
def test_the_repository_that_is_behind_decides(told: str, max_age: float, action: str, reason: str) -> None:
    """Of two, the newest backup of one is 100 seconds old, that of the other 251."""
    found = backup.plan(parse_info(told, "orders"), max_age=max_age, now=1795709700.0, label="")
    assert (found.action, found.reason) == (action, reason)


@pytest.mark.parametrize(("max_age", "good"), [(None, False), (30.0, False), (100.0, True)])
def test_a_backup_that_is_missing_in_one_repository_failed(max_age: float | None, good: bool) -> None:
    """Unless that one had a young one."""
    host = Host({"show": ok("ActiveState=inactive\nJob=0\n"), "info": ok(BOTH), "journalctl": ok("")})
    if good:
        assert backup.follow(host, "orders", 1795709495.0, 9, max_age=max_age)[0] is not None
        return
    with pytest.raises(backup.BackupFailed):
        backup.follow(host, "orders", 1795709495.0, 9, max_age=max_age)


class Away(Host):
    """The first repository answers, the second one does not."""

    def run(self, argv: Sequence[str], **more: Any) -> Completed:
        """See Runner."""
        done = super().run(argv, **more)
        return Completed(124, "", "pgbackrest: no answer within 8 s", timed_out=True) if "--repo=2" in argv else done


def test_a_repository_that_is_away_hides_none_of_the_others() -> None:
    """It is named, with the reason; only when none of them answers, there is no answer."""
    found = command.info(Away({"info": ok(answer())}), "orders", keys=[1, 2])
    assert [(one.key, one.there, one.message) for one in found.repositories] == [
        (1, True, "ok"),
        (2, False, "no answer within 20 s"),
    ]
    assert found.newest is not None and found.message == "different across repos"
    with pytest.raises(command.PgbackrestFailed, match="no answer within 20 s"):
        command.info(Away({}), "orders", keys=[1, 2])


def test_a_host_without_pgbackrest(tmp_path: Any) -> None:
    """An answer like any other."""
    found = look(Host({}), "orders", now=NOW, root=str(tmp_path))
    assert not found["installed"] and found["repositories"] == [] and found["newest"] is None
    assert release_of('ID=debian\nVERSION_ID="13"\n') == "13"


def test_what_the_repository_lost_is_named() -> None:
    """Every repository of the stanza is read."""
    host = Host({"info": ok(answer()), "verify": ok(DAMAGED)})
    assert verify(host, "orders", 9)["damaged"] == ["repository 1, backup 20261126-151044F: 1 checksum invalid"]
    assert verify(Host({"info": ok(answer()), "verify": ok(GOOD)}), "orders", 9)["good"]
    later = GOOD.splitlines()[-2].replace("20261126-151044F", "20261126-151044F_20261126-161044I")
    host = Host({"info": ok(answer()), "verify": ok(f"{DAMAGED}{later}\n")})
    assert verify(host, "orders", 9)["damaged"][1] == (
        "repository 1, backup 20261126-151044F_20261126-161044I: builds on 20261126-151044F"
    )
    with pytest.raises(command.PgbackrestFailed, match="did not say what it found"):
        verify(Host({"info": ok(answer()), "verify": Completed(50, "", "ERROR: [050]: locked")}), "orders", 9)


def test_an_archive_that_is_off_is_told_from_one_that_fails() -> None:
    """The first waits for a restart, the second needs a person."""
    off = Completed(87, "", "ERROR: [087]: archive_mode must be enabled\n")
    with pytest.raises(stanza.NotArchiving, match="must be enabled"):
        stanza.check(Host({"info": ok(answer()), "check": off}), "orders", 9)
    with pytest.raises(command.PgbackrestFailed, match="WAL does not arrive"):
        stanza.check(Host({"info": ok(answer()), "check": Completed(82, "", "ERROR: [082]: x\n")}), "orders", 9)


def test_figures_for_prometheus() -> None:
    """One HELP and TYPE a name."""
    text = render(
        [("pgbackrest_up", {"stanza": 'or"ders'}, 1), ("pgbackrest_backup_age_seconds", {"stanza": "b"}, 42.0)]
    )
    assert text.count("# TYPE") == 2 and 'pgbackrest_up{stanza="or\\"ders"} 1\n' in text
