# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forced command of a pgBackRest key: admits what pgBackRest asks of its other side, and nothing else.

usage, in authorized_keys: command="pgbackrest_remote repo|pg STANZA"

sshd hands over what the caller wanted in SSH_ORIGINAL_COMMAND. Admitted is `pgbackrest --option... COMMAND:remote` of
the named side and stanza; no shell ever sees it. Options that name a program or another configuration are refused.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence

PROGRAM = "/usr/bin/pgbackrest"
_OPTION = re.compile(r"--[a-z0-9-]+(=.*)?", re.DOTALL)
_NEVER = re.compile(r"--(no-|reset-)?(config|cmd|(repo|pg)\d*-host)\b")
_COMMAND = re.compile(r"[a-z-]+:remote")


class NotAdmitted(ValueError):
    """It is no command of pgBackRest's other side. Says why."""


def admitted(wanted: str, side: str, stanza: str) -> list[str]:
    """The command line to run. Raises NotAdmitted."""
    try:
        words = shlex.split(wanted)
    except ValueError as error:
        raise NotAdmitted(str(error)) from None
    if len(words) < 2 or words[0] not in ("pgbackrest", PROGRAM):
        raise NotAdmitted("it is not pgbackrest")
    options, command = words[1:-1], words[-1]
    if not _COMMAND.fullmatch(command):
        raise NotAdmitted("it is no command of the other side")
    strange = [one for one in options if not _OPTION.fullmatch(one) or _NEVER.match(one)]
    if strange:
        raise NotAdmitted(f"{strange[0].partition('=')[0]} is no option of the other side")
    for name, value in (("remote-type", side), ("stanza", stanza)):
        given = [one.partition("=")[2] for one in options if one.partition("=")[0] == f"--{name}"]
        if given != [value]:
            raise NotAdmitted(f"--{name} is {', '.join(given) or 'not given'}, expected {value}")
    return [PROGRAM, *options, command]


def main(arguments: Sequence[str], wanted: str) -> None:
    """Become pgBackRest, or say why not."""
    try:
        side, stanza = arguments
        argv = admitted(wanted, side, stanza)
    except ValueError as error:
        sys.exit(f"pgbackrest_remote: refused: {error}")
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:], os.environ.get("SSH_ORIGINAL_COMMAND", ""))
