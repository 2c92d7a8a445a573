# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_host_info
short_description: Find out what a database host offers and lacks before Postgres is provisioned on it
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Reads memory, disk, release, missing packages, data of other clusters and the state of the server's certificate.
  - Takes the place of fact gathering and of one task for each of these questions.
  - Works on a host on which nothing is installed yet.
options:
  version:
    description: Major version of Postgres. When empty, the one that the Debian release carries.
    type: str
    default: ""
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  packages:
    description: Packages that should be installed. C(%v) stands for the major version.
    type: list
    elements: str
    default: []
  certificate_names:
    description: Host names and addresses that the server's certificate should carry.
    type: list
    elements: str
    default: []
  renew_before_days:
    description: Days before its end at which a certificate counts as worn out.
    type: int
    default: 60
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
- name: Find out what the host offers
  sre.ha_recovery.postgresql_host_info:
    packages: [postgresql-%v, python3-psycopg2]
    certificate_names: [pg1, 192.0.2.21]
"""

RETURN = r"""
host:
  description: >-
    What was found. C(tls.reason) says why a new certificate is needed and is empty when none is. C(other_clusters) are
    data directories that belong to another cluster or major version. Sizes are in bytes.
  returned: always
  type: dict
  sample:
    release: "13"
    version: "17"
    memory_bytes: 8589934592
    disk_bytes: 107374182400
    missing_packages: []
    data_directory: /var/lib/postgresql/17/main
    data_version: "17"
    data_directory_is_mount: false
    standby_signal: false
    other_clusters: []
    tls: {reason: "", ca_fingerprint: "5C:9A:1F:22"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.host import observe_host


def main() -> None:
    """Observe and answer."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "default": ""},
            "cluster": {"type": "str", "default": "main"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "certificate_names": {"type": "list", "elements": "str", "default": []},
            "renew_before_days": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    host = observe_host(HostRunner(), **module.params)
    if not host["version"]:
        module.fail_json(
            msg="This host does not run Debian 12 or 13, so which Postgres its release carries is not known. "
            "Next: set postgresql_version to a major version whose packages the host's own repositories offer.",
            host=host,
        )
    module.exit_json(changed=False, host=host)


if __name__ == "__main__":
    main()
