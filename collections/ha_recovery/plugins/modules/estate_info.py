# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: estate_info
short_description: Ask many hosts many questions at once
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Logs in to every host named in O(ask) at the same time with OpenSSH, as Ansible would, starts the collection's agent
    there, and asks. One task instead of one per host and question.
  - A host that does not answer is part of the answer. A dead one costs C(ha_reach_timeout) (1 second), a frozen one
    C(ha_banner_timeout) (4 seconds), all together.
  - Runs on the control node. The variables of each host say how to log in; only the connection plugin
    P(ansible.builtin.ssh#connection) and C(sudo) are known.
options:
  ask:
    description: >-
      For each host, the questions and their arguments: C(cluster_info), C(haproxy_info), C(keepalived_info) and others,
      named like the modules whose answers they give. An empty dictionary asks only whether the host lets us in.
    type: dict
    required: true
  timeout:
    description: Seconds until all answers must have come, once logged in.
    type: float
    default: 5.0
  after:
    description: >-
      Seconds to wait before asking: how long something that was seen before needs to show whether it is still so.
    type: float
    default: 0.0
attributes:
  check_mode:
    support: full
    description: Looks only.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Ask two hosts at once
  sre.ha_recovery.estate_info:
    ask:
      pg1: {cluster_info: {host: pg1, address: 192.0.2.21}}
      lb1: {haproxy_info: {host: lb1}, keepalived_info: {host: lb1, vip: 192.0.2.100, address: 192.0.2.11}}
  delegate_to: localhost
  register: estate
"""

RETURN = r"""
hosts:
  description: >-
    For each host, whether it let us in (C(reach), with the reason and the seconds when not), and for each question its
    C(value), or the C(error).
  returned: always
  type: dict
  sample:
    lb1:
      reach: {ok: true, tcp: true, why: "", seconds: 0.41}
      answers:
        haproxy_info: {ok: true, value: {host: lb1, running: true}, error: "", seconds: 0.02}
    pg1:
      reach: {ok: false, tcp: false, why: no answer on port 22 within 1 s, seconds: 1.0}
      answers:
        cluster_info: {ok: false, value: null, error: no answer on port 22 within 1 s, seconds: 0.0}
"""
