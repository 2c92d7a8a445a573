# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that database hosts answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import observe_node
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_facts import (
    preflight_facts as gather,
)


def cluster_info(args: Mapping[str, Any]) -> dict[str, Any]:
    """The node, as M(sre.ha_recovery.postgresql_cluster_info) documents it."""
    return observe_node(HostRunner(), **args)


def preflight_facts(args: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, as M(sre.ha_recovery.postgresql_preflight_info) documents them."""
    return gather(HostRunner(), **args)
