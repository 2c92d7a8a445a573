# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_info
short_description: Say which backups there are, how old the newest is, and what pgBackRest lacks on this host
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Asks pgBackRest, on the repository host or on a database host. Changes nothing.
  - Works on a host on which nothing is installed yet.
options:
  host:
    description: Inventory name of this host.
    type: str
    required: true
  stanza:
    description: The cluster's name in the repository. When empty, no repository is asked.
    type: str
    default: ""
  cipher_pass:
    description: Key to open the repositories with, in place of the one on this host.
    type: str
  certificate_directory:
    description: Directory of C(server.crt), C(server.key) and C(ca.crt); when empty, no certificate is looked at.
    type: str
    default: ""
  certificate_names:
    description: Names and addresses that the certificate should carry.
    type: list
    elements: str
    default: []
  certificate_renew_before_days:
    description: A certificate that is valid for fewer days than this needs renewal.
    type: int
    default: 60
  ssh:
    description: Whether keys for the transport over SSH are looked at.
    type: bool
    default: false
  disk:
    description: A path, the size of whose file system is wanted.
    type: str
    default: ""
  timeout:
    description: Seconds that pgBackRest may take.
    type: float
    default: 20.0
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
- name: Look at the backups
  sre.ha_recovery.pgbackrest_info:
    host: backup1
    stanza: orders
  register: seen
"""

RETURN = r"""
pgbackrest:
  description: >-
    C(code) is pgBackRest's: 0 ok, 1 missing path, 2 no backup, 3 missing data, 99 other. C(newest) is the newest usable
    backup, C(age_s) the seconds since it ended. C(locked_out) says that the key does not open that repository. C(error)
    is why pgBackRest gave no answer. Times are seconds since 1970. C(transports) are those of which something is on
    this host. C(ssh), with O(ssh=true), is {public_key, host_keys, authorized, known_hosts}; public halves only.
  returned: always
  type: dict
  sample:
    host: backup1
    installed: true
    version: 2.55.1
    release: "13"
    abilities: {bundle: true, block: true, prefer_standby: true}
    timers: [pgbackrest-full.timer]
    stanza: orders
    code: 0
    message: ok
    running: false
    percent: null
    repositories:
      - {key: 1, cipher: aes-256-cbc, code: 0, message: ok, wal_min: "000000010000000000000003",
         wal_max: "00000001000000000000000A", system_identifier: "7444810238547623131", there: true, locked_out: false}
    backups:
      - {label: 20261126-150233F, type: full, repository: 1, started_at: 1795705353, ended_at: 1795705358,
         faulty: false, database_bytes: 31457280, repository_bytes: 4194304, wal_start: "000000010000000000000005",
         wal_stop: "000000010000000000000005", annotations: {label: before the release}}
    newest: null
    age_s: 410.0
    error: ""
    certificate: {reason: ""}
    transports: [tls]
    ssh: null
    disk_bytes: 3158073344
"""

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbackrest import observe, transport
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.certificate import wanted_names, why_renew
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.host import certificate


def main() -> None:
    """Look and answer."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "stanza": {"type": "str", "default": ""},
            "cipher_pass": {"type": "str", "no_log": True},
            "certificate_directory": {"type": "str", "default": ""},
            "certificate_names": {"type": "list", "elements": "str", "default": []},
            "certificate_renew_before_days": {"type": "int", "default": 60},
            "ssh": {"type": "bool", "default": False},
            "disk": {"type": "str", "default": ""},
            "timeout": {"type": "float", "default": 20.0},
        },
        supports_check_mode=True,
    )
    params = module.params
    runner = HostRunner()
    found = observe.look(
        runner,
        params["stanza"],
        now=time.time(),
        cipher_pass=params["cipher_pass"] or "",
        timeout=params["timeout"],
    )
    found.update(host=params["host"], certificate=None, disk_bytes=None, transports=transport.transports())
    found["ssh"] = transport.look(runner) if params["ssh"] else None
    if params["certificate_directory"]:
        seen = certificate(runner, Path(params["certificate_directory"]), params["certificate_renew_before_days"])
        found["certificate"] = {"reason": why_renew(seen, wanted_names(params["certificate_names"]))}
    if params["disk"]:
        found["disk_bytes"] = observe.disk_bytes(params["disk"])
    module.exit_json(changed=False, pgbackrest=found)


if __name__ == "__main__":
    main()
