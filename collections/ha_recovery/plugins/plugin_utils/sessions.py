# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions for a task: those that the run's keeper has open already, or ones of its own where no keeper is.

Playbooks that only look (status.yml, preflight.yml, everything with --check) have no keeper.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Union

from ansible.errors import AnsibleActionFail
from ansible_collections.sre.ha_recovery.plugins.module_utils._lock.lock_file import process_began
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.borrowed import BorrowedEstate, LenderGone
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import ConnectionRefused
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Estate
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.connections import connections_for, limits_from
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.keeping import KeeperError, run_socket

AnyEstate = Union[Estate, BorrowedEstate]


@contextmanager
def estate_of(hosts: Sequence[str], task_vars: Mapping[str, Any]) -> Iterator[AnyEstate]:
    """Sessions with these hosts. A keeper that has gone fails the task; nothing goes on without its lock."""
    try:
        connections, limits = connections_for(hosts, task_vars), limits_from(task_vars)
        # Tasks run in children of ansible-playbook: the parent is the run.
        path = run_socket(os.getppid(), process_began(os.getppid()))
        with BorrowedEstate(path, connections, limits) if path else Estate(connections, limits) as estate:
            yield estate
    except (ConnectionRefused, KeeperError, LenderGone) as error:
        raise AnsibleActionFail(str(error)) from error
