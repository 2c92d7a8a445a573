# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_backup
short_description: Take a backup, if the newest one is too old
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Runs on the repository host, where the role C(pgbackrest) put the program that takes backups.
  - The backup is a systemd unit of its own (C(ha_recovery-backup)). It goes on when the connection breaks, and it waits
    for one that a timer has started.
  - Returns after I(wait) seconds at the latest; call it again with O(follow) to wait on.
options:
  stanza:
    description: The cluster's name in the repository.
    type: str
    required: true
  type:
    description: Everything, what changed since the last full backup, or what changed since the last one.
    type: str
    choices: [full, diff, incr]
    default: incr
  max_age:
    description: >-
      Take one only into repositories whose newest ended longer ago than this (seconds). Without it, always into all.
    type: float
  label:
    description: A word to find it by, kept as an annotation.
    type: str
    default: ""
  wait:
    description: Seconds to wait for the backup in this call.
    type: float
    default: 86400.0
  follow:
    description: What an earlier call returned under this name, to wait on for the backup that it started.
    type: float
attributes:
  check_mode:
    description: Says whether one would be taken.
    support: full
  diff_mode:
    description: There is nothing to show but the backup itself.
    support: none
  idempotent:
    description: With O(max_age); without it, each call takes a backup.
    support: partial
"""

EXAMPLES = r"""
- name: Have a backup that is no older than six hours
  sre.ha_recovery.pgbackrest_backup:
    stanza: orders
    max_age: 21600

- name: Take a full backup and show how far it is
  sre.ha_recovery.pgbackrest_backup:
    stanza: orders
    type: full
    label: before the release
    wait: 15
    follow: "{{ backup.follow | default(omit) }}"
  register: backup
  loop: "{{ range(1, 10001) | list }}"
  loop_control:
    label: "{{ backup.message }}"
    break_when:
      - backup.finished or backup is failed or ansible_check_mode
"""

RETURN = r"""
finished:
  description: There is such a backup now. In check mode, whether there is one already.
  returned: always
  type: bool
  sample: true
message:
  description: What was done and how far it is, for people.
  returned: always
  type: str
  sample: "20261126-150233F: full, 5 s"
percent:
  description: Share that is copied, where it is known.
  returned: always
  type: float
  sample: 100.0
follow:
  description: Hand it to the next call, which then waits for this backup.
  returned: when a backup was started
  type: float
  sample: 1795705353.2
backup:
  description: The backup, as M(sre.ha_recovery.pgbackrest_info) shows it; null while it runs.
  returned: always
  type: dict
  sample: {label: 20261126-150233F, type: full, repository: 1, started_at: 1795705353, ended_at: 1795705358}
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import backup, command
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.observe import backup_dict


def carry_out(params: dict, check_mode: bool) -> dict:
    """What the module returns."""
    runner = HostRunner()
    began = params["follow"]
    if began is None:
        seen = command.info(runner, params["stanza"])
        todo = backup.plan(seen, max_age=params["max_age"], now=time.time(), label=params["label"])
        if todo.action == "keep" or check_mode:
            kept = todo.action == "keep"
            return {"changed": not kept, "finished": kept, "message": todo.reason, "percent": None,
                    "backup": backup_dict(seen.newest) if kept else None}  # fmt: skip
        began = time.time()
        backup.start(runner, params["type"], params["label"], params["max_age"])
    found, seen = backup.follow(runner, params["stanza"], began, params["wait"], max_age=params["max_age"])
    said = backup.answer(seen, found, began, time.time() - began)
    return {"changed": params["follow"] is None, "backup": backup_dict(found), **said}


def main() -> None:
    """Look, start, follow."""
    module = AnsibleModule(
        argument_spec={
            "stanza": {"type": "str", "required": True},
            "type": {"type": "str", "choices": ["full", "diff", "incr"], "default": "incr"},
            "max_age": {"type": "float"},
            "label": {"type": "str", "default": ""},
            "wait": {"type": "float", "default": 86400.0},
            "follow": {"type": "float"},
        },
        supports_check_mode=True,
    )
    try:
        result = carry_out(module.params, module.check_mode)
    except (backup.BackupRefused, backup.BackupFailed, command.PgbackrestFailed) as problem:
        module.fail_json(msg=str(problem), finished=False, message=str(problem), percent=None, backup=None)
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
