# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that load balancers answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.ask import ask
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.balancer_facts import balancer_facts as gather
from ansible_collections.sre.ha_recovery.plugins.module_utils._keepalived.observe import Asked, observe


def haproxy_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """As M(sre.ha_recovery.haproxy_info) documents it."""
    return ask(**args)


def keepalived_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """As M(sre.ha_recovery.keepalived_info) documents it."""
    defaults = {"unit": "keepalived.service", "dump": "/run/ha_recovery_keepalived/keepalived.json", "timeout": 2.0}
    return observe(HostRunner(), Asked(**{**defaults, **args}))


def balancer_facts(args: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, as M(sre.ha_recovery.balancer_preflight_info) documents them."""
    return gather(HostRunner(), **args)
