# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_stanza
short_description: Make a cluster's place in the backup repository, once, and see that WAL arrives there
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Runs on the repository host. Makes the stanza where a repository does not know it.
  - Refuses a repository that holds backups of another cluster, or that the key does not open. It never upgrades and
    never deletes.
options:
  stanza:
    description: The cluster's name in the repository.
    type: str
    required: true
  system_identifier:
    description: System identifier of the running servers; a repository with backups of another one is refused.
    type: str
    default: ""
  check:
    description:
      - Have the primary switch to a new WAL segment and wait until it is in every repository.
      - This proves archiving from end to end. It is no change of the estate.
    type: bool
    default: false
  timeout:
    description: Seconds that each of the two may take.
    type: float
    default: 120.0
attributes:
  check_mode:
    description: Says whether the stanza would be made. No segment is switched.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: A stanza that is there is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Make the stanza and see that WAL arrives
  sre.ha_recovery.pgbackrest_stanza:
    stanza: orders
    check: true
"""

RETURN = r"""
reason:
  description: Why the stanza was, or in check mode would be, made; empty when it was there.
  returned: always
  type: str
  sample: the repository does not know the stanza
waits_for:
  description: With O(check=true), why WAL cannot arrive yet though nothing is broken; empty otherwise.
  returned: always
  type: str
  sample: "archive_mode must be enabled. Next: ansible-playbook playbooks/rolling_restart.yml"
archived:
  description: With O(check=true), the newest segment of each repository before and after.
  returned: with check
  type: dict
  sample: {before: {"1": "000000010000000000000009"}, after: {"1": "00000001000000000000000A"}}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command, stanza


def main() -> None:
    """Look, make, prove."""
    module = AnsibleModule(
        argument_spec={
            "stanza": {"type": "str", "required": True},
            "system_identifier": {"type": "str", "default": ""},
            "check": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 120.0},
        },
        supports_check_mode=True,
    )
    params = module.params
    runner = HostRunner()
    result = {"changed": False, "reason": "", "waits_for": ""}
    try:
        todo = stanza.plan(command.info(runner, params["stanza"]), params["system_identifier"])
        result.update(changed=todo.create, reason=todo.reason)
        if not module.check_mode:
            if todo.create:
                stanza.create(runner, params["stanza"], params["timeout"])
                stanza.plan(command.info(runner, params["stanza"]), params["system_identifier"])
            if params["check"]:
                result["archived"] = stanza.check(runner, params["stanza"], params["timeout"])
    except stanza.NotArchiving as problem:
        # Not a failure of this module: on an estate that ran before it had backups, that is the next step of a person.
        result["waits_for"] = f"{problem}. Next: ansible-playbook playbooks/rolling_restart.yml"
    except stanza.StanzaRefused as refusal:
        module.fail_json(msg=str(refusal), **result)
    except command.PgbackrestFailed as problem:
        module.fail_json(msg=f"{problem} Next: pgbackrest info on the repository host.", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
