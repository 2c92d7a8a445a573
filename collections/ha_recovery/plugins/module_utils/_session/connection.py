# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to log in to a host: the OpenSSH command that Ansible's own connection would use, from the same variables. Pure.

Source: documentation of the connection plugin ansible.builtin.ssh and the become plugin ansible.builtin.sudo.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._session.loader import LOADER


class ConnectionRefused(Exception):
    """The inventory asks for a way of logging in that sessions do not have."""


@dataclass(frozen=True)
class Connection:
    """One host. ``ssh_args`` are OpenSSH options as Ansible has them; ``direct``: no jump host or proxy in between."""

    host: str
    address: str
    port: int = 22
    user: str | None = None
    private_key: str | None = None
    ssh_args: tuple[str, ...] = ()
    executable: str = "ssh"
    python: str = "/usr/bin/python3"
    become: bool = True
    become_password: str | None = field(default=None, repr=False)
    connect_timeout: int = 12
    control_path: str | None = None

    @property
    def direct(self) -> bool:
        """True when the host's own SSH port can be asked from here."""
        text = " ".join(self.ssh_args).lower()
        return not any(word in text for word in ("proxyjump", "proxycommand", "-j "))

    def argv(self) -> list[str]:
        """The command that starts the agent. No secret is in it."""
        argv = [self.executable, *self.ssh_args]
        if self.control_path and "controlpath" not in " ".join(self.ssh_args).lower():
            argv += ["-o", f"ControlPath={self.control_path}"]
        argv += ["-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={self.connect_timeout}", "-p", str(self.port)]
        if self.user:
            argv += ["-l", self.user]
        if self.private_key:
            argv += ["-i", self.private_key]
        # The agent needs nothing but the standard library: without the site's own additions Python starts sooner.
        program = [self.python, "-I", "-S", "-c", LOADER]
        if self.become:
            program = ["sudo", "-H", *(["-S", "-k", "-p", ""] if self.become_password else ["-n"]), "--", *program]
        return [*argv, "--", self.address, shlex.join(program)]


def _flag(value: Any) -> bool:
    return str(value).strip().lower() in {"true", "yes", "on", "1"}


def connection_of(
    host: str, variables: Mapping[str, Any], *, ssh_args: str = "", control_dir: str | None = None
) -> Connection:
    """From a host's templated variables. ``ssh_args`` is Ansible's configured default.

    Raises ConnectionRefused for another connection plugin than ssh, or another way to become root than sudo.
    """

    def text(name: str) -> str | None:
        value = variables.get(name)
        return None if value is None or str(value) == "" else str(value)

    plugin = text("ansible_connection") or "ssh"
    if plugin.rpartition(".")[2] not in {"ssh", "smart"}:
        raise ConnectionRefused(
            f"{host}: ansible_connection is {plugin}; allowed: ssh. Runbooks log in with OpenSSH themselves."
        )
    if text("ansible_password") or text("ansible_ssh_pass") or text("ansible_ssh_password"):
        raise ConnectionRefused(
            f"{host}: ansible_password is set; allowed: a key, an agent or a certificate. Runbooks log in with OpenSSH "
            "themselves, and nobody types a password for them. Next: docs/sessions.md"
        )
    method = text("ansible_become_method") or "sudo"
    if method.rpartition(".")[2] != "sudo":
        raise ConnectionRefused(f"{host}: ansible_become_method is {method}; allowed: sudo")
    words = [text("ansible_ssh_args") or ssh_args, text("ansible_ssh_common_args"), text("ansible_ssh_extra_args")]
    user = text("ansible_user") or text("ansible_ssh_user")
    return Connection(
        host=host,
        address=text("ansible_ssh_host") or text("ansible_host") or host,
        port=int(text("ansible_port") or text("ansible_ssh_port") or 22),
        user=user,
        private_key=text("ansible_ssh_private_key_file") or text("ansible_private_key_file"),
        ssh_args=tuple(word for part in words if part for word in shlex.split(part)),
        executable=text("ansible_ssh_executable") or "ssh",
        python=text("ansible_python_interpreter") or "/usr/bin/python3",
        become=user != "root" and _flag(variables.get("ansible_become", True)),
        become_password=text("ansible_become_password") or text("ansible_become_pass"),
        connect_timeout=int(float(text("ansible_ssh_timeout") or 12)),
        control_path=f"{control_dir}/ha-%C" if control_dir else None,
    )
