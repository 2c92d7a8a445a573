# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_table
short_description: Bring tables, or a database, as they once were out of the backups
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Runs on the repository host, where the role C(pgbackrest) put the program that does it. Production is not touched.
  - The database is restored alone into a scratch instance, which recovers to the target; its tables are dumped by
    C(pg_dump) in the custom format, and the instance is removed. The dump is the file that RV(result) names.
  - It is a systemd unit of its own (C(ha_recovery-table)), which goes on when the connection breaks. It does not wait
    for backups that are under way.
  - What cannot be done is an answer (RV(good), RV(problems)), and no error of the module.
options:
  host:
    description: Name of the host, for what people read.
    type: str
    required: true
  stanza:
    description: The cluster's name in the repository.
    type: str
    required: true
  database:
    description: Name of the database.
    type: str
    required: true
  tables:
    description: Names as in a statement, such as C(orders) or C(sales.orders). None is the whole database.
    type: list
    elements: str
    default: []
  target_type:
    description: Kind of target.
    type: str
    choices: ["", latest, time, lsn, xid, name, immediate]
    default: ""
  target:
    description: The target itself; a time has its zone.
    type: str
    default: ""
  label:
    description: A backup, by its name or by the label that it was given, instead of a target.
    type: str
    default: ""
  inclusive:
    description: Whether the target itself belongs to what is brought back.
    type: bool
    default: true
  stamp:
    description: Beginning of the dump's file name.
    type: str
    required: true
  wait:
    description: Seconds to wait for the end in this call.
    type: float
    default: 86400.0
  follow:
    description: What an earlier call returned under this name, to wait on for the run that it started.
    type: float
attributes:
  check_mode:
    description: Says what would be done, and what speaks against it.
    support: full
  diff_mode:
    description: There is nothing to show but the answer.
    support: none
  idempotent:
    description: Each call makes a dump.
    support: none
"""

EXAMPLES = r"""
- name: Bring back the orders as of five to three
  sre.ha_recovery.pgbackrest_table:
    host: "{{ inventory_hostname }}"
    stanza: orders
    database: app
    tables: [public.orders]
    target_type: time
    target: "2026-03-01 02:55:00+01:00"
    stamp: 20260301T031209Z
"""

RETURN = r"""
finished:
  description: It has ended, or was refused.
  returned: always
  type: bool
  sample: true
good:
  description: The dump is there. In check mode, nothing speaks against it.
  returned: always
  type: bool
  sample: true
refused:
  description: Nothing was restored, or there was no such table.
  returned: always
  type: bool
  sample: false
problems:
  description: What is wrong, each in a sentence.
  returned: always
  type: list
  elements: str
  sample: ["backup1: database app had no table ordes at that target; similar: public.orders"]
plan:
  description: What is done, for people.
  returned: always
  type: list
  elements: str
  sample: ["public.orders of database app, as of time 2026-03-01 01:55:00.000000+00, from backup 20260301-010003F"]
message:
  description: How far it is, or what it came to.
  returned: always
  type: str
  sample: public.orders with 42 rows
follow:
  description: Hand it to the next call, which then waits for this run.
  returned: when one was started
  type: float
  sample: 1795705353.2
steps:
  description: The parts with their durations, as a record has them.
  returned: always
  type: list
  elements: dict
  sample: [{name: dump, host: backup1, started_s: 5.0, seconds: 0.4, result: changed}]
result:
  description: All figures, with C(file) and its C(bytes); empty while it runs.
  returned: always
  type: dict
  sample: {good: true, file: /var/lib/ha_recovery/handover/20260301T031209Z-app-public.orders.dump, bytes: 5120}
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner, Runner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import (
    command,
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
    stanza, host, now = params["stanza"], params["host"], time.time()
    try:
        target = parse_target(
            params["target_type"], params["target"], label=params["label"], inclusive=params["inclusive"]
        )
    except TargetRefused as problem:
        then = "the same command with another target"
        raise trial_plan.refuse(host, problem.observed, problem.expected, then) from None
    answer = repository.answer_of(runner, stanza)
    found = info.parse_info(answer, stanza)
    seen = trial_run.look(host, scratch.server_version(answer, stanza))
    aim, backup = trial_plan.aim_of(target, repository.look(runner, stanza, answer, found), host, now)
    databases = repository.databases_of(
        repository.answer_of(runner, stanza, label=aim.label, repository=aim.repository), aim.label
    )
    return seen, trial_plan.plan_table(
        seen, aim, backup, at=target.at, database=params["database"], tables=params["tables"], databases=databases,
        stamp=params["stamp"],
    )  # fmt: skip


def summary(result: dict) -> str:
    """One line for people."""
    if not result.get("good"):
        return "; ".join(result.get("problems") or ["it did not end"])
    rows = [f"{one['name']} with {one['rows']} rows" for one in result.get("tables") or []]
    return f"{', '.join(rows) or 'the whole database'}: {result['bytes']} bytes"


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
        trial_run.start(runner, "table", seen, plan.request)
    else:
        seen = trial_run.look(params["host"], "")
    result, progress = trial_run.follow(runner, "table", seen, began, params["wait"])
    done = bool(result)
    return {
        "changed": params["follow"] is None,
        "finished": done,
        "good": bool(result.get("good")),
        "refused": bool(result.get("refused")) and done,
        "problems": [f"{params['host']}: {one}" for one in result.get("problems") or []],
        "plan": lines,
        "message": summary(result) if done else trial_run.told(progress, time.time() - began),
        "follow": began,
        "steps": trial_plan.steps_of(result, params["host"]),
        "result": result,
    }


def main() -> None:
    """Look, start, follow."""
    kinds = ["", "latest", "time", "lsn", "xid", "name", "immediate"]
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "stanza": {"type": "str", "required": True},
            "database": {"type": "str", "required": True},
            "tables": {"type": "list", "elements": "str", "default": []},
            "target_type": {"type": "str", "choices": kinds, "default": ""},
            "target": {"type": "str", "default": ""},
            "label": {"type": "str", "default": ""},
            "inclusive": {"type": "bool", "default": True},
            "stamp": {"type": "str", "required": True},
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
