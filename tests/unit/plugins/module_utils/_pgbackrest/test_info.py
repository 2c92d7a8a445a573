"""What pgBackRest says about its repositories, as 2.55.1 said it on Debian 13."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.info import (
    InfoError,
    Stanza,
    merged,
    parse_info,
)

FULL = {
    "archive": {"start": "00000002000000000000000C", "stop": "00000002000000000000000C"},
    "backrest": {"format": 5, "version": "2.55.1"},
    "database": {"id": 1, "repo-key": 1},
    "error": False,
    "info": {
        "delta": 31130870,
        "repository": {"delta": 3765320, "delta-map": 33024, "size-map": 33024},
        "size": 31130870,
    },
    "label": "20261126-151044F",
    "lsn": {"start": "0/C000028", "stop": "0/C000120"},
    "prior": None,
    "reference": None,
    "timestamp": {"start": 1795705844, "stop": 1795705846},
    "type": "full",
}
INCREMENTAL = {
    **FULL,
    "annotation": {"label": "before the release"},
    "label": "20261126-151044F_20261126-161044I",
    "timestamp": {"start": 1795709444, "stop": 1795709449},
    "type": "incr",
}
# What comes out of the wrong key is noise, with control characters in it.
NOISE = (
    "[FormatError] unable to load info file '/var/lib/pgbackrest/backup/orders/backup.info' or "
    "'/var/lib/pgbackrest/backup/orders/backup.info.copy':\nFormatError: key/value found outside of section at line 1: "
    ">W\ufffd\u0007 __)=b\nHINT: backup.info cannot be opened and is required to perform a backup."
)


def answer(code: int = 0, message: str = "ok", **more: Any) -> str:
    """The JSON of one stanza."""
    stanza = {
        "archive": [
            {
                "database": {"id": 1, "repo-key": 1},
                "id": "17-1",
                "max": "00000002000000000000000C",
                "min": "000000020000000000000008",
            }
        ],
        "backup": [FULL, INCREMENTAL],
        "cipher": "aes-256-cbc",
        "db": [{"id": 1, "repo-key": 1, "system-id": 7712492094763907917, "version": "17"}],
        "name": "orders",
        "repo": [{"cipher": "aes-256-cbc", "key": 1, "status": {"code": code, "message": message}}],
        "status": {"code": code, "lock": {"backup": {"held": False}}, "message": message},
        **more,
    }
    return json.dumps([stanza])


def stanza(**more: Any) -> Stanza:
    """The same, parsed."""
    return parse_info(answer(**more), "orders")


def test_a_stanza_with_two_backups() -> None:
    """Everything that decisions read is there."""
    seen = stanza()
    (repository,) = seen.repositories
    assert (repository.wal_min[-2:], repository.wal_max[-2:]) == ("08", "0C")
    assert repository.system_identifier == "7712492094763907917" and repository.there and not repository.locked_out
    assert seen.newest is not None and seen.newest.label.endswith("I")
    assert seen.newest.annotations == {"label": "before the release"} and seen.newest.repository_bytes == 3765320
    assert seen.age_s(1795709459.0) == 10.0
    assert (seen.running, seen.percent) == (False, None)


def test_a_backup_with_broken_pages_is_not_the_newest_usable_one() -> None:
    """Its age would say that all is well."""
    seen = stanza(backup=[FULL, {**INCREMENTAL, "error": True}])
    assert seen.newest is not None and seen.newest.label == "20261126-151044F"


def test_a_backup_under_way() -> None:
    """How far it is."""
    lock = {"backup": {"held": True, "size": 2000, "size-cplt": 500}}
    assert stanza(status={"code": 0, "lock": lock, "message": "ok"}).percent == 25.0
    assert stanza(status={"code": 0, "lock": {"backup": {"held": True}}, "message": "ok"}).percent is None


@pytest.mark.parametrize(
    ("since", "label"), [(0.0, "I"), (1795709444.9, "I"), (1795709445.0, None), (1795705845.0, "I")]
)
def test_the_backup_since_a_moment(since: float, label: str | None) -> None:
    """A backup that began in the second in which it was asked for counts."""
    found = stanza().since(since)
    assert (found.label[-1] if found else None) == label


@pytest.mark.parametrize(
    ("code", "message", "there", "locked_out"),
    [
        (0, "ok", True, False),
        (2, "no valid backups", True, False),
        (1, "missing stanza path", False, False),
        (3, "missing stanza data", False, False),
        (99, NOISE, False, True),
        (99, "[CryptoError] unable to load info file '/x/backup.info': cipher header invalid", False, True),
        (99, "[PathOpenError] unable to list file info for path: [13] Permission denied", False, False),
    ],
)
def test_states_of_a_repository(code: int, message: str, there: bool, locked_out: bool) -> None:
    """A wrong key is told from a repository that is not there or cannot be read."""
    (repository,) = stanza(code=code, message=message, backup=[]).repositories
    assert (repository.there, repository.locked_out) == (there, locked_out)
    assert repository.message.isprintable() and repository.message.isascii()


def test_noise_is_quoted_as_it_is() -> None:
    """pgBackRest does not escape control characters: a strict parser would take a wrong key for no answer at all."""
    raw = answer(code=99, message="NOISE", backup=[]).replace("NOISE", NOISE.replace("\n", " ") + "\x02\x11")
    (repository,) = parse_info(raw, "orders").repositories
    assert repository.locked_out


def test_each_repository_has_its_own_archive() -> None:
    """Two repositories, the second without WAL yet."""
    repos = [{"cipher": "none", "key": key, "status": {"code": 0, "message": "ok"}} for key in (1, 2)]
    first, second = stanza(repo=repos).repositories
    assert first.wal_max and not second.wal_max and second.system_identifier == ""


SECOND = {**FULL, "database": {"id": 1, "repo-key": 2}, "timestamp": {"start": 1795709500, "stop": 1795709600}}


def second(code: int = 0, message: str = "ok", **more: Any) -> str:
    """What the second repository alone answers."""
    held = {"code": code, "lock": {"backup": {"held": True, "size": 200, "size-cplt": 50}}, "message": message}
    repo = [{"cipher": "aes-256-cbc", "key": 2, "status": {"code": code, "message": message}}]
    databases = [{"id": 1, "repo-key": 2, "system-id": 1, "version": "17"}]
    return answer(**{"repo": repo, "archive": [], "backup": [SECOND], "db": databases, "status": held, **more})


def test_one_answer_out_of_two() -> None:
    """Everything of both, the lock of either."""
    found = parse_info(merged("orders", {1: answer(), 2: second()}, {}), "orders")
    assert [(one.key, one.there, one.system_identifier) for one in found.repositories] == [
        (1, True, "7712492094763907917"), (2, True, "1"),
    ]  # fmt: skip
    assert (len(found.backups), found.code, found.running, found.percent) == (3, 0, True, 25.0)
    assert found.ages(1795709700.0) == {1: 251.0, 2: 100.0}
    assert found.newest_in(2) == found.newest != found.newest_in(1)


@pytest.mark.parametrize(
    ("answers", "silent", "codes", "code"),
    [
        ({1: answer()}, {2: "no answer"}, [0, 99], 4),
        ({1: answer(), 2: "[]"}, {}, [0, 1], 4),
        ({1: "[]", 2: "[]"}, {}, [1, 1], 1),
        ({1: answer(), 2: second(code=3, message="missing stanza data", backup=[])}, {}, [0, 3], 4),
        ({}, {1: "no answer", 2: "no answer"}, [99, 99], 99),
    ],
)
def test_repositories_that_say_different_things(
    answers: dict[int, str], silent: dict[int, str], codes: list[int], code: int
) -> None:
    """As pgBackRest says it when it is asked for all of them at once."""
    found = parse_info(merged("orders", answers, silent), "orders")
    assert [one.code for one in found.repositories] == codes and found.code == code


def test_an_answer_that_is_none() -> None:
    """In our words."""
    with pytest.raises(InfoError, match="did not answer as expected"):
        merged("orders", {1: answer(), 2: "no"}, {})


@pytest.mark.parametrize(
    ("oldest", "lacking"), [(1795709449, []), (1795709450, [1]), (1795709600.9, [1]), (1795709601, [1, 2])]
)
def test_which_repositories_lack_a_backup(oldest: float, lacking: list[int]) -> None:
    """Since a time; seconds are whole."""
    assert parse_info(merged("orders", {1: answer(), 2: second()}, {}), "orders").lacking(oldest) == lacking


def test_a_repository_that_cannot_be_read_is_not_judged() -> None:
    """Nobody knows what is in it; one that has nothing lacks one."""
    found = parse_info(merged("orders", {1: answer(), 2: second(code=2, backup=[])}, {3: "no answer"}), "orders")
    assert found.lacking(0) == [2] and found.ages(1795709450.0) == {1: 1.0, 2: None, 3: None}


def test_a_stanza_that_nobody_made() -> None:
    """pgBackRest leaves it out, or names it with a code."""
    assert parse_info("[]", "orders").code == 1 and stanza(backup=[]).newest is None
    assert stanza(backup=[]).age_s(1.0) is None


@pytest.mark.parametrize("text", ["", "no", "{}", "[1]", '[{"name": "orders", "backup": [{}]}]'])
def test_something_else(text: str) -> None:
    """Never a traceback, never an empty answer taken for "no backup"."""
    if text == "{}":
        assert parse_info(text, "orders").repositories == ()
        return
    with pytest.raises(InfoError):
        parse_info(text, "orders")


def test_each_backup_says_of_which_cluster_it_is() -> None:
    """A stanza that was upgraded, or made anew after a loss, has backups of more than one."""
    older = {**FULL, "label": "older", "database": {"id": 1, "repo-key": 1}}
    newer = {**FULL, "label": "newer", "database": {"id": 2, "repo-key": 1}}
    databases = [{"id": 1, "repo-key": 1, "system-id": 7001}, {"id": 2, "repo-key": 1, "system-id": 7002}]
    found = parse_info(answer(backup=[older, newer], db=databases), "orders")
    assert [one.system_identifier for one in found.backups] == ["7001", "7002"]
