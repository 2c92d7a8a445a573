# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_follow
short_description: Make a Postgres node follow a primary and wait until WAL streams
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Writes C(conf.d/90-replication.conf) and C(standby.signal), reloads the running server or starts a stopped one,
    and waits until its WAL receiver streams from the named host.
  - Refuses on a running primary, on a fenced host, on a host without data and on a primary that crashed.
options:
  version:
    description: Major version. By default the newest one below C(/etc/postgresql) that has this cluster.
    type: str
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  host:
    description: Inventory name of this host.
    type: str
    required: true
  port:
    description: Port of this host's own server.
    type: int
    default: 5432
  primary_host:
    description: Inventory name of the host to follow; the name that its certificate carries.
    type: str
    required: true
  primary_address:
    description: Address of the host to follow.
    type: str
    required: true
  primary_port:
    description: Port of the server to follow.
    type: int
    default: 5432
  user:
    description: Replication role.
    type: str
    default: replicator
  passfile:
    description: >-
      libpq password file on this host that holds the replication role's password. By default C(replication.pgpass) in
      the cluster's configuration directory.
    type: path
  sslmode:
    description: How the upstream's certificate is verified.
    type: str
    choices: [verify-full, verify-ca, require]
    default: verify-full
  sslrootcert:
    description: Certificate authority on this host. By default C(tls/ca.crt) in the cluster's configuration directory.
    type: path
  slot_name:
    description: Physical replication slot to use on the upstream. By default this host's name in slot characters.
    type: str
  application_name:
    description: Name in C(synchronous_standby_names) and C(pg_stat_replication). By default this host's name.
    type: str
  start:
    description: Start a stopped server. When false, a stopped server is only configured.
    type: bool
    default: true
  wait:
    description: Wait until WAL streams. When false, only the configuration is written and the server told.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for start and streaming, each. With O(patient), seconds without progress.
    type: float
    default: 30.0
  patient:
    description: >-
      Wait as long as WAL is being replayed. Data that was restored from a backup may have hours of it to replay before
      it streams, and before the server accepts connections.
    type: bool
    default: false
attributes:
  check_mode:
    description: Says what would be done and touches nothing.
    support: full
  diff_mode:
    description: Shows C(90-replication.conf) before and after.
    support: full
  idempotent:
    description: A node that already follows that host is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Let pg3 follow the new primary
  sre.ha_recovery.postgresql_follow:
    host: pg3
    primary_host: pg2
    primary_address: 192.0.2.22
"""

RETURN = r"""
started_at:
  description: When it began, UTC, by the host's own clock.
  returned: success
  type: str
  sample: "2026-03-01T03:12:09.250Z"
upstream:
  description: Host that this node follows.
  returned: always
  type: str
  sample: pg2
wal_receiver:
  description: The WAL receiver once it streams; null in check mode, without I(wait), and for a server not started.
  returned: always
  type: dict
  sample: {status: streaming, sender_host: pg2, sender_port: 5432, slot_name: pg3}
waited_s:
  description: Seconds until WAL streamed.
  returned: always
  type: float
  sample: 0.412
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.clock import utc_now
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow import FollowRefused
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_apply import FollowFailed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.follow_run import run_follow


def main() -> None:
    """Read, plan, apply, wait."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str"},
            "cluster": {"type": "str", "default": "main"},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 5432},
            "primary_host": {"type": "str", "required": True},
            "primary_address": {"type": "str", "required": True},
            "primary_port": {"type": "int", "default": 5432},
            "user": {"type": "str", "default": "replicator"},
            "passfile": {"type": "path", "no_log": False},
            "sslmode": {"type": "str", "default": "verify-full", "choices": ["verify-full", "verify-ca", "require"]},
            "sslrootcert": {"type": "path"},
            "slot_name": {"type": "str"},
            "application_name": {"type": "str"},
            "start": {"type": "bool", "default": True},
            "wait": {"type": "bool", "default": True},
            "timeout": {"type": "float", "default": 30.0},
            "patient": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    started_at = utc_now()
    try:
        result = run_follow(HostRunner(), module.params, check_mode=module.check_mode)
    except (FollowRefused, FollowFailed) as problem:
        module.fail_json(msg=str(problem), upstream=module.params["primary_host"], wal_receiver=None, waited_s=0.0)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(started_at=started_at, **result)


if __name__ == "__main__":
    main()
