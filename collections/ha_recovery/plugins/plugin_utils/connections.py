# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ansible's variables to connections. Runs on the control node, inside of action plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.connection import Connection, connection_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.estate import Limits

_WANTED = (
    "ansible_connection",
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_password",
    "ansible_private_key_file",
    "ansible_ssh_host",
    "ansible_ssh_pass",
    "ansible_ssh_password",
    "ansible_ssh_port",
    "ansible_ssh_user",
    "ansible_ssh_private_key_file",
    "ansible_ssh_args",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_executable",
    "ansible_ssh_timeout",
    "ansible_become",
    "ansible_become_method",
    "ansible_become_password",
    "ansible_become_pass",
)


def _configured(option: str) -> str:
    """An option of the ssh connection plugin, from ansible.cfg or the environment."""
    try:
        return str(constants.config.get_config_value(option, plugin_type="connection", plugin_name="ssh") or "")
    except AnsibleError:
        return ""


def connections_for(hosts: Iterable[str], task_vars: Mapping[str, Any]) -> list[Connection]:
    """One connection a host, in the order given. Raises ConnectionRefused, or KeyError for a host nobody knows."""
    hostvars = task_vars["hostvars"]
    folder = Path(_configured("control_path_dir") or "~/.ansible/cp").expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    defaults = {
        "ansible_user": _configured("remote_user"),
        "ansible_private_key_file": _configured("private_key_file"),
    }
    found = []
    for host in hosts:
        known = hostvars[host]
        variables = {name: value for name, value in defaults.items() if value}
        variables.update({name: known[name] for name in _WANTED if name in known})
        # The interpreter is the host's, not the control node's, whose own variable may be in force here.
        python = known.get("ansible_python_interpreter")
        if python and not str(python).startswith("auto"):
            variables["ansible_python_interpreter"] = python
        found.append(connection_of(host, variables, ssh_args=_configured("ssh_args"), control_dir=str(folder)))
    return found


def limits_from(task_vars: Mapping[str, Any]) -> Limits:
    """Time limits; the inventory may set ``ha_reach_timeout``, ``ha_banner_timeout`` and ``ha_login_timeout``."""
    return Limits(
        connect=float(task_vars.get("ha_reach_timeout", 1.0)),
        banner=float(task_vars.get("ha_banner_timeout", 4.0)),
        login=float(task_vars.get("ha_login_timeout", 12.0)),
    )
