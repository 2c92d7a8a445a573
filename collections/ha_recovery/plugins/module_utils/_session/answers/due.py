# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is due on this host: settings that wait for a restart, packages with a newer version; and bringing these in.

Sources: PostgreSQL manual, pg_settings and pg_file_settings; apt-get(8); Debian's invoke-rc.d(8) on policy-rc.d, which
keeps the maintainer scripts of a package from starting anything: when a server starts is the runbook's affair.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.answers.maintenance import layout_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.calls import CallFailed

# The last line of all files that names a setting counts; no line: it goes back to its default.
SETTINGS = """SELECT json_build_object(
 'running', split_part(current_setting('server_version'), ' ', 1),
 'settings', (SELECT coalesce(json_agg(json_build_object('name', s.name, 'setting', s.setting, 'pending', coalesce(
    (SELECT f.setting FROM pg_file_settings f WHERE lower(f.name) = lower(s.name) ORDER BY f.seqno DESC LIMIT 1),
    s.boot_val)) ORDER BY s.name), '[]') FROM pg_settings s WHERE s.pending_restart))"""
PACKAGES = r"postgresql(-client)?-(\d+|common)|libpq5|haproxy|keepalived|pgbouncer"
INSTALLS = re.compile(r"^Inst (\S+) \[([^\]]+)\] \((\S+)", re.MULTILINE)
POLICY = Path("/usr/sbin/policy-rc.d")
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l", "APT_LISTCHANGES_FRONTEND": "none"}


def restart_due(args: Mapping[str, Any]) -> dict[str, Any]:
    """``settings`` [{name, setting, pending}], the ``running`` version of the server and the ``installed`` one."""
    layout = layout_of(args)
    answer = query_json(HostRunner(), layout, SETTINGS, timeout=5)
    if not answer.ok:
        raise CallFailed(f"Postgres does not answer: {answer.error}")
    shown = HostRunner().run([str(layout.bin_dir / "postgres"), "--version"], timeout=5)
    found = re.search(r"\) (\S+)", shown.stdout)
    return {**answer.value, "installed": found.group(1) if shown.ok and found else None}


def installs(text: str) -> list[dict[str, str]]:
    """What ``apt-get --simulate`` says it would bring up to date, of what the collection runs."""
    wanted = re.compile(PACKAGES)
    return [
        {"name": name, "installed": old, "newer": new}
        for name, old, new in INSTALLS.findall(text)
        if wanted.fullmatch(name)
    ]


def packages_due(args: Mapping[str, Any]) -> dict[str, Any]:
    """``packages`` [{name, installed, newer}]. ``refresh``: ask the package archives first."""
    if args.get("refresh"):
        done = HostRunner().run(["apt-get", "--quiet", "update"], timeout=float(args.get("timeout") or 120), env=QUIET)
        if not done.ok:
            raise CallFailed(f"apt-get update: {done.reason}")
    listed = HostRunner().run(["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${Package}\\n"], timeout=20)
    mine = [line[3:].strip() for line in listed.stdout.splitlines() if line.startswith("ii")]
    names = sorted(name for name in mine if re.fullmatch(PACKAGES, name))
    if not names:
        return {"packages": []}
    argv = ["apt-get", "--simulate", "install", "--only-upgrade", "--yes", *names]
    done = HostRunner().run(argv, timeout=60, env=QUIET)
    if not done.ok:
        raise CallFailed(f"apt-get --simulate: {done.reason}")
    return {"packages": installs(done.stdout)}


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """Until the end, maintainer scripts start and stop nothing. A policy that is there already is left alone."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\n# The runbook rolling_update is at work and starts services itself.\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def packages_update(args: Mapping[str, Any]) -> dict[str, Any]:
    """Bring ``packages`` up to date. Configuration files stay as they are."""
    keep = ["--option=Dpkg::Options::=--force-confdef", "--option=Dpkg::Options::=--force-confold"]
    argv = ["apt-get", "install", "--only-upgrade", "--yes", *keep, *map(str, args["packages"])]
    with _nothing_starts():
        done = HostRunner().run(argv, timeout=float(args.get("timeout") or 600), env=QUIET)
    if not done.ok:
        raise CallFailed(f"apt-get install: {done.reason}; dpkg --configure --pending may help")
    return {"changed": True}
