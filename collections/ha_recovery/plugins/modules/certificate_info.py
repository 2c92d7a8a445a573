# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: Say whether a host needs a new certificate of the cluster's authority, and why
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Looks at C(server.crt), C(server.key) and C(ca.crt) in one directory with the host's own openssl.
  - The private key is read on the host only.
options:
  directory:
    description: Where the three files are, or will be.
    type: path
    required: true
  names:
    description: Host names and addresses that the certificate should carry, and no others.
    type: list
    elements: str
    required: true
  renew_before_days:
    description: A certificate that is valid for fewer days than this needs a successor.
    type: int
    default: 60
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
- name: Look at the pooler's certificate
  sre.ha_recovery.certificate_info:
    directory: /etc/pgbouncer/tls
    names: [lb1, 192.0.2.11, 192.0.2.100]
"""

RETURN = r"""
certificate:
  description: >-
    C(reason) says why a new certificate is needed and is empty when none is. C(ca_fingerprint) is the SHA-256
    fingerprint of the authority's certificate on the host, empty when there is none.
  returned: always
  type: dict
  sample: {reason: the certificate expires soon, ca_fingerprint: "5C:9A:1F:22"}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.certificate import wanted_names, why_renew
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.host import ca_fingerprint, certificate


def main() -> None:
    """Look and answer."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
            "renew_before_days": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    runner = HostRunner()
    directory = Path(module.params["directory"])
    found = certificate(runner, directory, module.params["renew_before_days"])
    answer = {
        "reason": why_renew(found, wanted_names(module.params["names"])),
        "ca_fingerprint": ca_fingerprint(runner, directory / "ca.crt"),
    }
    module.exit_json(changed=False, certificate=answer)


if __name__ == "__main__":
    main()
