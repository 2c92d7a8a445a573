# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role probe: tells load balancers, monitoring and runbooks what the Postgres of this host is, right now."""

from __future__ import annotations

VERSION = "0.1.0"
