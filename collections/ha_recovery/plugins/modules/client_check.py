# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_check
short_description: Write and read through the virtual IP as a client does
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Inserts one row into C(ha_recovery.verification) over TLS with a password, reads it back over a second connection,
    and tries again until I(timeout).
options:
  address:
    description: Virtual IP, or any address to test.
    type: str
    required: true
  port:
    description: Port of the read-write listener.
    type: int
    default: 5000
  user:
    description: Database role that owns the verification table.
    type: str
    default: ha_verify
  database:
    description: Database of the verification table.
    type: str
    default: postgres
  passfile:
    description: libpq password file on this host.
    type: path
    default: /etc/ha_recovery/verify.pgpass
  sslmode:
    description: How the server's certificate is verified. Its name is the host's, not the virtual IP's.
    type: str
    choices: [verify-full, verify-ca, require]
    default: verify-ca
  sslrootcert:
    description: Certificate authority on this host. By default the one of this host's cluster.
    type: path
  version:
    description: Major version of the C(psql) to use. By default the newest one that has a cluster here.
    type: str
  cluster:
    description: Debian name of the cluster on this host.
    type: str
    default: main
  by:
    description: Who writes, for the row.
    type: str
    default: client_check
  timeout:
    description: Seconds until it gives up.
    type: float
    default: 15.0
  attempt_timeout:
    description: Seconds for one try. A commit that waits for a standby counts as failed after this.
    type: float
    default: 3.0
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: There is nothing to show but a row with a random key.
    support: none
  idempotent:
    description: Each run writes one row.
    support: none
"""

EXAMPLES = r"""
- name: Write and read through the virtual IP
  sre.ha_recovery.client_check:
    address: 192.0.2.100
    by: failover
"""

RETURN = r"""
started_at:
  description: When it began, UTC, by the host's own clock.
  returned: success
  type: str
  sample: "2026-03-01T03:12:09.250Z"
server_address:
  description: Address of the server that acknowledged the write.
  returned: success
  type: str
  sample: 192.0.2.22
timeline:
  description: Timeline of that server.
  returned: success
  type: int
  sample: 2
tries:
  description: How many tries it took.
  returned: always
  type: int
  sample: 3
seconds:
  description: Seconds until the write was acknowledged.
  returned: success
  type: float
  sample: 0.412
read_seconds:
  description: Seconds until it was read back.
  returned: success
  type: float
  sample: 0.447
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.verify import VerifyFailed, run_check


def main() -> None:
    """Write, read back, answer."""
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "default": 5000},
            "user": {"type": "str", "default": "ha_verify"},
            "database": {"type": "str", "default": "postgres"},
            "passfile": {"type": "path", "default": "/etc/ha_recovery/verify.pgpass", "no_log": False},
            "sslmode": {"type": "str", "default": "verify-ca", "choices": ["verify-full", "verify-ca", "require"]},
            "sslrootcert": {"type": "path"},
            "version": {"type": "str"},
            "cluster": {"type": "str", "default": "main"},
            "by": {"type": "str", "default": "client_check"},
            "timeout": {"type": "float", "default": 15.0},
            "attempt_timeout": {"type": "float", "default": 3.0},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, tries=0, msg="check mode: nothing was written")
    started_at = utc_now()
    try:
        found = run_check(HostRunner(), module.params)
    except VerifyFailed as problem:
        module.fail_json(msg=str(problem), tries=problem.tries)
    module.exit_json(changed=True, started_at=started_at, **found)


if __name__ == "__main__":
    main()
