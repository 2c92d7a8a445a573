# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: file_restore
short_description: Restore files of this host from its backups, beside what is there or in place
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Runs on a host whose files the role C(file_backup) backs up.
  - Restores into a folder of the snapshot's own, read back and compared by restic. With O(in_place), what differs is
    then put where it belongs, each file in one step; what it replaces is kept beside that folder.
  - A refusal is an answer, not an error, so that a runbook can show it.
options:
  host:
    description: Name of this host in the inventory.
    type: str
    required: true
  snapshot:
    description: Id, or its first digits, or V(latest).
    type: str
    default: latest
  paths:
    description: Absolute paths, each with all below it; without any, everything.
    type: list
    elements: path
    default: []
  in_place:
    description: Put what differs where it belongs.
    type: bool
    default: false
  confirmed:
    description: Somebody said so. Without it, O(in_place) refuses and shows what it would replace.
    type: bool
    default: false
  folder:
    description: Where folders of restored files are made.
    type: path
    default: /var/lib/ha_recovery/restored
  timeout:
    description: Seconds for the restore itself.
    type: float
    default: 3600.0
  settings:
    description: The host's settings, as the role C(file_backup) writes them.
    type: path
    default: /etc/file_backup/host.json
attributes:
  check_mode:
    description: Plans, and touches nothing.
    support: full
  diff_mode:
    description: The plan lists what is put in place.
    support: none
  idempotent:
    description: Files that are restored, or as they were, are left alone.
    support: full
"""

EXAMPLES = r"""
- name: Restore the configuration of HAProxy beside the one that is in use
  sre.ha_recovery.file_restore:
    host: lb1
    paths: [/etc/haproxy]
"""

RETURN = r"""
plan:
  description: >-
    C(action) (refuse, none, beside, in_place), C(acts), C(headline), C(lines) for people, C(refusals), C(snapshot),
    C(files), C(bytes) and C(changes) (path to new, changed or type).
  returned: success
  type: dict
  sample: {action: beside, acts: true, headline: "lb1: 3 files, 8123 bytes, as of 2026-03-01T00:31:02Z"}
target:
  description: Folder with the restored files.
  returned: success
  type: str
  sample: /var/lib/ha_recovery/restored/lb1-f8f7b1ea
placed:
  description: Paths that were put in place.
  returned: success
  type: list
  elements: str
  sample: [/etc/haproxy/haproxy.cfg]
kept:
  description: Folder with what was replaced; empty where nothing was.
  returned: success
  type: str
  sample: /var/lib/ha_recovery/restored/lb1-f8f7b1ea.before-20260301T031209Z
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 2.4
"""

import json
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.failed import Failed
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup import restore, restore_run
from ansible_collections.sre.ha_recovery.plugins.module_utils._file_backup.snapshots import SnapshotError


def carry_out(params: dict, check_mode: bool) -> dict:
    """Look, plan, restore, look again."""
    began = time.monotonic()
    asked = restore.Asked(
        params["host"], params["snapshot"], tuple(params["paths"]), params["in_place"], params["confirmed"]
    )
    settings = json.loads(Path(params["settings"]).read_text(encoding="utf-8"))
    manifest = str(Path(settings["state"], "manifest.jsonl"))
    repository = restore_run.Repository(HostRunner(), settings)
    seen, target = restore_run.look(repository, asked, params["folder"], manifest)
    plan = restore.plan_restore(seen, asked, str(target), manifest)
    result = {
        "changed": plan.as_dict()["acts"],
        "plan": plan.as_dict(),
        "target": str(target),
        "placed": [],
        "kept": "",
    }
    if result["changed"] and not check_mode:
        if not seen.restored:
            restore_run.restore_beside(repository, plan, asked.paths, target, params["timeout"])
        if plan.action == "in_place":
            kept = target.with_name(f"{target.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
            result["placed"] = restore_run.put_in_place(plan, target, kept)
            result["kept"] = str(kept) if kept.exists() else ""
        again, _target = restore_run.look(repository, asked, params["folder"], manifest)
        left = restore.plan_restore(again, asked, str(target), manifest)
        if left.action != "none":
            raise Failed(f"not everything is as it was restored: {left.headline}. Next: the same command again")
    return {**result, "seconds": round(time.monotonic() - began, 3)}


def main() -> None:
    """Do it, or say why not."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "snapshot": {"type": "str", "default": "latest"},
            "paths": {"type": "list", "elements": "path", "default": []},
            "in_place": {"type": "bool", "default": False},
            "confirmed": {"type": "bool", "default": False},
            "folder": {"type": "path", "default": "/var/lib/ha_recovery/restored"},
            "timeout": {"type": "float", "default": 3600.0},
            "settings": {"type": "path", "default": "/etc/file_backup/host.json"},
        },
        supports_check_mode=True,
    )
    host = module.params["host"]
    try:
        result = carry_out(module.params, module.check_mode)
    except FileNotFoundError as problem:
        if problem.filename != module.params["settings"]:
            module.fail_json(msg=f"{host}: {problem}")
        module.fail_json(
            msg=f"{host}: {problem.filename} is not there; expected a host that the role file_backup was run on"
        )
    except (Failed, SnapshotError, OSError, ValueError) as problem:
        module.fail_json(msg=f"{host}: {problem}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
