"""The files of a role: what differs, what is tried, what is left as it was after a refusal."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import host_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.host_files import (
    ABSENT,
    DIRECTORY,
    FILE,
    LINK,
    FilesRefused,
    Found,
    Wanted,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner

ME = pwd.getpwuid(os.geteuid()).pw_name
MINE = grp.getgrgid(os.getegid()).gr_name
WANTED = Wanted("/x", FILE, "new\n", owner="root", group="root", mode=0o640)
RIGHT = Found(FILE, "new\n", "", "root", "root", 0o640)


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        (WANTED, RIGHT, False),
        (WANTED, replace(RIGHT, content="old\n"), True),
        (WANTED, replace(RIGHT, owner="postgres"), True),
        (WANTED, replace(RIGHT, group="postgres"), True),
        (WANTED, replace(RIGHT, mode=0o644), True),
        (WANTED, Found(ABSENT), True),
        # A masked unit is a link; a real one takes its place.
        (WANTED, Found(LINK, target="/dev/null"), True),
        (Wanted("/x", DIRECTORY, mode=0o755), Found(DIRECTORY, owner="root", group="root", mode=0o755), False),
        (Wanted("/x", DIRECTORY, mode=0o755), Found(DIRECTORY, owner="root", group="root", mode=0o700), True),
        (Wanted("/x", DIRECTORY), Found(ABSENT), True),
        (Wanted("/x", LINK, target="/dev/null"), Found(LINK, target="/dev/null"), False),
        (Wanted("/x", LINK, target="/dev/null"), Found(LINK, target="/dev/zero"), True),
        (Wanted("/x", LINK, target="/dev/null"), RIGHT, True),
        (Wanted("/x", ABSENT), Found(ABSENT), False),
        (Wanted("/x", ABSENT), RIGHT, True),
    ],
)
def test_what_differs(wanted: Wanted, found: Found, expected: bool) -> None:
    assert host_files.differs(wanted, found) is expected


@pytest.mark.parametrize(
    ("wanted", "found", "said"),
    [
        (WANTED, Found(DIRECTORY), "/x is a directory; expected a file, or nothing"),
        (Wanted("/x", DIRECTORY), RIGHT, "/x is a file; expected a directory, or nothing"),
        (Wanted("/x", LINK), Found(DIRECTORY), "/x is a directory; expected a link, or nothing"),
        (Wanted("/x", ABSENT), Found(DIRECTORY), "/x is a directory; expected a file to remove, or nothing"),
        (WANTED, Found("special file"), "/x is a special file; expected a file, or nothing"),
    ],
)
def test_nothing_of_another_kind_is_replaced(wanted: Wanted, found: Found, said: str) -> None:
    with pytest.raises(FilesRefused, match=said):
        host_files.differs(wanted, found)


def mine(path: Path, **more: Any) -> Wanted:
    return Wanted(str(path), owner=ME, group=MINE, **more)


def changes_of(wanted: Sequence[Wanted]) -> list[host_files.Change]:
    return host_files.plan(wanted, {one.path: host_files.look(one.path) for one in wanted})


def test_everything_is_made_once_and_then_left_alone(tmp_path: Path) -> None:
    wanted = [
        mine(tmp_path / "etc", state=DIRECTORY, mode=0o750),
        mine(tmp_path / "etc/a.conf", content="a\n", mode=0o640),
        mine(tmp_path / "etc/masked", state=LINK, target="/dev/null"),
        mine(tmp_path / "gone", state=ABSENT),
    ]
    (tmp_path / "gone").write_text("old")
    host_files.apply(HostRunner(), changes_of(wanted))
    assert changes_of(wanted) == []
    assert (tmp_path / "etc/a.conf").read_text() == "a\n"
    assert (tmp_path / "etc/masked").readlink() == Path("/dev/null")
    assert not (tmp_path / "gone").exists()
    # Nothing of the making is left beside it.
    assert sorted(entry.name for entry in (tmp_path / "etc").iterdir()) == ["a.conf", "masked"]


def test_a_refusal_leaves_the_old_content_and_says_what_the_program_said(tmp_path: Path) -> None:
    target = tmp_path / "a.conf"
    target.write_text("good\n")
    judge = 'sh -c \'grep -q good "$0" || { echo "line 1 of $0 is bad" >&2; exit 1; }\' %s'
    after = tmp_path / "b.conf"
    changes = changes_of([mine(target, content="bad\n", validate=judge), mine(after, content="b\n")])
    with pytest.raises(FilesRefused, match=f"sh refuses the new {target}: line 1 of {target} is bad"):
        host_files.apply(HostRunner(), changes)
    assert target.read_text() == "good\n"
    assert not after.exists()


def test_what_is_tried_may_need_what_came_before_it(tmp_path: Path) -> None:
    """A program of the same step, and a file that it reads."""
    tool, other, config = tmp_path / "tool", tmp_path / "hba.conf", tmp_path / "a.ini"
    wanted = [
        mine(tool, content=f"#!/bin/sh\ntest -e {other}\n", mode=0o755),
        mine(other, content="x\n", validate="true %s"),
        mine(config, content="a\n", validate=f"{tool} %s"),
    ]
    host_files.apply(HostRunner(), changes_of(wanted))
    assert config.read_text() == "a\n"


def test_a_dry_run_tries_only_what_can_be_tried(tmp_path: Path) -> None:
    tool, other, config = tmp_path / "tool", tmp_path / "hba.conf", tmp_path / "a.ini"
    wanted = [
        mine(other, content="x\n", validate="true %s"),
        mine(config, content="a\n", validate=f"{tool} %s"),
    ]
    # The file that a.ini's program may want is not there yet.
    assert [one.wanted.path for one in host_files.can_be_tried(changes_of(wanted))] == [str(other)]
    other.write_text("old\n")
    # Now it is, but the program is not.
    assert [one.wanted.path for one in host_files.can_be_tried(changes_of(wanted))] == [str(other)]
    tool.write_text("#!/bin/sh\n")
    assert [one.wanted.path for one in host_files.can_be_tried(changes_of(wanted))] == [str(other), str(config)]


def test_a_diff_shows_contents_and_rights_but_no_secret(tmp_path: Path) -> None:
    secret, plain = tmp_path / "pass", tmp_path / "conf"
    secret.write_text("old secret\n")
    wanted = [mine(secret, content="new secret\n", secret=True, mode=0o600), mine(plain, content="x\n")]
    shown = host_files.diff(changes_of(wanted))
    assert "secret\n" not in "".join(f"{one['before']}{one['after']}" for one in shown)
    assert "(new content)" in shown[0]["after"]
    assert shown[1]["before"] == ""
    assert shown[1]["after"] == f"# file {ME}:{MINE} 0644\nx\n"


def test_an_owner_that_does_not_exist_is_named(tmp_path: Path) -> None:
    changes = changes_of([replace(mine(tmp_path / "a", content=""), owner="nobody_knows")])
    with pytest.raises(FilesRefused, match=f"a: there is no nobody_knows:{MINE} on this host"):
        host_files.apply(HostRunner(), changes)
