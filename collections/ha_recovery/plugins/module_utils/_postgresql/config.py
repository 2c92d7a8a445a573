# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a cluster's configuration in place: try it beside the old one, replace, let the server judge, reload.

Nothing half-applied is left behind: what the server cannot read is taken back before it is told to reload.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import owner_ids, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user, query_json

# pg_file_settings calls a change that needs a restart an error of this text, which it is not (guc.c).
FILE_ERRORS = """
SELECT json_build_object(
  'hba', (SELECT coalesce(json_agg(format('line %s: %s', line_number, error)), '[]')
          FROM pg_hba_file_rules WHERE error IS NOT NULL),
  'settings', (SELECT coalesce(json_agg(format('%s line %s: %s %s', sourcefile, sourceline, name, error)), '[]')
               FROM pg_file_settings WHERE error IS NOT NULL AND error <> 'setting could not be applied'))
"""
STATE = """
SELECT json_build_object(
  'loaded_at', extract(epoch FROM pg_conf_load_time()),
  'pending_restart', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart))
"""
RELOAD = "SELECT to_json(pg_reload_conf())"


class ConfigRefused(Exception):
    """The new configuration is wrong; the old one is in place. The message says what Postgres said about it."""


@dataclass(frozen=True)
class File:
    """One file as it should be. ``secret`` keeps its content out of diffs."""

    path: str
    content: str
    mode: int
    owner: str
    secret: bool = False


@dataclass(frozen=True)
class Change:
    """A file that differs, with the content it had (None: it was not there)."""

    file: File
    before: str | None


def changes(files: Sequence[File]) -> list[Change]:
    """Which files differ in content, mode or owner."""
    result = []
    for item in files:
        path = Path(item.path)
        try:
            before: str | None = path.read_text(encoding="utf-8", errors="replace")
            found = path.stat()
        except FileNotFoundError:
            result.append(Change(item, None))
            continue
        ids = owner_ids(item.owner)
        same_owner = ids is None or found.st_uid == ids[0]
        if before != item.content or stat.S_IMODE(found.st_mode) != item.mode or not same_owner:
            result.append(Change(item, before))
    return result


def diff(found: Sequence[Change]) -> list[dict[str, str]]:
    """What a person sees of it; secrets show only that they change."""
    result = []
    for change in found:
        hidden = change.file.secret
        before = change.before or ""
        result.append(
            {
                "before_header": change.file.path,
                "after_header": change.file.path,
                "before": ("" if change.before is None else "(secret, not shown)\n") if hidden else before,
                "after": "(new secret, not shown)\n" if hidden else change.file.content,
            }
        )
    return result


def check_settings(runner: Runner, layout: Layout, found: Sequence[Change]) -> None:
    """Let ``postgres -C`` read a copy of the configuration with the changes in it; the server is not involved."""
    program = layout.bin_dir / "postgres"
    touched = [
        change.file for change in found if change.file.path.endswith(".conf") and _is_setting(layout, change.file)
    ]
    if not touched or not program.exists():
        return
    with tempfile.TemporaryDirectory(prefix="ha_recovery-") as name:
        trial = Path(name)
        (trial / "conf.d").mkdir()
        for path in [layout.config_dir / "postgresql.conf", *sorted((layout.config_dir / "conf.d").glob("*.conf"))]:
            if path.exists():
                shutil.copyfile(path, trial / path.relative_to(layout.config_dir))
        for item in touched:
            (trial / Path(item.path).relative_to(layout.config_dir)).write_text(item.content, encoding="utf-8")
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in [trial, *trial.rglob("*")]:
                os.chown(path, owner.pw_uid, owner.pw_gid)
        argv = [str(program), "-C", "max_connections", "-c", f"config_file={trial}/postgresql.conf"]
        done = runner.run(as_user("postgres", argv), timeout=10)
        if not done.ok:
            said = " ".join(line.strip() for line in done.stderr.splitlines()).replace(f"{trial}/", "")
            raise ConfigRefused(f"postgres -C refuses the new settings: {said}")


def apply(runner: Runner, layout: Layout, found: Sequence[Change], *, port: int, running: bool) -> None:
    """Write the files. A running server then reads them on trial; what it cannot read is put back as it was."""
    for change in found:
        _make_directory(Path(change.file.path).parent, change.file.owner)
        replace_file(Path(change.file.path), change.file.content, mode=change.file.mode, owner=change.file.owner)
    if not running or not found:
        return
    answer = query_json(runner, layout, FILE_ERRORS, port=port, timeout=10)
    errors = (
        [f"pg_hba.conf {text}" for text in answer.value["hba"]] + answer.value["settings"]
        if answer.ok
        else [f"the server could not be asked: {answer.error}"]
    )
    if errors:
        take_back(found)
        raise ConfigRefused(f"the server cannot read the new files, the old ones are back: {'; '.join(errors)}")


def take_back(found: Sequence[Change]) -> None:
    """Put every file back as it was."""
    for change in found:
        path = Path(change.file.path)
        if change.before is None:
            path.unlink(missing_ok=True)
        else:
            replace_file(path, change.before, mode=change.file.mode, owner=change.file.owner)


def read_since(files: Sequence[str], loaded_at: float) -> bool:
    """False when a file that the server reads was written after the server last did so.

    So a run that was killed between writing and reloading is made good by the next one.
    """
    for name in files:
        try:
            if Path(name).stat().st_mtime > loaded_at:
                return False
        except FileNotFoundError:
            continue
    return True


def server_state(runner: Runner, layout: Layout, port: int) -> dict[str, Any]:
    """When the server last read its configuration (seconds since 1970), and which settings wait for a restart."""
    answer = query_json(runner, layout, STATE, port=port, timeout=10)
    if not answer.ok:
        raise ConfigRefused(f"the server could not be asked: {answer.error}")
    return dict(answer.value)


def reload(runner: Runner, layout: Layout, port: int, loaded_at: float) -> dict[str, Any]:
    """Tell the server to read its configuration again and wait until it has; returns its state afterwards."""
    answer = query_json(runner, layout, RELOAD, port=port, timeout=10)
    if not answer.ok:
        raise ConfigRefused(f"the server did not reload: {answer.error}")
    for _attempt in range(50):
        state = server_state(runner, layout, port)
        if state["loaded_at"] > loaded_at:
            return state
        time.sleep(0.1)
    raise ConfigRefused("the server was told to reload and has not done so within 5 s; see its log")


def _is_setting(layout: Layout, item: File) -> bool:
    path = Path(item.path)
    return path == layout.config_dir / "postgresql.conf" or path.parent == layout.config_dir / "conf.d"


def _make_directory(path: Path, owner: str) -> None:
    """Like ``install -d``, with every directory that is made owned by ``owner``."""
    if path.exists():
        return
    _make_directory(path.parent, owner)
    path.mkdir(mode=0o755)
    ids = owner_ids(owner)
    if ids is not None:
        os.chown(path, *ids)
