# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: file_backup_info
short_description: Look at backups of files on a host that has them taken, or on the one that keeps them
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Reads what the role C(file_backup) made, and asks restic for the snapshots. Takes no lock, and changes nothing.
options:
  repositories:
    description: Host name to password, of the repositories that lie on this host.
    type: dict
    default: {}
  password:
    description: The password of this host's own repository, as it is meant to be.
    type: str
    default: ""
  directory:
    description: Folder of the repositories.
    type: path
    default: /var/lib/file_backup/repositories
  state_directory:
    description: Folder where the jobs note how they ended.
    type: path
    default: /var/lib/ha_recovery/file_backup
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
- name: See when this host's files were last backed up
  sre.ha_recovery.file_backup_info:
  register: files
"""

RETURN = r"""
repositories:
  description: >-
    Host name to C(state) (missing, unknown, locked_out, unreadable, open), C(error), C(snapshots), C(newest)
    (when it was begun, seconds since 1970) and C(newest_id).
  returned: always
  type: dict
  sample: {lb1: {state: open, error: "", snapshots: 12, newest: 1795705353.2, newest_id: f8f7b1ea}}
password_differs:
  description: This host has a password, and it is not O(password).
  returned: always
  type: bool
  sample: false
public_key:
  description: This host's key, which the repository host lets in; empty where there is none.
  returned: always
  type: str
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL51L4B72AvmY9HTyUjDh58EkWWJEaDDWCZdmENeITEU
authorized:
  description: Host name to the key that is let in on this host.
  returned: always
  type: dict
  sample: {lb1: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL51L4B72AvmY9HTyUjDh58EkWWJEaDDWCZdmENeITEU}
host_keys:
  description: Public keys of this host's SSH server, where O(repositories) names any.
  returned: always
  type: list
  elements: str
  sample: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL51L4B72AvmY9HTyUjDh58EkWWJEaDDWCZdmENeITEU]
known_host_keys:
  description: Public keys by which this host knows the repository host.
  returned: always
  type: list
  elements: str
  sample: []
last_success:
  description: When this host's last successful backup ended, seconds since 1970; null when there was none.
  returned: always
  type: float
  sample: 1795705358.4
last_problem:
  description: Why the last backup failed; empty when it did not.
  returned: always
  type: str
  sample: ""
timers:
  description: Timers of backups of files on this host.
  returned: always
  type: list
  elements: str
  sample: [file_backup-backup.timer]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup import observe


def main() -> None:
    """Look and answer."""
    module = AnsibleModule(
        argument_spec={
            "repositories": {"type": "dict", "default": {}, "no_log": True},
            "password": {"type": "str", "default": "", "no_log": True},
            "directory": {"type": "path", "default": "/var/lib/file_backup/repositories"},
            "state_directory": {"type": "path", "default": "/var/lib/ha_recovery/file_backup"},
        },
        supports_check_mode=True,
    )
    asked = {str(name): str(password) for name, password in module.params["repositories"].items()}
    places = module.params["directory"], module.params["state_directory"]
    try:
        found = observe.look(HostRunner(), asked, *places, password=module.params["password"])
    except OSError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
