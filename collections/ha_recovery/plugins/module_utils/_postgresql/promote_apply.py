# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a promotion on this host and see that it accepts writes."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import remove_file, replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, postmaster_pid
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.promote import DEGRADED_CONF, PromotePlan
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import query_json


class PromoteFailed(Exception):
    """The promotion did not end well; the message says what the server answered."""


# Assigning a transaction id fails on a server in recovery; local commit, for the synchronous standby may still be
# on its way here.
WRITABLE_QUERY = """
SET synchronous_commit = local;
SELECT json_build_object('xid', pg_current_xact_id()::text, 'lsn', pg_current_wal_lsn(),
  'timeline', ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
  'synchronous_standby_names', current_setting('synchronous_standby_names'),
  'streaming', (SELECT coalesce(json_agg(application_name ORDER BY application_name), '[]')
    FROM pg_stat_replication WHERE state = 'streaming'))
"""


def reload_server(layout: Layout) -> None:
    """Make the running server read its configuration again."""
    pid = postmaster_pid(layout.data_directory())
    if pid is not None:
        os.kill(pid, signal.SIGHUP)


def apply_promote(runner: Runner, layout: Layout, plan: PromotePlan, *, port: int, timeout: float) -> dict[str, Any]:
    """Do it. Returns durations in seconds: ``promote_s`` until pg_promote() returned, ``writable_s`` until a write."""
    began = time.monotonic()
    if plan.write_degraded:
        replace_file(layout.degraded_conf, DEGRADED_CONF, mode=0o640, owner="postgres")
    if plan.remove_degraded:
        remove_file(layout.degraded_conf)
    if plan.write_degraded or plan.remove_degraded:
        reload_server(layout)
    if plan.promote:
        seconds = max(1, int(timeout))
        answer = query_json(
            runner, layout, f"SELECT to_json(pg_promote(true, {seconds}))", port=port, timeout=timeout + 2
        )
        if not answer.ok or answer.value is not True:
            raise PromoteFailed(
                f"pg_promote() did not finish within {seconds} s: {answer.error or 'it answered false'}"
            )
    promoted = time.monotonic()
    while True:
        answer = query_json(runner, layout, WRITABLE_QUERY, port=port, timeout=2.0)
        if answer.ok:
            return {
                "promote_s": round(promoted - began, 3),
                "writable_s": round(time.monotonic() - began, 3),
                "timeline": answer.value["timeline"],
                "lsn": answer.value["lsn"],
                "synchronous_standby_names": answer.value["synchronous_standby_names"],
                "streaming": answer.value["streaming"],
            }
        if time.monotonic() - promoted > timeout:
            raise PromoteFailed(f"it does not accept writes {timeout:g} s after its promotion: {answer.error}")
        time.sleep(0.05)
