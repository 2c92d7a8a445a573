# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: reach
short_description: Ask whether a host's SSH answers, briefly
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Connects from the control node and waits for the SSH banner. A dead host costs C(connect_timeout), a frozen one
    C(banner_timeout), instead of SSH's own long timeouts.
  - It connects directly. Where hosts are only reached through a jump host, set C(connect_timeout) to 0 to skip it.
options:
  _terms:
    description: Address of the host; one.
    required: true
  port:
    description: SSH port.
    type: int
    default: 22
  connect_timeout:
    description: Seconds until the connection must be accepted. 0 skips the question and says yes.
    type: float
    default: 1.0
  banner_timeout:
    description: Seconds until the banner must have come.
    type: float
    default: 4.0
"""

EXAMPLES = r"""
- name: Ask whether this host's SSH answers
  ansible.builtin.set_fact:
    reach: "{{ lookup('sre.ha_recovery.reach', ansible_host) }}"
"""

RETURN = r"""
_raw:
  description: One dictionary with C(ok), C(tcp), C(why) and C(seconds).
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.reach import reach


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Ask each address, one after another; callers ask for one."""
        self.set_options(var_options=variables, direct=kwargs)
        connect = float(self.get_option("connect_timeout"))
        if connect <= 0:
            return [{"ok": True, "tcp": True, "why": "", "seconds": 0.0} for _term in terms]
        return [
            reach(
                str(term),
                int(self.get_option("port")),
                connect_timeout=connect,
                banner_timeout=float(self.get_option("banner_timeout")),
            )
            for term in terms
        ]
