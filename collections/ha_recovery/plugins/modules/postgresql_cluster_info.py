# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_cluster_info
short_description: Observe one host's Postgres cluster and what that host sees of its peers
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Reads the role, timeline, WAL positions, replication, slots, fence and service state of a Debian Postgres cluster.
  - Costs one C(psql) process with one query. Peers' role probes are asked at the same time.
  - A stopped server is described from C(pg_controldata); a server that does not answer within I(timeout) is C(hung),
    and so is a primary of which its role probe says that commits do not reach the disk any more (a stuck disk).
  - A host without Postgres is an answer, not an error.
options:
  version:
    description: Major version. By default the newest one below C(/etc/postgresql) that has this cluster.
    type: str
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  host:
    description: Inventory name of this host; copied into the answer.
    type: str
    required: true
  address:
    description: Address of this host in the cluster's network; copied into the answer.
    type: str
    required: true
  port:
    description: Port of the server.
    type: int
    default: 5432
  peers:
    description: Inventory name and address of every database host. This host itself is passed over.
    type: dict
    default: {}
  peer_timeout:
    description: Seconds to wait for the peers' role probes, all asked at once.
    type: float
    default: 0.7
  timeout:
    description: Seconds to wait for the local server.
    type: float
    default: 2.0
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
- name: Observe every database host
  sre.ha_recovery.postgresql_cluster_info:
    host: "{{ inventory_hostname }}"
    address: "{{ ha_address }}"
    peers: {pg1: 192.0.2.21, pg2: 192.0.2.22, pg3: 192.0.2.23}
"""

RETURN = r"""
node:
  description: >-
    The host as decisions see it. Keys that are not known are null. C(role) is primary, standby, stopped (data, no
    server), hung (a server that does not answer, or a primary whose disk is stuck; C(error) says why) or absent (no
    data).
  returned: always
  type: dict
  sample:
    host: pg2
    address: 192.0.2.22
    reachable: true
    installed: true
    version: "17"
    data_directory: /var/lib/postgresql/17/main
    data_state: initialized
    fenced: null
    maintenance: null
    restore: null
    boot_guard:
      {verdict: allowed, row: standby, reason: "a standby, never writable", next: "", waits: false,
       at: "2026-03-01T03:10:00Z"}
    service: {active: true, enabled: enabled-runtime, masked: false}
    running: true
    error: null
    role: standby
    system_identifier: "7444810238547623131"
    server_version_num: 170011
    timeline: 1
    current_lsn: null
    received_lsn: 0/5000148
    replayed_lsn: 0/5000148
    lag_bytes: 0
    lag_seconds: 0.0
    replay_paused: false
    wal_receiver:
      {status: streaming, sender_host: pg1, sender_port: 5432, slot_name: pg2, latest_end_lsn: 0/5000148,
       last_msg_receipt_age_s: 0.041}
    upstream: pg1
    replication: []
    slots: [{name: pg1, type: physical, active: false, restart_lsn: null, wal_status: null, retained_bytes: null}]
    synchronous_standby_names: ANY 1 ("pg1","pg2","pg3")
    sync_degraded: false
    last_commit_at: "2026-03-01T03:12:09.120441+00:00"
    pending_restart: []
    control: null
    peers:
      pg1: {address: 192.0.2.21, tcp: true, primary_status: 200, coming_back: "", stalled: "", seconds: 0.002}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import observe_node


def main() -> None:
    """Observe and answer."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str"},
            "cluster": {"type": "str", "default": "main"},
            "host": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "default": 5432},
            "peers": {"type": "dict", "default": {}},
            "peer_timeout": {"type": "float", "default": 0.7},
            "timeout": {"type": "float", "default": 2.0},
        },
        supports_check_mode=True,
    )
    node = observe_node(HostRunner(), **module.params)
    module.exit_json(changed=False, node=node)


if __name__ == "__main__":
    main()
