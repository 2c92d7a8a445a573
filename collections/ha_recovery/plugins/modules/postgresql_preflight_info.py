# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_preflight_info
short_description: Gather what is to be known of a database host before a change
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Settings, archiver, running backups, old and prepared transactions, WAL senders and slots with one SQL question;
    disks, WAL volume, certificates, clock and rights from the host itself.
  - Opens a replication connection to every other database host, as this host will have to once that one is primary.
  - What M(sre.ha_recovery.postgresql_cluster_info) tells is not asked for again.
    P(sre.ha_recovery.preflight_verdicts#filter) judges both.
  - A fact that cannot be had is null, with the reason beside it. A host without Postgres is an answer, not an error.
options:
  host:
    description: Inventory name of this host.
    type: str
    required: true
  peers:
    description: >-
      Inventory name and address of every database host; replication is tried to each but this one, as C(replicator),
      with the password file and the TLS that M(sre.ha_recovery.postgresql_follow) uses.
    type: dict
    default: {}
  version:
    description: Major version. By default the newest one below C(/etc/postgresql) that has this cluster.
    type: str
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  port:
    description: Port of the servers, here and on the peers.
    type: int
    default: 5432
  certificates:
    description: Names of files in the cluster's C(tls) directory.
    type: list
    elements: str
    default: [server.crt, ca.crt]
  timeout:
    description: Seconds to wait for the local server.
    type: float
    default: 2.0
  connect_timeout:
    description: Seconds to wait for the peers, all tried at once.
    type: float
    default: 3.0
attributes:
  check_mode:
    description: Nothing is ever changed, so check mode is the same.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Gather facts before a change
  sre.ha_recovery.postgresql_preflight_info:
    host: "{{ inventory_hostname }}"
    peers: {pg1: 192.0.2.21, pg2: 192.0.2.22, pg3: 192.0.2.23}
"""

RETURN = r"""
facts:
  description: >-
    What was found. C(sql) is null where the server did not answer, and C(sql_error) says why. Sizes are in bytes, ages
    in seconds, C(expires_at) and C(clock) in seconds since 1970. Backups by C(pg_backup_start) leave no trace
    of their own since PostgreSQL 15; they are recognised by the last statement or the name of their session, or by
    the lock that pgBackRest holds.
  returned: always
  type: dict
  sample:
    host: pg1
    privilege: {root: true, user: true, error: null}
    data: {path: /var/lib/postgresql/17/main, device: 64, total_bytes: 3221225472, free_bytes: 2684354560, error: null}
    wal:
      {path: /var/lib/postgresql/17/main/pg_wal, device: 64, total_bytes: 3221225472, free_bytes: 2684354560,
       error: null, ready: 0, bytes_per_minute: 3355443.2}
    certificates: [{path: /etc/postgresql/17/main/tls/server.crt, expires_at: 1855613529, error: null}]
    replication:
      pg2: {ok: true, error: null, seconds: 0.031, system_identifier: "7444810238547623131", timeline: 1}
    sql:
      server_version_num: 170011
      settings: {max_connections: "200", wal_log_hints: "on", archive_mode: "off", archive_command: ""}
      pending_restart: []
      archiver: {archived: 0, failed: 0, last_archived_age_s: null, last_failed_age_s: null, last_failed_wal: null}
      backups: [{pid: 812, kind: base backup, user: replicator, application: pg_basebackup, address: 192.0.2.31}]
      transactions:
        [{pid: 901, user: app, application: orders, address: 192.0.2.11, database: app, state: active, age_s: 0.2}]
      prepared: []
      walsenders: 3
      slots:
        [{name: pg2, type: physical, active: true, temporary: false, database: null, wal_status: reserved,
          failover: false, synced: false, retained_bytes: 0}]
    sql_error: null
    clock: {first: 1772334729.120441, last: 1772334729.163021}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_facts import preflight_facts


def main() -> None:
    """Gather and answer."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "peers": {"type": "dict", "default": {}},
            "version": {"type": "str"},
            "cluster": {"type": "str", "default": "main"},
            "port": {"type": "int", "default": 5432},
            "certificates": {"type": "list", "elements": "str", "default": ["server.crt", "ca.crt"]},
            "timeout": {"type": "float", "default": 2.0},
            "connect_timeout": {"type": "float", "default": 3.0},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, facts=preflight_facts(HostRunner(), **module.params))


if __name__ == "__main__":
    main()
