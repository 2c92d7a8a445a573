"""Which files come back, where to, and when a restore is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup import restore, restore_run
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup.snapshots import Entry, Snapshot

OLD = Snapshot("aaaa1111" * 8, 1772325062.0, "lb1", ("/etc/haproxy",))
NEW = Snapshot("bbbb2222" * 8, 1772411462.0, "lb1", ("/etc/haproxy",))
MANIFEST = "/var/lib/ha_recovery/file_backup/manifest.jsonl"
ENTRIES = (
    Entry("/etc", "dir", 0, 1.0),
    Entry("/etc/haproxy", "dir", 0, 1.0),
    Entry("/etc/haproxy/haproxy.cfg", "file", 10, 5.0),
    Entry("/etc/haproxy/link", "symlink", 0, 5.0),
    Entry(MANIFEST, "file", 99, 5.0),
)
SEEN = restore.Seen((OLD, NEW), ENTRIES, 1 << 30)
SAME = {"/etc": ("dir", 0, 1.0), "/etc/haproxy": ("dir", 0, 1.0), "/etc/haproxy/haproxy.cfg": ("file", 10, 5.0),
        "/etc/haproxy/link": ("symlink", 0, 9.0)}  # fmt: skip
ASKED = restore.Asked("lb1")
PLACE = restore.Asked("lb1", in_place=True)


def plan(seen: restore.Seen = SEEN, asked: restore.Asked = ASKED) -> restore.Plan:
    return restore.plan_restore(seen, asked, "/r/lb1-bbbb2222", MANIFEST)


@pytest.mark.parametrize(
    ("seen", "asked", "action", "word"),
    [
        (SEEN, ASKED, "beside", "1 files, 10 bytes"),
        (SEEN, replace(ASKED, paths=("/etc/haproxy",)), "beside", "1 files"),
        (SEEN, replace(ASKED, paths=("/etc/nginx",)), "refuse", "has no /etc/nginx"),
        (SEEN, replace(ASKED, paths=("/etc/hap",)), "refuse", "has no /etc/hap"),
        (SEEN, replace(ASKED, snapshot="cccc"), "refuse", "0 snapshots"),
        (restore.Seen(()), ASKED, "refuse", "there is no snapshot"),
        (replace(SEEN, free_bytes=1000), ASKED, "refuse", "1000 bytes are free"),
        (replace(SEEN, free_bytes=None), ASKED, "beside", "1 files"),
        (replace(SEEN, restored=True), ASKED, "none", "nothing to do"),
        (SEEN, PLACE, "refuse", "4 paths would be replaced or made"),
        (SEEN, replace(PLACE, confirmed=True), "in_place", "1 files"),
        (replace(SEEN, there=SAME), PLACE, "none", "nothing to do"),
        (replace(SEEN, there=SAME, free_bytes=1000), replace(PLACE, confirmed=True), "none", "nothing to do"),
    ],
)
def test_what_is_done(seen: restore.Seen, asked: restore.Asked, action: str, word: str) -> None:
    found = plan(seen, asked)
    assert found.action == action
    assert word in " ".join([found.headline, *found.lines, *(one.line for one in found.refusals)])
    for one in found.refusals:
        assert "no file was touched" in one.line and "restore_files" in one.next


def test_a_refusal_lists_the_snapshots() -> None:
    lines = "\n".join(plan(SEEN, replace(ASKED, snapshot="cccc")).lines)
    assert OLD.short in lines and NEW.short in lines


@pytest.mark.parametrize(
    ("here", "change"),
    [
        (None, "new"),
        (("dir", 0, 1.0), "type"),
        (("file", 11, 5.0), "changed"),
        (("file", 10, 6.0), "changed"),
        (("file", 10, 5.0), None),
    ],
)
def test_what_differs(here: tuple[str, int, float] | None, change: str | None) -> None:
    there = dict(SAME)
    del there["/etc/haproxy/haproxy.cfg"]
    if here:
        there["/etc/haproxy/haproxy.cfg"] = here
    assert restore.changes_of(ENTRIES[:4], there) == ({"/etc/haproxy/haproxy.cfg": change} if change else {})


def test_files_are_put_in_place_and_what_they_replace_is_kept(tmp_path: Path) -> None:
    live, target, kept = tmp_path / "live", tmp_path / "target", tmp_path / "kept"
    staged = target / str(live).lstrip("/")
    (staged / "sub").mkdir(parents=True)
    (staged / "a").write_text("old")
    (staged / "a").chmod(0o640)
    os.utime(staged / "a", ns=(7, 7))
    (staged / "sub/b").write_text("b")
    (live / "b").mkdir(parents=True)
    (live / "a").write_text("new")
    (staged / "b").write_text("a file again")
    changes = {f"{live}/a": "changed", f"{live}/b": "type", f"{live}/sub": "new", f"{live}/sub/b": "new"}
    done = restore_run.put_in_place(restore.Plan("in_place", "", (), changes=changes), target, kept)
    assert done == sorted(changes)
    assert (live / "a").read_text() == "old" and (live / "a").stat().st_mode & 0o777 == 0o640
    assert (live / "a").stat().st_mtime_ns == 7
    assert (live / "b").read_text() == "a file again" and (live / "sub/b").read_text() == "b"
    assert (kept / str(live).lstrip("/") / "a").read_text() == "new"
    assert (kept / str(live).lstrip("/") / "b").is_dir()
    assert not list(live.glob(".*"))
