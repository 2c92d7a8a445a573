# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_basebackup
short_description: Seed an empty data directory with a copy of the primary
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Copies the primary with C(pg_basebackup) over TLS into C(<data directory>.seeding) and renames the complete copy,
    with C(standby.signal) in it, into place. A data directory that is not empty is never written.
  - The copy runs as a systemd unit of its own. When the connection to the host breaks it goes on, and the next call
    picks it up. A copy that a power cut left half-way is recognised by its name and made anew.
  - Each call waits for at most O(wait) seconds and returns how far the copy is, so that a loop can show progress.
options:
  version:
    description: Major version.
    type: str
    required: true
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  host:
    description: Inventory name of this host.
    type: str
    required: true
  primary_host:
    description: Inventory name of the host to copy; the name that its certificate carries.
    type: str
    required: true
  primary_address:
    description: Address of the host to copy.
    type: str
    required: true
  primary_port:
    description: Port of the server to copy.
    type: int
    default: 5432
  user:
    description: Replication role.
    type: str
    default: replicator
  passfile:
    description: libpq password file on this host that holds the replication role's password.
    type: path
    required: true
  sslmode:
    description: How the primary's certificate is verified.
    type: str
    choices: [verify-full, verify-ca, require]
    default: verify-full
  sslrootcert:
    description: Certificate authority on this host.
    type: path
    required: true
  slot_name:
    description: >-
      Physical replication slot on the primary that keeps WAL from the start of the copy on. It must exist.
      By default this host's name in slot characters.
    type: str
  max_rate:
    description: Upper limit of the copy's rate, as C(pg_basebackup --max-rate) takes it, such as 50M. Empty is none.
    type: str
    default: ""
  wait:
    description: Seconds to wait for the copy in this call.
    type: float
    default: 15.0
attributes:
  check_mode:
    description: Says whether a copy would be made and touches nothing.
    support: full
  diff_mode:
    description: There is nothing to show but the copy itself.
    support: none
  idempotent:
    description: A data directory that is a copy of that primary already is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Copy the primary, showing progress every quarter of a minute
  sre.ha_recovery.postgresql_basebackup:
    version: "17"
    host: pg2
    primary_host: pg1
    primary_address: 192.0.2.21
    passfile: /etc/postgresql/17/main/replication.pgpass
    sslrootcert: /etc/postgresql/17/main/tls/ca.crt
    wait: 15
  register: copy
  loop: "{{ range(1, 10001) | list }}"
  loop_control:
    label: "{{ copy.message }}"
    break_when:
      - copy.finished or copy is failed
"""

RETURN = r"""
finished:
  description: The data directory is a complete copy.
  returned: always
  type: bool
  sample: false
message:
  description: How far the copy is, for people.
  returned: always
  type: str
  sample: 41 % copied (2.1 GiB of 5.0 GiB)
percent:
  description: Share that is copied.
  returned: always
  type: int
  sample: 41
copied_bytes:
  description: Bytes copied so far.
  returned: always
  type: int
  sample: 2254857830
total_bytes:
  description: Bytes to copy, as the primary estimates them.
  returned: always
  type: int
  sample: 5368709120
system_identifier:
  description: The primary's system identifier; empty in check mode.
  returned: always
  type: str
  sample: "7444810238547623131"
"""

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import basebackup, basebackup_apply
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import Upstream, slot_name_for
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout


def seed(module: AnsibleModule, result: dict) -> bool:
    """Observe, decide, copy; fills ``result`` and returns whether anything was changed."""
    params = module.params
    runner = HostRunner()
    layout = Layout(params["version"], params["cluster"])
    log = Path(f"/run/ha_recovery/seed-{layout.version}-{layout.cluster}.log")
    upstream = Upstream(
        host=params["primary_host"],
        address=params["primary_address"],
        port=params["primary_port"],
        user=params["user"],
        passfile=params["passfile"],
        sslmode=params["sslmode"],
        sslrootcert=params["sslrootcert"],
        slot_name=params["slot_name"] or slot_name_for(params["host"]),
        application_name=params["host"],
    )
    target = basebackup_apply.observe_target(runner, layout, params["host"])
    if module.check_mode and target.data_state == "absent":
        # The primary may not exist yet: a first run in check mode has nothing to ask.
        result.update(finished=True, message=f"would copy {upstream.host}")
        return True
    result["system_identifier"] = basebackup_apply.identify(runner, layout, upstream)
    step = basebackup.plan_seed(target, upstream.host, result["system_identifier"])
    if step == "done":
        result.update(finished=True, percent=100, message=f"is a copy of {upstream.host} already")
        return False
    began = time.monotonic()
    if step == "start":
        basebackup_apply.start(runner, layout, upstream, log, params["max_rate"])
    finished, progress = basebackup_apply.wait(runner, layout, log, params["wait"])
    result.update(
        finished=finished,
        percent=100 if finished else progress.percent,
        copied_bytes=progress.copied,
        total_bytes=progress.total,
        message=basebackup.describe(progress, time.monotonic() - began),
    )
    return True


def main() -> None:
    """Run and answer."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "cluster": {"type": "str", "default": "main"},
            "host": {"type": "str", "required": True},
            "primary_host": {"type": "str", "required": True},
            "primary_address": {"type": "str", "required": True},
            "primary_port": {"type": "int", "default": 5432},
            "user": {"type": "str", "default": "replicator"},
            "passfile": {"type": "path", "required": True, "no_log": False},
            "sslmode": {"type": "str", "default": "verify-full", "choices": ["verify-full", "verify-ca", "require"]},
            "sslrootcert": {"type": "path", "required": True},
            "slot_name": {"type": "str"},
            "max_rate": {"type": "str", "default": ""},
            "wait": {"type": "float", "default": 15.0},
        },
        supports_check_mode=True,
    )
    result = {
        "finished": False,
        "message": "",
        "percent": 0,
        "copied_bytes": 0,
        "total_bytes": 0,
        "system_identifier": "",
    }
    try:
        changed = seed(module, result)
    except (basebackup.SeedRefused, basebackup_apply.SeedFailed) as problem:
        module.fail_json(msg=str(problem), **result)
    module.exit_json(changed=changed, **result)


if __name__ == "__main__":
    main()
