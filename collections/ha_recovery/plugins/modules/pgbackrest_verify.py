# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_verify
short_description: Read every file of the backup repository and compare its checksum
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Runs on the repository host. Changes nothing; fails when a file is missing or damaged, and names the backups that
    cannot be trusted for it.
options:
  stanza:
    description: The cluster's name in the repository.
    type: str
    required: true
  timeout:
    description: Seconds that it may take.
    type: float
    default: 86400.0
attributes:
  check_mode:
    description: Only looks.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: See that every backup can be read
  sre.ha_recovery.pgbackrest_verify:
    stanza: orders
"""

RETURN = r"""
good:
  description: Nothing is missing, nothing is damaged.
  returned: always
  type: bool
  sample: true
checked:
  description: Every backup and archive of each repository, and how many of its files are as they were written.
  returned: always
  type: list
  elements: dict
  sample:
    - {repository: 1, kind: backup, name: 20261126-150233F, status: valid, total: 12, valid: 12, problems: []}
damaged:
  description: What cannot be trusted, and why.
  returned: always
  type: list
  elements: str
  sample: ["repository 1, backup 20261126-150233F: 1 checksum invalid"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command, verify_run


def main() -> None:
    """Read everything and answer."""
    module = AnsibleModule(
        argument_spec={
            "stanza": {"type": "str", "required": True},
            "timeout": {"type": "float", "default": 86400.0},
        },
        supports_check_mode=True,
    )
    result = {"good": False, "checked": [], "damaged": []}
    try:
        result = verify_run.verify(HostRunner(), module.params["stanza"], module.params["timeout"])
    except command.PgbackrestFailed as problem:
        module.fail_json(msg=str(problem), **result)
    if not result["good"]:
        found = "; ".join(result["damaged"])
        module.fail_json(
            msg=f"{found}. Next: ansible-playbook playbooks/backup.yml -e backup_type=full, and find out what damaged "
            "the repository's disk.",
            **result,
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
