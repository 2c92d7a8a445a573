# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_restore
short_description: Restore the files of a backup as the data of a standby
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Restores into C(<data directory>.seeding) and renames the complete files, with C(standby.signal) among them, into
    place. So a data directory is empty or whole, and no server can come up writable on it. It is not started.
  - The restore runs as a systemd unit of its own. When the connection to the host breaks it goes on, and the next call
    picks it up. One that a power cut left half-way goes on, too; pgBackRest fetches what is missing or differs.
  - Each call waits for at most O(wait) seconds and returns how far the restore is, so that a loop can show progress.
  - The host must be able to reach the repository; role P(sre.ha_recovery.pgbackrest#role) sees to that.
options:
  version:
    description: Major version.
    type: str
    required: true
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  stanza:
    description: The cluster's name in the repository.
    type: str
    required: true
  repository:
    description: Number of the repository that holds the backup.
    type: int
    default: 1
  label:
    description: The backup. By default the newest one whose pages were whole.
    type: str
    default: ""
  old_data:
    description: >-
      What becomes of data that is there. C(refuse) never touches it. C(aside) renames it to
      C(<data directory>.before-<UTC>). C(reuse) gives it up, and fetches only files that differ from the backup's. For
      the latter two the server must be stopped and its unit masked. Data that was restored from O(label) is left alone.
    type: str
    choices: [refuse, aside, reuse]
    default: refuse
  process_max:
    description: Processes that fetch files; by default half of the processors.
    type: int
  wait:
    description: Seconds to wait for the restore in this call.
    type: float
    default: 15.0
attributes:
  check_mode:
    description: Says whether a restore would be made and touches nothing.
    support: full
  diff_mode:
    description: There is nothing to show but the files themselves.
    support: none
  idempotent:
    description: A data directory that was restored from that backup already is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Restore the newest backup, showing progress every quarter of a minute
  sre.ha_recovery.pgbackrest_restore:
    version: "17"
    stanza: orders
    wait: 15
  register: restored
  loop: "{{ range(1, 10001) | list }}"
  loop_control:
    label: "{{ restored.message }}"
    break_when:
      - restored.finished or restored is failed

- name: Restore that backup over data that nobody needs any more, of a server that is stopped and masked
  sre.ha_recovery.pgbackrest_restore:
    version: "17"
    stanza: orders
    label: 20261126-150233F
    old_data: reuse
"""

RETURN = r"""
finished:
  description: The data directory is complete.
  returned: always
  type: bool
  sample: false
message:
  description: How far the restore is, for people.
  returned: always
  type: str
  sample: 41 % of backup 20261126-150233F restored
percent:
  description: Share that is restored.
  returned: always
  type: float
  sample: 41.3
label:
  description: The backup; empty when there is none.
  returned: always
  type: str
  sample: 20261126-150233F
gave_up:
  description: pgBackRest could not do it, and C(msg) has its words. Another copy may be made then.
  returned: always
  type: bool
  sample: false
aside:
  description: Where the data that was there is kept; empty when there was none.
  returned: always
  type: str
  sample: /var/lib/postgresql/17/main.before-20261126T151102Z
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import command, reseed_run, restore_files
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout


def newest(runner: HostRunner, stanza: str) -> str:
    """Label of the newest backup whose pages were whole."""
    found = command.info(runner, stanza).newest
    if found is None:
        raise restore_files.RestoreFailed(
            f"stanza {stanza} has no usable backup; expected one at least. Next: ansible-playbook playbooks/backup.yml"
        )
    return found.label


def restore(module: AnsibleModule, result: dict) -> bool:
    """Observe, decide, restore; fills ``result`` and returns whether anything was changed."""
    params, runner = module.params, HostRunner()
    layout = Layout(params["version"], params["cluster"])
    seen = reseed_run.observe(runner, layout)
    there = seen["label"] if seen["state"] == "initialized" else ""
    result["label"] = label = params["label"] or there or newest(runner, params["stanza"])
    wanted = restore_files.wanted_from({**params, "label": label})
    step = reseed_run.plan_restore(seen, str(layout.data_directory()), wanted, params["old_data"])
    if step == "done" or module.check_mode:
        told = f"is backup {label} already" if step == "done" else f"would restore backup {label}"
        result.update(finished=True, percent=100.0 if step == "done" else 0.0, message=told)
        return step != "done"
    done = reseed_run.run(runner, layout, wanted, old=params["old_data"], begin=True, wait=params["wait"])
    result.update({key: done[key] for key in ("finished", "percent", "aside")})
    result["message"] = f"{done['percent']:g} % of backup {label} restored"
    return bool(done["changed"])


def main() -> None:
    """Run and answer."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "cluster": {"type": "str", "default": "main"},
            "stanza": {"type": "str", "required": True},
            "repository": {"type": "int", "default": 1},
            "label": {"type": "str", "default": ""},
            "old_data": {"type": "str", "default": "refuse", "choices": list(reseed_run.OLD)},
            "process_max": {"type": "int"},
            "wait": {"type": "float", "default": 15.0},
        },
        supports_check_mode=True,
    )
    result = {"finished": False, "message": "", "percent": 0.0, "label": "", "gave_up": False, "aside": ""}
    try:
        changed = restore(module, result)
    except restore_files.RestoreFailed as problem:
        module.fail_json(msg=str(problem), **{**result, "gave_up": True})
    except command.PgbackrestFailed as problem:
        module.fail_json(msg=str(problem), **result)
    module.exit_json(changed=changed, **result)


if __name__ == "__main__":
    main()
