# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_drill
short_description: Prove that a backup can be restored
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Runs on the repository host, where the role C(pgbackrest) put the program that does it.
  - A backup is restored into a scratch instance below a folder of its own, which listens on a Unix socket alone,
    archives nothing and follows nobody. It recovers to the target, is looked at page by page, measured, and removed.
  - The drill is a systemd unit of its own (C(ha_recovery-drill)). It goes on when the connection breaks, and it waits
    for a backup that is under way.
  - What is wrong with the backup is an answer (RV(good), RV(problems)), and no error of the module.
options:
  host:
    description: Name of the host, for what people read.
    type: str
    required: true
  stanza:
    description: The cluster's name in the repository.
    type: str
    required: true
  target_type:
    description: Kind of target. When empty, the end of the archive from the newest backup.
    type: str
    choices: ["", latest, time, lsn, xid, name, immediate, random]
    default: ""
  target:
    description: The target itself; a time has its zone.
    type: str
    default: ""
  label:
    description: A backup, by its name or by the label that it was given, instead of a target.
    type: str
    default: ""
  wait:
    description: Seconds to wait for the end in this call.
    type: float
    default: 86400.0
  follow:
    description: What an earlier call returned under this name, to wait on for the drill that it started.
    type: float
attributes:
  check_mode:
    description: Says what would be done, and what speaks against it.
    support: full
  diff_mode:
    description: There is nothing to show but the answer.
    support: none
  idempotent:
    description: Each call is a drill.
    support: none
"""

EXAMPLES = r"""
- name: Prove that the newest backup can be restored
  sre.ha_recovery.pgbackrest_drill:
    host: "{{ inventory_hostname }}"
    stanza: orders
  register: drill
  failed_when: not drill.good
"""

RETURN = r"""
finished:
  description: The drill has ended, or was refused.
  returned: always
  type: bool
  sample: true
good:
  description: Nothing wrong was found. In check mode, nothing speaks against a drill.
  returned: always
  type: bool
  sample: true
refused:
  description: Nothing was restored.
  returned: always
  type: bool
  sample: false
problems:
  description: What is wrong, each in a sentence.
  returned: always
  type: list
  elements: str
  sample: ["checksums: /var/lib/ha_recovery/drill/drill/data/base/16384/2619 block 3"]
plan:
  description: What is done, for people.
  returned: always
  type: list
  elements: str
  sample: ["restore drill on backup1: backup 20261126-150233F (full, ended 2026-11-26 15:02:38+00)"]
message:
  description: How far it is, or what it came to.
  returned: always
  type: str
  sample: "the end of the archive, from backup 20261126-150233F: a server that takes queries after 3.1 s"
follow:
  description: Hand it to the next call, which then waits for this drill.
  returned: when one was started
  type: float
  sample: 1795705353.2
steps:
  description: The parts with their durations, as a record has them.
  returned: always
  type: list
  elements: dict
  sample: [{name: restore, host: backup1, started_s: 0.0, seconds: 2.1, result: changed}]
result:
  description: All figures; empty while it runs.
  returned: always
  type: dict
  sample: {good: true, backup: 20261126-150233F, rto_s: 3.1, restore_mib_s: 40.2, last_commit_age_s: 61.0}
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import (
    command,
    drill,
    info,
    repository,
    scratch,
    trial_plan,
    trial_run,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest.target import TargetRefused, parse_target

EMPTY = {"changed": False, "finished": True, "good": False, "refused": True, "problems": [], "plan": [], "message": "",
         "steps": [], "result": {}}  # fmt: skip


def plan_of(runner: Runner, params: dict) -> tuple[trial_plan.Seen, trial_plan.Plan]:
    """Look and decide. Raises TrialRefused, PgbackrestFailed."""
    stanza, host = params["stanza"], params["host"]
    answer = repository.answer_of(runner, stanza)
    found = info.parse_info(answer, stanza)
    seen = trial_run.look(host, scratch.server_version(answer, stanza))
    kind, at = params["target_type"], None
    if kind in ("", "random") and not params["label"]:
        usable = [one.repository for one in found.backups if not one.faulty]
        note = trial_run.read_json(trial_run.state_path(seen.settings, "drill.json")) if seen.settings else {}
        newest = found.newest_in(drill.turn(usable, note)) if usable else None
        if newest is None:
            raise trial_plan.refuse(host, "no backup in the repository", "one", "ansible-playbook playbooks/backup.yml")
        aim, backup = scratch.Aim(newest.label, newest.repository), newest
    else:
        try:
            target = parse_target(kind, params["target"], label=params["label"])
        except TargetRefused as problem:
            then = "the same command with another target"
            raise trial_plan.refuse(host, problem.observed, problem.expected, then) from None
        at = target.at
        archive = repository.look(runner, stanza, answer, found)
        aim, backup = trial_plan.aim_of(target, archive, host, time.time())
    return seen, trial_plan.plan_drill(seen, aim, backup, at=at, chance=kind == "random")


def carry_out(params: dict, check_mode: bool) -> dict:
    """What the module returns."""
    runner = HostRunner()
    began, lines = params["follow"], []
    if began is None:
        seen, plan = plan_of(runner, params)
        lines = list(plan.lines)
        if check_mode:
            return {**EMPTY, "changed": True, "good": True, "refused": False, "plan": lines, "message": lines[0]}
        began = time.time()
        trial_run.start(runner, "drill", seen, plan.request)
    else:
        seen = trial_run.look(params["host"], "")
    result, progress = trial_run.follow(runner, "drill", seen, began, params["wait"])
    done = bool(result)
    return {
        "changed": params["follow"] is None,
        "finished": done,
        "good": bool(result.get("good")),
        "refused": bool(result.get("refused")) and done,
        "problems": [f"{params['host']}: {one}" for one in result.get("problems") or []],
        "plan": lines,
        "message": drill.summary(result) if done else trial_run.told(progress, time.time() - began),
        "follow": began,
        "steps": trial_plan.steps_of(result, params["host"]),
        "result": result,
    }


def main() -> None:
    """Look, start, follow."""
    kinds = ["", "latest", "time", "lsn", "xid", "name", "immediate", "random"]
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "stanza": {"type": "str", "required": True},
            "target_type": {"type": "str", "choices": kinds, "default": ""},
            "target": {"type": "str", "default": ""},
            "label": {"type": "str", "default": ""},
            "wait": {"type": "float", "default": 86400.0},
            "follow": {"type": "float"},
        },
        supports_check_mode=True,
    )
    try:
        answer = carry_out(module.params, module.check_mode)
    except trial_plan.TrialRefused as problem:
        answer = {**EMPTY, "problems": [str(problem)], "message": str(problem)}
    except (trial_run.TrialFailed, command.PgbackrestFailed, info.InfoError) as problem:
        refused = not isinstance(problem, trial_run.TrialFailed)
        said = f"{module.params['host']}: {problem}" if refused else str(problem)
        answer = {**EMPTY, "refused": refused, "problems": [said], "message": said}
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
