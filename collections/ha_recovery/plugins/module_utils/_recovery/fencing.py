# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own way of fencing a host from outside, told by inventory variables. Pure.

=========  ==============================================================================================
method     what is done, on the control node
=========  ==============================================================================================
none       nothing
ssh        log in to a management host (a hypervisor, a PDU) and run ``fencing_command`` there
ipmi       ``ipmitool chassis power off``, and ask until the power is off
command    run ``fencing_command``
=========  ==============================================================================================

Proof is exit status 0 of ``fencing_status_command`` when there is one, of the command itself otherwise.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

METHODS = ("none", "ssh", "ipmi", "command")
DEFAULT_TIMEOUT_S = 15.0


class FencingRefused(ValueError):
    """The variables do not say how; the message names variable, value and what is allowed."""


@dataclass(frozen=True)
class Way:
    """How one host is fenced from outside. The password is never part of a command or of a message."""

    method: str = "none"
    command: tuple[str, ...] = ()
    status_command: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT_S
    address: str = ""
    user: str = ""
    port: int = 22
    key_file: str = ""
    known_hosts_file: str = ""
    password_file: str = ""
    password: str = field(default="", repr=False)

    @property
    def local(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Command and status command as they are run on the control node."""
        if self.method != "ipmi":
            return self.command, self.status_command
        login: tuple[str, ...] = ("ipmitool", "-I", "lanplus", "-H", self.address, "-U", self.user)
        login += ("-f", self.password_file) if self.password_file else ("-E",)
        return (*login, "chassis", "power", "off"), (*login, "chassis", "power", "status")

    @property
    def environment(self) -> dict[str, str]:
        """What the command gets besides; ``ipmitool -E`` reads the password there."""
        return {"IPMI_PASSWORD": self.password} if self.password and not self.password_file else {}


def off(method: str, output: str) -> bool:
    """Whether a status command that ended well says that the host is off. Only ipmitool's has to be read."""
    return method != "ipmi" or output.strip().lower().endswith("is off")


def _words(host: str, name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, (list, tuple)):
        return tuple(str(word) for word in value)
    raise FencingRefused(f"{host}: {name} is {value!r}; expected a command, as text or as a list of words")


def way_of(host: str, variables: Mapping[str, Any]) -> Way:
    """From a host's variables. Raises FencingRefused for what cannot work."""
    method = str(variables.get("fencing_method") or "none")
    if method not in METHODS:
        raise FencingRefused(f"{host}: fencing_method is {method}; allowed: {', '.join(METHODS)}")
    if method == "none":
        return Way()

    def text(name: str) -> str:
        return str(variables.get(name) or "")

    required = {
        "ssh": ("fencing_address", "fencing_command"),
        "ipmi": ("fencing_address", "fencing_user"),
        "command": ("fencing_command",),
    }[method]
    missing = [name for name in required if not variables.get(name)]
    if method == "ipmi" and not (text("fencing_password_file") or text("fencing_password")):
        missing.append("fencing_password_file (or fencing_password)")
    if missing:
        raise FencingRefused(f"{host}: fencing_method is {method}, and {', '.join(missing)} is not set")
    try:
        timeout = float(variables.get("fencing_timeout") or DEFAULT_TIMEOUT_S)
    except (TypeError, ValueError) as error:
        raise FencingRefused(
            f"{host}: fencing_timeout is {variables['fencing_timeout']!r}; expected seconds"
        ) from error
    return Way(
        method=method,
        command=_words(host, "fencing_command", variables.get("fencing_command") or ()),
        status_command=_words(host, "fencing_status_command", variables.get("fencing_status_command") or ()),
        timeout=timeout,
        address=text("fencing_address"),
        user=text("fencing_user"),
        port=int(variables.get("fencing_port") or 22),
        key_file=text("fencing_key_file"),
        known_hosts_file=text("fencing_known_hosts_file"),
        password_file=text("fencing_password_file"),
        password=text("fencing_password"),
    )
